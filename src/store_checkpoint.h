/*
 * store_checkpoint.h
 *    Rows of hitl.checkpoint: the log of a thread's state.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_CHECKPOINT_H
#define HITL_STORE_CHECKPOINT_H

#include "types.h"

/* a row of hitl.checkpoint */
typedef struct HitlCheckpoint
{
	int64		thread_id;
	int			checkpoint;
	int			base;
	int			step;			/* which made it */
	int			next_step;		/* which follows; HITL_NO_STEP: none does */
	HitlDelta	delta;
	Jsonb	   *snapshot;		/* NULL: none */
	int64		weight;
	Jsonb	   *joins;			/* NULL: none wait */
} HitlCheckpoint;

extern void store_checkpoint_first(const int64 *thread_ids, Jsonb *const *states, int n, int next_step, Jsonb *joins, TimestampTz at);
extern void store_checkpoint_insert(const HitlCheckpoint *checkpoint, TimestampTz at);
extern void store_checkpoint_weight(int64 thread_id, int checkpoint, int *base, int64 *weight);
extern int	store_checkpoint_next(int64 thread_id, int checkpoint);
extern Jsonb *store_checkpoint_joins(int64 thread_id, int checkpoint);
extern HitlDelta *store_checkpoint_read(int64 thread_id, int checkpoint, Jsonb **base, int *n_deltas);

#endif							/* HITL_STORE_CHECKPOINT_H */
