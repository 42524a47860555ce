/*
 * hook.h
 *    A node in C: how it is called, and what it can call (hitl.h).
 *
 * Layer 3.
 */
#ifndef HITL_HOOK_H
#define HITL_HOOK_H

#include "fmgr.h"
#include "frame.h"

extern void hook_init(void);
extern bool hook_is_one(const FmgrInfo *function);
extern Datum hook_call(HitlFrame *frame, FmgrInfo *function, bool *is_null);

#endif							/* HITL_HOOK_H */
