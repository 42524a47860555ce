/*
 * phase.h
 *    A node that has paused and kept what it did: what it is given when it goes on.
 *
 * Layer 3.
 */
#ifndef HITL_PHASE_H
#define HITL_PHASE_H

#include "frame.h"

extern const HitlInterrupt *phase_question(const HitlRun *run);
extern bool phase_is_decided(const HitlFrame *frame);
extern void phase_park(HitlFrame *frame, HitlQuestion *question, int phase, Jsonb *saved);
extern void phase_park_again(HitlFrame *frame);

#endif							/* HITL_PHASE_H */
