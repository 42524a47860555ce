/*
 * node.h
 *    Run one node: its gate, its handler or statement, its routers.
 *
 * Layer 3.
 */
#ifndef HITL_NODE_H
#define HITL_NODE_H

#include "frame.h"
#include "types.h"

extern void node_run(HitlRun *run);
extern Jsonb *node_reduce(const HitlGraphVersion *graph, const HitlThread *thread, Jsonb *state, List *tasks,
						  bool fires_deferred);

#endif							/* HITL_NODE_H */
