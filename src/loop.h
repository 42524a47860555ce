/*
 * loop.h
 *    The loops around a pause: where each is, and how it goes on.
 *
 * Layer 3.
 */
#ifndef HITL_LOOP_H
#define HITL_LOOP_H

#include "activation.h"

extern void loop_begin(Activation *activation, Splice *splice);
extern char *loop_iterate(Activation *activation, Splice *splice);
extern bool loop_has_more(const LoopState *state);
extern bool loop_has_portal(const Activation *activation, const char *name);
extern Jsonb *loop_write(const Activation *activation, const LoopState *state, Size max_bytes);

#endif							/* HITL_LOOP_H */
