/*
 * desk.h
 *    The desk of a reviewer: hold a question, hand it on, put it aside.
 *
 * Layer 3.
 */
#ifndef HITL_DESK_H
#define HITL_DESK_H

#include "datatype/timestamp.h"
#include "types.h"

extern TimestampTz desk_claim(int64 interrupt_id, const Interval *lease);
extern int64 desk_claim_next(const char *graph, const char *role, const Interval *lease);
extern bool desk_release(int64 interrupt_id, const char *reason);
extern void desk_assign(int64 interrupt_id, const char *person, const char *reason);
extern void desk_delegate(int64 interrupt_id, const char *role, const char *reason);
extern int64 desk_comment(int64 interrupt_id, const char *text);
extern void desk_snooze(int64 interrupt_id, TimestampTz until);
extern void desk_dismiss(int64 interrupt_id, const char *reason);

/* for votes */
extern void desk_require_claim(const HitlInterrupt *interrupt, const char *person);
extern void desk_end_claim(HitlInterrupt *interrupt, const char *person);

#endif							/* HITL_DESK_H */
