/*
 * guard.h
 *    Ask once more before what was decided is done: the guard of a policy.
 *
 * Layer 3.
 */
#ifndef HITL_GUARD_H
#define HITL_GUARD_H

#include "frame.h"
#include "types.h"

extern bool guard_agrees(const HitlRun *run, const HitlInterrupt *asked);
extern void guard_require_round(const HitlRun *run, const HitlInterrupt *asked);

#endif							/* HITL_GUARD_H */
