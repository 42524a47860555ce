/*
 * checkpoint.h
 *    The state of a thread as a log: what it was, and what it is now.
 *
 * Layer 3.
 */
#ifndef HITL_CHECKPOINT_H
#define HITL_CHECKPOINT_H

#include "types.h"

extern Jsonb *checkpoint_state(int64 thread_id, int checkpoint);
extern void checkpoint_append(HitlThread *thread, Jsonb *state, Jsonb *changes, Jsonb *joins, int next_step);

#endif							/* HITL_CHECKPOINT_H */
