/*
 * graph.h
 *    Write a graph, compile it, and have it in memory.
 *
 * Layer 3.
 */
#ifndef HITL_GRAPH_H
#define HITL_GRAPH_H

#include "types.h"

extern int64 graph_create(const char *name);
extern void graph_add_node(const char *graph_name, const char *node_name, const char *handler);
extern void graph_add_edge(const char *graph_name, const char *source, const char *target);
extern int	graph_compile(const char *name);

extern void graph_keep_owner(Oid role);
extern HitlGraph *graph_require(const char *name);
extern const HitlGraphVersion *graph_get(int64 graph_id, int version);
extern Oid	graph_handler(const HitlGraphVersion *graph, const HitlNode *node);

#endif							/* HITL_GRAPH_H */
