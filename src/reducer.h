/*
 * reducer.h
 *    What the nodes of a super-step wrote, as one change of the state.
 *
 * Layer 1: pure.
 */
#ifndef HITL_REDUCER_H
#define HITL_REDUCER_H

#include "types.h"

extern Jsonb *reducer_apply(List *tasks);

#endif							/* HITL_REDUCER_H */
