/*
 * checkpoint.c
 *    The state of a thread as a log: what it was, and what it is now.
 *
 * A checkpoint holds what changed (delta.c).  Once the deltas since the last
 * snapshot weigh more than the state itself, the next checkpoint holds the
 * state too.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "checkpoint.h"
#include "clock.h"
#include "delta.h"
#include "json.h"
#include "store_checkpoint.h"

/* The state at a checkpoint: that of its base with the deltas laid over it. */
Jsonb *
checkpoint_state(int64 thread_id, int checkpoint)
{
	Jsonb	   *base;
	int			n;
	HitlDelta  *deltas = store_checkpoint_read(thread_id, checkpoint, &base, &n);

	return delta_apply(base, deltas, n);
}

/*
 * Append the next checkpoint of a thread, made by its step.  state: as it was;
 * changes: channels with their new values; joins: see frontier_next(), or NULL;
 * next_step: the super-step that follows, or HITL_NO_STEP.  The caller holds the thread, and writes thread->checkpoint back.
 */
void
checkpoint_append(HitlThread *thread, Jsonb *state, Jsonb *changes, Jsonb *joins, int next_step)
{
	HitlCheckpoint checkpoint = {
		.thread_id = thread->thread_id,
		.checkpoint = thread->checkpoint + 1,
		.step = thread->step,
		.next_step = next_step,
		.delta = delta_make(state, changes),
		.joins = joins
	};
	Jsonb	   *after = json_merge(state, changes);

	store_checkpoint_weight(thread->thread_id, thread->checkpoint, &checkpoint.base, &checkpoint.weight);
	checkpoint.weight += delta_bytes(&checkpoint.delta);
	if (delta_is_outweighed(checkpoint.weight, after))
	{
		checkpoint.snapshot = after;
		checkpoint.base = checkpoint.checkpoint;
		checkpoint.weight = 0;
	}
	store_checkpoint_insert(&checkpoint, clock_now());
	thread->checkpoint = checkpoint.checkpoint;
}
