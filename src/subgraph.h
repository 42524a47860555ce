/*
 * subgraph.h
 *    What a subgraph is given, and what its node makes of what came of it.
 *
 * Layer 1: pure.
 */
#ifndef HITL_SUBGRAPH_H
#define HITL_SUBGRAPH_H

#include "types.h"

extern Jsonb *subgraph_input(const HitlSubgraph *subgraph, Jsonb *given);
extern Jsonb *subgraph_output(const HitlSubgraph *subgraph, Jsonb *before, Jsonb *after);

#endif							/* HITL_SUBGRAPH_H */
