/*
 * delta.h
 *    What changed in a state, written down as briefly as it changed.
 *
 * Layer 1: pure.
 */
#ifndef HITL_DELTA_H
#define HITL_DELTA_H

#include "types.h"

extern HitlDelta delta_make(Jsonb *state, Jsonb *changes);
extern Jsonb *delta_apply(Jsonb *state, const HitlDelta *deltas, int n);
extern int64 delta_bytes(const HitlDelta *delta);
extern bool delta_is_outweighed(int64 weight, Jsonb *state);

#endif							/* HITL_DELTA_H */
