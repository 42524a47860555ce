/*
 * node.h
 *    Run one node: rights, role, settings, subtransaction, and what came of it.
 *
 * Layer 3.
 */
#ifndef HITL_NODE_H
#define HITL_NODE_H

#include "frame.h"
#include "types.h"

extern void node_run(HitlRun *run);
extern Jsonb *node_reduce(const HitlGraphVersion *graph, int64 thread_id, Jsonb *state, List *tasks);

#endif							/* HITL_NODE_H */
