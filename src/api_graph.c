/*
 * api_graph.c
 *    SQL functions that write graphs, and the values that nodes return.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "catalog/pg_type.h"
#include "check.h"
#include "draft.h"
#include "funcapi.h"
#include "breakpoint.h"
#include "fmgr.h"
#include "frontier.h"
#include "json.h"
#include "reducer.h"
#include "utils/array.h"
#include "program.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define GETARG_CSTRING(n) text_to_cstring(PG_GETARG_TEXT_PP(n))

PG_FUNCTION_INFO_V1(hitl_create_graph);
PG_FUNCTION_INFO_V1(hitl_add_node);
PG_FUNCTION_INFO_V1(hitl_check_node);
PG_FUNCTION_INFO_V1(hitl_add_edge);
PG_FUNCTION_INFO_V1(hitl_add_join);
PG_FUNCTION_INFO_V1(hitl_add_conditional_edges);
PG_FUNCTION_INFO_V1(hitl_add_channel);
PG_FUNCTION_INFO_V1(hitl_compile);
PG_FUNCTION_INFO_V1(hitl_define);
PG_FUNCTION_INFO_V1(hitl_command);
PG_FUNCTION_INFO_V1(hitl_send);
PG_FUNCTION_INFO_V1(hitl_overwrite);
PG_FUNCTION_INFO_V1(hitl_interrupt_before);
PG_FUNCTION_INFO_V1(hitl_interrupt_after);

/* The elements of a text[] as C strings; NULLs are an error. */
static List *
text_list(ArrayType *array, const char *name)
{
	List	   *list = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n_values;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n_values);
	for (int i = 0; i < n_values; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s cannot hold NULL", name),
					 errdetail("Element %d is NULL.", i + 1),
					 errhint("Name nodes.")));
		list = lappend(list, TextDatumGetCString(values[i]));
	}
	return list;
}

Datum
hitl_create_graph(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(draft_create(GETARG_CSTRING(0), PG_GETARG_INT32(1), GETARG_CSTRING(2)));
}

Datum
hitl_add_node(PG_FUNCTION_ARGS)
{
	JsonBuilder b;

	argument_require(fcinfo, 0, "graph");
	argument_require(fcinfo, 1, "node");
	json_begin(&b);
	if (!PG_ARGISNULL(2))
		json_add_string(&b, "handler", GETARG_CSTRING(2));
	if (!PG_ARGISNULL(3))
		json_add_string(&b, "sql", GETARG_CSTRING(3));
	if (!PG_ARGISNULL(4))
		json_add_jsonb(&b, "retry", PG_GETARG_JSONB_P(4));
	if (!PG_ARGISNULL(5))
	{
		Interval   *timeout = PG_GETARG_INTERVAL_P(5);

		/* days of 24 hours and months of 30 days, as PostgreSQL compares them */
		json_add_number(&b, "timeout",
						(timeout->time + (timeout->day + timeout->month * 30.0) * USECS_PER_DAY) / USECS_PER_SEC);
	}
	if (!PG_ARGISNULL(6))
		json_add_jsonb(&b, "gate", PG_GETARG_JSONB_P(6));
	if (!PG_ARGISNULL(7))
		json_add_jsonb(&b, "destinations", json_string_list(text_list(PG_GETARG_ARRAYTYPE_P(7), "destinations")));
	if (!PG_ARGISNULL(8) || !PG_ARGISNULL(9) || !PG_ARGISNULL(10))
	{
		JsonBuilder subgraph;

		json_begin(&subgraph);
		json_add_string(&subgraph, "graph", PG_ARGISNULL(8) ? NULL : GETARG_CSTRING(8));
		json_add_jsonb(&subgraph, "input", PG_ARGISNULL(9) ? NULL : PG_GETARG_JSONB_P(9));
		json_add_jsonb(&subgraph, "output", PG_ARGISNULL(10) ? NULL : PG_GETARG_JSONB_P(10));
		json_add_jsonb(&b, "subgraph", json_end(&subgraph));
	}
	if (!PG_ARGISNULL(11))
		json_add_string(&b, "suspend", GETARG_CSTRING(11));
	draft_add_member(GETARG_CSTRING(0), "nodes", GETARG_CSTRING(1), json_end(&b));
	PG_RETURN_VOID();
}

Datum
hitl_check_node(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, check_findings(PG_GETARG_OID(0), NULL))
	{
		const ProgramFinding *finding = lfirst(cell);
		Datum		values[6] = {0};
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(finding->signature);
		values[1] = Int32GetDatum(finding->line);
		nulls[1] = nulls[2] = finding->line == 0;
		values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(finding->statement);
		values[3] = BoolGetDatum(finding->reason == NULL);
		nulls[4] = finding->reason == NULL;
		values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(finding->reason);
		nulls[5] = finding->advice == NULL;
		values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(finding->advice);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
hitl_add_edge(PG_FUNCTION_ARGS)
{
	draft_add_edge(GETARG_CSTRING(0), GETARG_CSTRING(1), GETARG_CSTRING(2));
	PG_RETURN_VOID();
}

Datum
hitl_add_join(PG_FUNCTION_ARGS)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "sources", json_string_list(text_list(PG_GETARG_ARRAYTYPE_P(1), "sources")));
	json_add_string(&b, "target", GETARG_CSTRING(2));
	draft_add_element(GETARG_CSTRING(0), "joins", json_end(&b));
	PG_RETURN_VOID();
}

