/*
 * store_graph.h
 *    Rows of hitl.graph, graph_version and graph_function.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_GRAPH_H
#define HITL_STORE_GRAPH_H

#include "types.h"

/* a row of hitl.graph_version, with its graph and its functions */
typedef struct HitlVersionRow
{
	int64		graph_id;
	int			version;
	char	   *name;
	Oid			owner;
	Jsonb	   *definition;
	char	   *search_path;	/* NULL in a draft */
	bool		is_ours;		/* made by the current transaction */
	List	   *functions;		/* HitlFunction */
} HitlVersionRow;

extern HitlGraph *store_graph_find(const char *name);
extern char *store_graph_name(int64 graph_id);
extern HitlGraph *store_graph_lock(const char *name);
extern int64 store_graph_insert(const char *name, Oid owner);
extern bool store_graph_has_owner(Oid owner);
extern void store_graph_mark_owner(Oid owner);
extern void store_graph_set_version(int64 graph_id, int version);
extern HitlVersionRow *store_version_find(int64 graph_id, int version);
extern void store_version_put(const HitlVersionRow *row, const char *by, TimestampTz at);

#endif							/* HITL_STORE_GRAPH_H */
