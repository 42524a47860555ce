/*
 * shadow.h
 *    The copy of a function that a pinned graph runs.
 *
 * Layer 3.
 */
#ifndef HITL_SHADOW_H
#define HITL_SHADOW_H

#include "types.h"

extern void shadow_make(const HitlGraphVersion *graph, HitlFunction *function);

#endif							/* HITL_SHADOW_H */
