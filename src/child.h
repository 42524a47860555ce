/*
 * child.h
 *    A subgraph as it runs: a thread of its own, for which a task waits.
 *
 * Layer 3.
 */
#ifndef HITL_CHILD_H
#define HITL_CHILD_H

#include "types.h"

extern int64 child_start(const HitlThread *parent, const HitlTask *task, const HitlSubgraph *subgraph, Jsonb *input);
extern Jsonb *child_output(const HitlThread *child, const HitlSubgraph *subgraph);

#endif							/* HITL_CHILD_H */
