/*
 * shmem.h
 *    What our processes know of each other: plain data in shared memory.
 *
 * Everything here is a hint; the tables are the truth and this can be rebuilt
 * from them (the launcher does so after each start of the server).  It holds
 * numbers only: no pointer into a process, no payload.
 *
 * One lock guards all of it.  While it is held nothing waits, nothing is
 * registered with the postmaster, nothing is reported and no table is read;
 * latches are noted in a HitlLatches and set after it is released.  Signals
 * are sent under it: a process leaves its slot under the lock before it is
 * gone, so a pid found in a slot is never that of a stranger.
 *
 * Layer 2.  Times are arguments.
 */
#ifndef HITL_SHMEM_H
#define HITL_SHMEM_H

#include "hitl.h"
#include "types.h"

#include "port/atomics.h"

struct LWLock;

#define HITL_SLOTS 200			/* launcher, dispatchers, executors */
#define HITL_ENTRIES 512		/* databases with something to come */
#define HITL_EVENTS 1024		/* notifications not yet sent */
#define HITL_WAITERS 128		/* sessions in hitl.wait() */
#define HITL_HOLDS 64			/* databases that we must stay out of */
#define HITL_REFUSALS 64		/* roles that could not connect */

#define HITL_NOBODY (-1)		/* no slot, no process, no event */

typedef enum HitlProcessKind
{
	HITL_PROCESS_NONE,
	HITL_PROCESS_LAUNCHER,
	HITL_PROCESS_DISPATCHER,
	HITL_PROCESS_EXECUTOR
} HitlProcessKind;

/*
 * A slot goes STARTING -> IDLE <-> BUSY -> LEAVING -> free.
 *
 * STARTING	registered; pid is 0 until the process has taken it over, and set
 *			while it connects.  A worker finds its slot by place and
 *			generation, so one that comes too late finds it given away.
 * IDLE		looks for work before it sleeps, and will see is_woken.
 * BUSY		an executor runs a task, a dispatcher reads the queue.
 * LEAVING	has decided to go: waking it would be in vain.
 * GRANTED	no process: kept for the executor for which another one left.
 */
typedef enum HitlProcessState
{
	HITL_PROCESS_STARTING,
	HITL_PROCESS_IDLE,
	HITL_PROCESS_BUSY,
	HITL_PROCESS_LEAVING,
	HITL_PROCESS_GRANTED
} HitlProcessState;

/*
 * One of our processes.  The starter writes it until the process takes it
 * over, then the process itself; others write only is_woken, must_leave,
 * is_terminated, cancel_thread and grant_*.
 */
typedef struct HitlSlot
{
	HitlProcessKind kind;
	HitlProcessState state;
	uint32		generation;
	int			pid;
	int			procno;
	Oid			dboid;
	Oid			roleoid;		/* executors */
	TimestampTz started_at;		/* registered, then: running */
	TimestampTz busy_since;
	TimestampTz idle_since;		/* asleep since; 0 while it is not */
	int64		thread_id;		/* what it runs, or 0 */
	int64		task_id;
	int64		cancel_thread;	/* for which thread a SIGINT was meant, or 0 */
	Oid			grant_dboid;	/* for whom it is to leave, if for somebody */
	Oid			grant_role;
	bool		is_reducing;	/* it runs reducers of an author, and holds the
								 * row of thread_id */
	bool		is_proven;		/* connected (executor), passed (dispatcher) */
	bool		is_woken;		/* its latch was set for work that it has yet
								 * to look for */
	bool		must_leave;		/* asked to go as soon as it runs nothing */
	bool		is_terminated;	/* a SIGTERM was sent because of a hold */
} HitlSlot;

/*
 * One database.  Transactions write it at commit; its dispatcher takes the
 * flags at the start of each pass; the launcher reads it to start one.
 */
