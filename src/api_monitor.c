/*
 * api_monitor.c
 *    SQL functions for operators: the processes, and why a thread does not move.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "arguments.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "outcome.h"
#include "shmem.h"
#include "slot.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "view.h"
#include "wake.h"
#include "why.h"

PG_FUNCTION_INFO_V1(hitl_workers);
PG_FUNCTION_INFO_V1(hitl_why);
PG_FUNCTION_INFO_V1(hitl_mermaid);
PG_FUNCTION_INFO_V1(hitl_report_outcome);
PG_FUNCTION_INFO_V1(hitl_announce);

#define WORKER_COLUMNS 8

static Datum
name_datum(const char *name)
{
	return DirectFunctionCall1(namein, CStringGetDatum(name));
}

/* What an operator should know of a process; NULL when all is well. */
static const char *
worker_note(const HitlWorkerInfo *worker)
{
	if (strcmp(worker->process, "launcher") != 0 || worker->pid != 0)
		return NULL;
	if (!shmem_is_on())
		return "hitl is not in shared_preload_libraries: CALL hitl.run_pending() runs what is due";
	return "the launcher is not running; it starts again within seconds";
}

/* hitl._workers(): a row per process, one for the launcher in any case */
Datum
hitl_workers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HitlWorkerInfo *workers;
	int			n_workers;

	InitMaterializedSRF(fcinfo, 0);
	n_workers = slot_workers(&workers);
	for (int i = 0; i < n_workers; i++)
	{
		const HitlWorkerInfo *worker = &workers[i];
		Datum		values[WORKER_COLUMNS] = {0};
		bool		nulls[WORKER_COLUMNS];
		char	   *database = OidIsValid(worker->dboid) ? get_database_name(worker->dboid) : NULL;
		char	   *role = OidIsValid(worker->roleoid) ? GetUserNameFromId(worker->roleoid, true) : NULL;
		const char *note = worker_note(worker);

		memset(nulls, true, sizeof(nulls));
		values[0] = CStringGetTextDatum(worker->process);
		nulls[0] = false;
		if (database != NULL)
		{
			values[1] = name_datum(database);
			nulls[1] = false;
		}
		if (role != NULL)
		{
			values[2] = name_datum(role);
			nulls[2] = false;
		}
		if (worker->pid != 0)
		{
			values[3] = Int32GetDatum(worker->pid);
			nulls[3] = false;
		}
		values[4] = CStringGetTextDatum(worker->state);
		nulls[4] = false;
		if (worker->thread_id != 0)
		{
			values[5] = Int64GetDatum(worker->thread_id);
			nulls[5] = false;
		}
		if (worker->since != 0)
		{
			values[6] = TimestampTzGetDatum(worker->since);
			nulls[6] = false;
		}
		if (note != NULL)
		{
			values[7] = CStringGetTextDatum(note);
			nulls[7] = false;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
hitl_why(PG_FUNCTION_ARGS)
{
	const char *code;
	char	   *explanation;
	char	   *next;
	TupleDesc	descriptor;
	Datum		values[3];
	bool		nulls[3] = {false};

	why_explain(PG_GETARG_INT64(0), &code, &explanation, &next);
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "hitl expected to return a row");
	values[0] = CStringGetTextDatum(code);
	values[1] = CStringGetTextDatum(explanation);
	values[2] = CStringGetTextDatum(next);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

Datum
hitl_mermaid(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(view_mermaid(text_to_cstring(PG_GETARG_TEXT_PP(0)),
													!PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1))));
}

Datum
hitl_report_outcome(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "thread_id");
	argument_require(fcinfo, 1, "outcome");
	outcome_report(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), argument_text(fcinfo, 2));
	PG_RETURN_VOID();
}

Datum
hitl_announce(PG_FUNCTION_ARGS)
{
	wake_note_database();
	PG_RETURN_VOID();
}
