/*
 * names.h
 *    Enums as the words that SQL shows, and back: the only place.
 *
 * Layer 0.
 */
#ifndef HITL_NAMES_H
#define HITL_NAMES_H

#include "types.h"

extern const char *name_thread_status(HitlThreadStatus status);
extern HitlThreadStatus name_to_thread_status(const char *name);
extern const char *name_task_status(HitlTaskStatus status);
extern HitlTaskStatus name_to_task_status(const char *name);
extern const char *name_task_kind(HitlTaskKind kind);
extern HitlTaskKind name_to_task_kind(const char *name);
extern const char *name_breakpoint_kind(HitlBreakpointKind kind);
extern HitlBreakpointKind name_to_breakpoint_kind(const char *name);
extern const char *name_interrupt_status(HitlInterruptStatus status);
extern HitlInterruptStatus name_to_interrupt_status(const char *name);
extern const char *name_right(HitlRight right);
extern HitlRight name_to_right(const char *name);
extern const char *name_timer_kind(HitlTimerKind kind);
extern HitlTimerKind name_to_timer_kind(const char *name);
extern const char *name_decision_type(HitlDecisionType type);
extern HitlDecisionType name_to_decision_type(const char *name);
extern bool name_find_decision_type(const char *name, HitlDecisionType *type);
extern const char *name_reducer(HitlReducer reducer);
extern bool name_find_reducer(const char *name, HitlReducer *reducer);
extern const char *name_expiry(HitlExpiry expiry);
extern bool name_find_expiry(const char *name, HitlExpiry *expiry);
extern const char *name_ladder_action(HitlLadderAction action);
extern bool name_find_ladder_action(const char *name, HitlLadderAction *action);
extern char *name_decision_list(HitlDecisionSet set);

#endif							/* HITL_NAMES_H */