typedef struct HitlEntry
{
	Oid			dboid;			/* InvalidOid: free */
	int			dispatcher;		/* slot, or HITL_NOBODY */
	TimestampTz next_due;		/* look again then, DT_NOEND for never */
	TimestampTz retry_at;		/* no dispatcher before that */
	int			failures;		/* dispatchers that died, in a row */
	int			first_event;	/* its events, oldest first */
	int			last_event;
	bool		has_work;		/* look now */
	bool		needs_scale;	/* look soon: busy executors have more to do */
	bool		is_waiting;		/* for a place among max_executors */
	bool		is_seen;		/* a dispatcher has found the extension */
	bool		is_prepared;	/* had prepared transactions at the last look */
	bool		needs_resync;	/* notifications may have been lost */
} HitlEntry;

/* a notification to send; free ones are chained like those of an entry */
typedef struct HitlEvent
{
	HitlEventKind kind;
	int			next;
	int64		thread_id;
	int64		interrupt_id;	/* 0: none */
} HitlEvent;

/* a session that waits for a thread; written by itself */
typedef struct HitlWaiter
{
	Oid			dboid;			/* InvalidOid: free */
	int			procno;
	int64		thread_id;
} HitlWaiter;

/* a database that a statement needs for itself until its transaction ends */
typedef struct HitlHold
{
	Oid			dboid;
	int			count;			/* transactions that hold it; 0: free */
} HitlHold;

/* a role that could not connect to a database; written by dispatchers */
typedef struct HitlRefusal
{
	Oid			dboid;			/* InvalidOid: free */
	Oid			roleoid;
	int			failures;
	bool		is_logged;
	TimestampTz retry_at;
} HitlRefusal;

typedef struct HitlShared
{
	struct LWLock *lock;
	int			slots_used;		/* no slot beyond is in use */
	int			entries_used;	/* likewise */
	int			free_event;
	int			n_waiting;		/* entries with is_waiting */
	bool		is_discovered;	/* the launcher has seen every database */
	bool		is_crowded;		/* an entry was given up for lack of room */
	pg_atomic_uint32 n_waiters; /* written under the lock, read without */
	HitlSlot	slots[HITL_SLOTS];	/* the launcher's is the first */
	HitlEntry	entries[HITL_ENTRIES];
	HitlEvent	events[HITL_EVENTS];
	HitlWaiter	waiters[HITL_WAITERS];
	HitlHold	holds[HITL_HOLDS];
	HitlRefusal refusals[HITL_REFUSALS];
} HitlShared;

/* processes to wake once the lock is released; a spurious wake is harmless */
typedef struct HitlLatches
{
	int			n;
	int			procno[HITL_SLOTS + HITL_WAITERS];
} HitlLatches;

/* NULL without preload */
extern HitlShared *shmem_shared;

extern void shmem_init(void);
extern bool shmem_is_on(void);
extern bool shmem_has_launcher(void);
extern void shmem_lock(void);
extern void shmem_unlock(void);
extern void shmem_latch_add(HitlLatches *latches, int procno);
extern void shmem_latch_set(const HitlLatches *latches);

/* databases; the lock is held */
extern HitlEntry *shmem_entry_find(Oid dboid);
extern HitlEntry *shmem_entry_make(Oid dboid, bool is_announced);
extern void shmem_entry_remove(HitlEntry *entry);
extern void shmem_entry_set_waiting(HitlEntry *entry, bool is_waiting);
extern void shmem_entry_rouse(HitlEntry *entry, HitlLatches *latches);
extern void shmem_rouse_waiting(HitlLatches *latches);
extern void shmem_rouse_launcher(HitlLatches *latches);
extern void shmem_event_push(HitlEntry *entry, HitlEventKind kind,
							 int64 thread_id, int64 interrupt_id);
extern int	shmem_event_take(HitlEntry *entry, HitlEvent *events, int limit);
extern bool shmem_database_is_held(Oid dboid);
extern HitlRefusal *shmem_refusal_find(Oid dboid, Oid roleoid);
extern HitlRefusal *shmem_refusal_make(Oid dboid, Oid roleoid);

/* holds of the current transaction, see utility.c; they take the lock */
extern bool shmem_hold_begin(Oid dboid);
extern void shmem_hold_end(Oid dboid, bool is_gone, TimestampTz not_before);

#endif							/* HITL_SHMEM_H */
