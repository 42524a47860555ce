/*
 * api_graph.c
 *    SQL functions that write graphs: create_graph, add_node, add_edge, compile.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "fmgr.h"
#include "graph.h"
#include "utils/builtins.h"

#define GETARG_CSTRING(n) text_to_cstring(PG_GETARG_TEXT_PP(n))

PG_FUNCTION_INFO_V1(hitl_create_graph);
PG_FUNCTION_INFO_V1(hitl_add_node);
PG_FUNCTION_INFO_V1(hitl_add_edge);
PG_FUNCTION_INFO_V1(hitl_compile);

Datum
hitl_create_graph(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(graph_create(GETARG_CSTRING(0)));
}

Datum
hitl_add_node(PG_FUNCTION_ARGS)
{
	graph_add_node(GETARG_CSTRING(0), GETARG_CSTRING(1), GETARG_CSTRING(2));
	PG_RETURN_VOID();
}

Datum
hitl_add_edge(PG_FUNCTION_ARGS)
{
	graph_add_edge(GETARG_CSTRING(0), GETARG_CSTRING(1), GETARG_CSTRING(2));
	PG_RETURN_VOID();
}

Datum
hitl_compile(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(graph_compile(GETARG_CSTRING(0)));
}
