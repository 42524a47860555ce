/*
 * guc.h
 *    Settings, in alphabetical order.
 *
 * Layer 0.  Layers 1 and 2 do not read them: they get values as arguments.
 */
#ifndef HITL_GUC_H
#define HITL_GUC_H

#include "types.h"

/* hitl.notify: who sends NOTIFY hitl */
typedef enum HitlNotifyMode
{
	HITL_NOTIFY_WORKER,			/* the dispatcher, several per commit */
	HITL_NOTIFY_COMMIT,			/* the transaction that does it */
	HITL_NOTIFY_OFF				/* nobody */
} HitlNotifyMode;

/* limits that also size shared memory (shmem.h) */
#define HITL_MAX_EXECUTORS 128
#define HITL_MAX_DISPATCHERS 64

/* hitl.continue_split_block */
typedef enum HitlSplitBlock
{
	HITL_SPLIT_ERROR,
	HITL_SPLIT_WARN
} HitlSplitBlock;

extern char *guc_actor;			/* the person for whom a proxy speaks */
extern int	guc_claim_lease;	/* ms */
extern int	guc_clock_offset;	/* seconds */
extern int	guc_continue_split_block;
extern int	guc_dispatcher_idle_timeout;	/* ms */
extern int	guc_executor_idle_timeout;	/* ms */
extern int	guc_max_bulk_decisions;
extern int	guc_max_claim_lease;	/* ms */
extern int	guc_max_crashes;
extern int	guc_max_dispatchers;
extern int	guc_max_executors;
extern int	guc_max_frame_size;
extern int	guc_max_node_timeout;	/* ms */
extern int	guc_max_reasks;
extern int	guc_node_timeout;	/* ms */
extern int	guc_notify;			/* HitlNotifyMode */
extern int	guc_sweep_interval; /* ms */

extern void guc_init(void);

#endif							/* HITL_GUC_H */
