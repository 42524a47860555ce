/*
 * store_graph.h
 *    Rows of hitl.graph, graph_version, node and edge.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_GRAPH_H
#define HITL_STORE_GRAPH_H

#include "types.h"

extern HitlGraph *store_graph_find(const char *name);
extern HitlGraph *store_graph_lock(const char *name);
extern int64 store_graph_insert(const char *name, Oid owner);
extern bool store_graph_has_owner(Oid owner);
extern void store_graph_mark_owner(Oid owner);
extern void store_graph_set_version(int64 graph_id, int version);
extern bool store_node_insert(int64 graph_id, int version, const HitlNode *node);
extern bool store_edge_insert(int64 graph_id, int version, const HitlEdge *edge);
extern HitlGraphVersion *store_version_find(int64 graph_id, int version);
extern void store_version_insert(const HitlGraphVersion *graph,
								 const char *by, TimestampTz at);

#endif							/* HITL_STORE_GRAPH_H */
