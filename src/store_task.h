/*
 * store_task.h
 *    Rows of hitl.task: one node to run in one super-step.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_TASK_H
#define HITL_STORE_TASK_H

#include "types.h"

extern void store_task_insert(HitlTaskKind kind, const int64 *thread_ids, const char *const *nodes, Jsonb *const *inputs, int n,
							  int step, Oid owner, const HitlError *error, TimestampTz at, TimestampTz due_at);
extern HitlTask *store_task_claim(int64 thread_id, int step, int64 task_id, bool *is_there);
extern void store_task_move(const HitlTask *task, Jsonb *targets, const HitlError *error, TimestampTz at);
extern List *store_task_list(int64 thread_id, int step, List **targets);
extern void store_task_insert_done(int64 thread_id, int step, const char *node, Jsonb *update, TimestampTz at);
extern List *store_task_list_first(int64 thread_id, int step);
extern void store_task_cancel_step(int64 thread_id, int step, TimestampTz at);
extern void store_task_cancel_thread(int64 thread_id, TimestampTz at);
extern List *store_task_retry(int64 thread_id, int step, const char *sqlstate);
extern bool store_task_has_failed_with(int64 thread_id, int step, const char *sqlstate);
extern int	store_task_crashes(int64 thread_id, int step);
extern Jsonb *store_task_error(const HitlIds *threads);

#endif							/* HITL_STORE_TASK_H */
