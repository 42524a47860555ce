/*
 * thread.h
 *    Start a thread, take it over a barrier, cancel it, run it again.
 *
 * Layer 3.
 */
#ifndef HITL_THREAD_H
#define HITL_THREAD_H

#include "types.h"

extern bool thread_is_staged(const HitlGraphVersion *version);
extern int64 *thread_make(HitlThread *like, Jsonb *const *inputs, int n);
extern int64 *thread_start_many(const HitlGraph *graph, Jsonb *const *inputs, int n);
extern HitlThread *thread_require(int64 thread_id);
extern HitlThread *thread_require_for(int64 thread_id, HitlAccess access);
extern int	thread_require_checkpoint(const HitlThread *thread, int checkpoint);
extern void thread_insert_tasks(const HitlThread *like, HitlTaskKind kind, const int64 *thread_ids, int n, List *targets,
								Jsonb *const *inputs, const HitlError *error, TimestampTz at);
extern void thread_check_input(Jsonb *input, int i, int n);
extern void thread_begin_turn(HitlThread *thread, Jsonb *input);
extern void thread_drop_inputs(HitlThread *thread, const char *reason);
extern void thread_end_step(HitlThread *thread, bool fires_deferred);
extern void thread_settle(HitlThread *thread, HitlTaskStatus from, HitlTaskStatus to, bool fires_deferred);
extern void thread_cancel_below(const HitlThread *thread, const char *reason);
extern HitlThreadStatus thread_cancel(int64 thread_id, const char *reason);
extern int	thread_retry(int64 thread_id);
extern int	thread_requeue_failed(HitlThread *thread, const char *sqlstate);
extern void thread_note_missing_workers(void);

#endif							/* HITL_THREAD_H */
