/*
 * audit.h
 *    Note what happened, in the transaction in which it happened.
 *
 * Layer 3.
 */
#ifndef HITL_AUDIT_H
#define HITL_AUDIT_H

#include "types.h"

/* in the place of a thread: what is of none */
#define HITL_NO_THREAD 0

extern const char *audit_person(void);
extern const char *audit_session_user(void);
extern const char *audit_current_user(void);

extern bool audit_set_timer(bool is_it);
extern void audit_threads(const int64 *thread_ids, int n, const char *event);
extern void audit_thread(int64 thread_id, const char *event, Jsonb *detail);
extern void audit_step(const HitlThread *thread, const char *event, int sqlerrcode);
extern void audit_task(const HitlTask *task, const char *event, Jsonb *detail);
extern void audit_crash(const HitlTask *task, TimestampTz since);
extern void audit_interrupt(const HitlInterrupt *interrupt, const char *event, Jsonb *detail);

#endif							/* HITL_AUDIT_H */
