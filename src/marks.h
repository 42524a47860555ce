/*
 * marks.h
 *    Who runs which task, in a file that outlives a crash of the processes.
 *
 * A mark is written before a node runs and cleared after its commit: plain
 * stores into mapped memory, no system call, no statement, no flush.  What a
 * process leaves standing when it dies is evidence against the task that it
 * ran; crash.c reads it and counts.
 *
 * The one who dies is the one to blame: a process that the postmaster ends
 * because another one has crashed, or because the server is stopped at once
 * (SIGQUIT), clears its own mark.  So does one that is asked to end (SIGTERM
 * from somebody else), whatever becomes of it then.  A parallel worker of a
 * process with a mark has the same mark: it may die in its leader's stead.
 *
 * Nobody is to blame for the end of a whole server, from outside, without a
 * word (a machine that is reset, a container that is killed).  A server that
 * comes up believes the marks of another one's life only if one of our
 * processes heard then that some process had crashed.
 *
 * Layer 2.  Times are arguments.
 */
#ifndef HITL_MARKS_H
#define HITL_MARKS_H

#include "types.h"

/* a run of a task */
typedef struct HitlMark
{
	Oid			dboid;
	Oid			owner;			/* as whom it runs */
	int64		thread_id;
	int64		task_id;
	int			step;
	TransactionId version;		/* of the task's row when it was claimed: if
								 * the row is another one, the run or somebody
								 * else has moved the task on */
	TimestampTz since;

	/* where a mark that was left stands */
	int			place;
	uint32		word;
} HitlMark;

extern void marks_attach(void);
extern bool marks_is_on(void);
extern void marks_begin(const HitlMark *mark);
extern void marks_begin_again(int64 thread_id);
extern void marks_end(void);
extern void marks_join_leader(void);

/* marks that were left: look when the count is not what it was */
extern uint32 marks_count_left(void);
extern List *marks_left(Oid dboid);
extern void marks_remove(const HitlMark *mark);

#endif							/* HITL_MARKS_H */