Datum
hitl_add_conditional_edges(PG_FUNCTION_ARGS)
{
	JsonBuilder b;

	argument_require(fcinfo, 0, "graph");
	argument_require(fcinfo, 1, "source");
	argument_require(fcinfo, 2, "router");
	json_begin(&b);
	json_add_string(&b, "source", GETARG_CSTRING(1));
	json_add_string(&b, "router", GETARG_CSTRING(2));
	if (!PG_ARGISNULL(3))
		json_add_jsonb(&b, "map", PG_GETARG_JSONB_P(3));
	draft_add_element(GETARG_CSTRING(0), "conditional_edges", json_end(&b));
	PG_RETURN_VOID();
}

Datum
hitl_add_channel(PG_FUNCTION_ARGS)
{
	JsonBuilder b;

	argument_require(fcinfo, 0, "graph");
	argument_require(fcinfo, 1, "channel");
	argument_require(fcinfo, 2, "reducer");
	json_begin(&b);
	json_add_string(&b, "reducer", GETARG_CSTRING(2));
	if (!PG_ARGISNULL(3))
		json_add_jsonb(&b, "initial", PG_GETARG_JSONB_P(3));
	draft_add_member(GETARG_CSTRING(0), "channels", GETARG_CSTRING(1), json_end(&b));
	PG_RETURN_VOID();
}

Datum
hitl_compile(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(draft_compile(GETARG_CSTRING(0)));
}

Datum
hitl_define(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(draft_define(PG_GETARG_JSONB_P(0)));
}

Datum
hitl_command(PG_FUNCTION_ARGS)
{
	List	   *targets = NIL;
	JsonBuilder command;
	JsonBuilder b;

	if (!PG_ARGISNULL(0) && !json_is_object(PG_GETARG_JSONB_P(0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the update of a command must be an object"),
				 errdetail("It is %s.", json_type(PG_GETARG_JSONB_P(0))),
				 errhint("Give the channels to update, such as {\"status\": \"ok\"}.")));
	if (!PG_ARGISNULL(1))
		targets = lappend(targets, json_string(GETARG_CSTRING(1)));
	if (!PG_ARGISNULL(2))
	{
		Datum	   *values;
		bool	   *nulls;
		int			n_values;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), JSONBOID, -1, false, TYPALIGN_INT, &values, &nulls, &n_values);
		for (int i = 0; i < n_values; i++)
			if (!nulls[i])
				targets = lappend(targets, DatumGetJsonbP(values[i]));
	}
	json_begin(&command);
	json_add_jsonb(&command, "update", PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0));
	json_add_jsonb(&command, "goto", json_list(targets));
	json_begin(&b);
	json_add_jsonb(&b, HITL_COMMAND_KEY, json_end(&command));
	PG_RETURN_JSONB_P(json_end(&b));
}

Datum
hitl_send(PG_FUNCTION_ARGS)
{
	JsonBuilder send;
	JsonBuilder b;

	argument_require(fcinfo, 0, "node");
	json_begin(&send);
	json_add_string(&send, "node", GETARG_CSTRING(0));
	if (!PG_ARGISNULL(1))
		json_add_jsonb(&send, "input", PG_GETARG_JSONB_P(1));
	json_begin(&b);
	json_add_jsonb(&b, HITL_SEND_KEY, json_end(&send));
	PG_RETURN_JSONB_P(json_end(&b));
}

Datum
hitl_overwrite(PG_FUNCTION_ARGS)
{
	JsonbValue	null = {.type = jbvNull};

	PG_RETURN_JSONB_P(reducer_overwrite(PG_ARGISNULL(0) ? JsonbValueToJsonb(&null) : PG_GETARG_JSONB_P(0)));
}

static bool
set_breakpoint(FunctionCallInfo fcinfo, HitlBreakpointKind kind)
{
	argument_require(fcinfo, 0, "node");
	argument_require(fcinfo, 2, "enabled");
	return breakpoint_set(kind, GETARG_CSTRING(0), PG_ARGISNULL(1) ? NULL : GETARG_CSTRING(1), PG_GETARG_BOOL(2));
}

Datum
hitl_interrupt_before(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(set_breakpoint(fcinfo, HITL_BREAKPOINT_BEFORE));
}

Datum
hitl_interrupt_after(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(set_breakpoint(fcinfo, HITL_BREAKPOINT_AFTER));
}
