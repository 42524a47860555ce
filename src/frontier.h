/*
 * frontier.h
 *    A graph as a thing to walk: what runs next, and is it well formed.
 *
 * Layer 1: pure.
 */
#ifndef HITL_FRONTIER_H
#define HITL_FRONTIER_H

#include "types.h"

extern const HitlNode *frontier_find_node(const HitlGraphVersion *graph, const char *name);
extern List *frontier_next(const HitlGraphVersion *graph, List *done);
extern List *frontier_faults(const HitlGraphVersion *graph);

#endif							/* HITL_FRONTIER_H */
