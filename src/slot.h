/*
 * slot.h
 *    The slots of our processes: taken, taken over, given back, and what is
 *    read in them.
 *
 * Layer 2.
 */
#ifndef HITL_SLOT_H
#define HITL_SLOT_H

#include "shmem.h"

/* for whom a cancel (SIGINT) was meant, as seen by the executor that got it */
typedef enum HitlCancelAim
{
	HITL_CANCEL_NONE,			/* not from us: pg_cancel_backend, a timeout */
	HITL_CANCEL_THIS,
	HITL_CANCEL_OTHER			/* a task that this process ran before */
} HitlCancelAim;

/* a row of hitl.worker_status */
typedef struct HitlWorkerInfo
{
	const char *process;
	const char *state;
	Oid			dboid;			/* InvalidOid: none, also for the next */
	Oid			roleoid;
	int			pid;			/* 0: none yet */
	int64		thread_id;		/* 0: none */
	TimestampTz since;			/* 0: not known */
} HitlWorkerInfo;

/* processes; the lock is held */
extern HitlSlot *slot_take(HitlProcessKind kind, Oid dboid, Oid roleoid, TimestampTz now);
extern void slot_free(HitlSlot *slot);
extern HitlSlot *slot_adopt(HitlProcessKind kind, int place, uint32 generation, TimestampTz now);
extern HitlSlot *slot_mine(void);
extern void slot_disown(void);

/* our processes in a database that is held; takes the lock */
extern int	slot_clear_database(Oid dboid, bool is_impatient);

/* an executor about itself; no-ops elsewhere */
extern bool slot_am_executor(void);
extern void slot_busy(int64 thread_id, int64 task_id);
extern void slot_idle(void);
extern HitlCancelAim slot_cancel_aim(int64 thread_id);
extern bool slot_set_reducing(bool is_reducing);

/* end the reducers that hold one of these threads; takes the lock */
extern void slot_stop_reducers(const int64 *thread_ids, int n);

/* for worker_status: palloc'd rows, one for the launcher even if it is absent */
extern int	slot_workers(HitlWorkerInfo **workers);

#endif							/* HITL_SLOT_H */
