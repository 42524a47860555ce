/*
 * store_thread.h
 *    Rows of hitl.thread.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_THREAD_H
#define HITL_STORE_THREAD_H

#include "types.h"

extern int64 *store_thread_insert(const HitlThread *thread, int n, const char *starter, TimestampTz at);
extern HitlThread *store_thread_find(int64 thread_id);
extern HitlThread *store_thread_lock(int64 thread_id);
extern bool store_thread_try_lock(int64 thread_id);
extern List *store_thread_lock_all(const HitlIds *ids);
extern void store_thread_move(const HitlThread *thread, TimestampTz at);
extern void store_thread_set_version(int64 thread_id, int version);
extern void store_thread_cancel(int64 thread_id, const char *by, const char *reason,
								TimestampTz at);
extern List *store_thread_starters(int64 thread_id);

#endif							/* HITL_STORE_THREAD_H */
