/*
 * graph.h
 *    Write a graph, compile it, and have it in memory.
 *
 * Layer 3.
 */
#ifndef HITL_GRAPH_H
#define HITL_GRAPH_H

#include "types.h"

extern int64 graph_create(const char *name, int recursion_limit);
extern void graph_add_member(const char *graph_name, const char *kind, const char *name, Jsonb *json);
extern void graph_add_edge(const char *graph_name, const char *source, const char *target);
extern void graph_add_element(const char *graph_name, const char *kind, Jsonb *json);
extern int	graph_compile(const char *name);
extern int	graph_define(Jsonb *definition);

extern void graph_keep_owner(Oid role);
extern void graph_keep_owner(Oid role);
extern HitlGraph *graph_require(const char *name);
extern const HitlGraphVersion *graph_draft_or_latest(const HitlGraph *graph);
extern const HitlGraphVersion *graph_get(int64 graph_id, int version);

/* what a function must look like */
typedef enum HitlFunctionKind
{
	HITL_FUNCTION_HANDLER,		/* f(jsonb) returns jsonb */
	HITL_FUNCTION_ROUTER,		/* f(jsonb) returns text, text[], jsonb, jsonb[] */
	HITL_FUNCTION_REDUCER		/* f(jsonb, jsonb) returns jsonb */
} HitlFunctionKind;

extern Oid	graph_function(const HitlGraphVersion *graph, const HitlFunction *function,
						   HitlFunctionKind kind, const char *what);
extern void graph_check_path(const HitlGraphVersion *graph);

#endif							/* HITL_GRAPH_H */
