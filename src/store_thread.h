/*
 * store_thread.h
 *    Rows of hitl.thread and hitl.checkpoint.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_THREAD_H
#define HITL_STORE_THREAD_H

#include "types.h"

extern int64 *store_thread_insert(const HitlThread *thread, int n, const char *starter, TimestampTz at);
extern void store_thread_set_key(int64 graph_id, const char *key, int64 thread_id);
extern bool store_thread_take_key(int64 graph_id, const char *key);
extern int64 store_thread_by_key(int64 graph_id, const char *key);
extern HitlThread *store_thread_find(int64 thread_id);
extern HitlThread *store_thread_lock(int64 thread_id);
extern void store_thread_move(const HitlThread *thread, TimestampTz at);
extern void store_thread_cancel(int64 thread_id, const char *by, const char *reason,
								TimestampTz at);

extern void store_checkpoint_first(const int64 *thread_ids, Jsonb *const *states, int n, Jsonb *joins, TimestampTz at);
extern void store_checkpoint_insert(int64 thread_id, int checkpoint, int step,
									Jsonb *delta, Jsonb *state, Jsonb *joins, TimestampTz at);
extern Jsonb *store_checkpoint_joins(int64 thread_id, int checkpoint);
extern Jsonb *store_checkpoint_state(int64 thread_id, int checkpoint);

#endif							/* HITL_STORE_THREAD_H */
