/*
 * api_thread.c
 *    SQL functions that run threads, and those that a node asks about itself.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "arguments.h"
#include "catalog/pg_type.h"
#include "clock.h"
#include "crash.h"
#include "db.h"
#include "decision.h"
#include "executor.h"
#include "fmgr.h"
#include "graph.h"
#include "frame.h"
#include "input.h"
#include "interrupt.h"
#include "json.h"
#include "migrate.h"
#include "miscadmin.h"
#include "names.h"
#include "nodes/parsenodes.h"
#include "rights.h"
#include "steer.h"
#include "step.h"
#include "store_queue.h"
#include "thread.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "view.h"

PG_FUNCTION_INFO_V1(hitl_start);
PG_FUNCTION_INFO_V1(hitl_start_many);
PG_FUNCTION_INFO_V1(hitl_thread_id);
PG_FUNCTION_INFO_V1(hitl_invoke);
PG_FUNCTION_INFO_V1(hitl_resume);
PG_FUNCTION_INFO_V1(hitl_wait);
PG_FUNCTION_INFO_V1(hitl_get_state);
PG_FUNCTION_INFO_V1(hitl_diff);
PG_FUNCTION_INFO_V1(hitl_update_state);
PG_FUNCTION_INFO_V1(hitl_fork);
PG_FUNCTION_INFO_V1(hitl_cancel);
PG_FUNCTION_INFO_V1(hitl_retry);
PG_FUNCTION_INFO_V1(hitl_migrate);
PG_FUNCTION_INFO_V1(hitl_run_pending);
PG_FUNCTION_INFO_V1(hitl_interrupt);
PG_FUNCTION_INFO_V1(hitl_step);
PG_FUNCTION_INFO_V1(hitl_current_thread);
PG_FUNCTION_INFO_V1(hitl_context);

Datum
hitl_start(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_INT64(input_start(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1),
								argument_text(fcinfo, 2),
								input_if_busy(argument_text(fcinfo, 3))));
}

Datum
hitl_start_many(PG_FUNCTION_ARGS)
{
	HitlGraph  *graph = graph_require_for(text_to_cstring(PG_GETARG_TEXT_PP(0)), HITL_ACCESS_OPERATE);
	Datum	   *values;
	bool	   *nulls;
	int			n;
	Jsonb	  **inputs;
	int64	   *ids;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), JSONBOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	inputs = palloc(sizeof(Jsonb *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		inputs[i] = nulls[i] ? NULL : DatumGetJsonbP(values[i]);
	ids = thread_start_many(graph, inputs, n);
	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(ids[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
hitl_thread_id(PG_FUNCTION_ARGS)
{
	int64		thread_id = input_thread(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (thread_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(thread_id);
}

Datum
hitl_invoke(PG_FUNCTION_ARGS)
{
	char	   *graph_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		thread_id;

	rights_require_run_here(graph_require(graph_name));
	thread_id = input_start(graph_name, PG_GETARG_JSONB_P(1), NULL, HITL_IF_BUSY_REJECT);
	executor_run_tree(thread_id);
	PG_RETURN_JSONB_P(view_document(thread_id));
}

Datum
hitl_resume(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(decision_resume(PG_GETARG_INT64(0), PG_GETARG_JSONB_P(1)));
}

Datum
hitl_wait(PG_FUNCTION_ARGS)
{
	HitlThreadStatus status;
	TimestampTz until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																TimestampTzGetDatum(clock_real()),
																PG_GETARG_DATUM(1)));

	if (!view_wait(PG_GETARG_INT64(0), until, &status))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name_thread_status(status)));
}

/* A checkpoint that an author names: negative ones are none. */
static int
get_checkpoint(FunctionCallInfo fcinfo, int n)
{
	int			checkpoint = PG_GETARG_INT32(n);

	if (checkpoint < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of a checkpoint cannot be negative"),
				 errdetail("It is %d.", checkpoint),
				 errhint("Checkpoint 0 is the input.")));
	return checkpoint;
}

Datum
hitl_get_state(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(view_state(PG_GETARG_INT64(0), PG_ARGISNULL(1) ? -1 : get_checkpoint(fcinfo, 1)));
}

Datum
hitl_diff(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(json_changes(view_state(PG_GETARG_INT64(0), get_checkpoint(fcinfo, 1)),
								   view_state(PG_GETARG_INT64(0), get_checkpoint(fcinfo, 2))));
}

/* The thread that a function is to steer: NULL would be a mistake that nobody sees. */
static int64
get_thread(FunctionCallInfo fcinfo, const char *function)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("thread_id cannot be NULL"),
				 errdetail("hitl.%s() was called without a thread.", function),
				 errhint("SELECT * FROM hitl.threads;")));
	return PG_GETARG_INT64(0);
}

Datum
hitl_update_state(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(steer_update(get_thread(fcinfo, "update_state"), PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
								 argument_text(fcinfo, 2)));
}

Datum
hitl_fork(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(steer_fork(get_thread(fcinfo, "fork"), PG_ARGISNULL(1) ? -1 : get_checkpoint(fcinfo, 1),
							   PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), argument_text(fcinfo, 3)));
}

Datum
hitl_cancel(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(name_thread_status(
		thread_cancel(get_thread(fcinfo, "cancel"),
					  argument_text(fcinfo, 1)))));
}

Datum
hitl_retry(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(thread_retry(PG_GETARG_INT64(0)));
}

Datum
hitl_migrate(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("thread_id cannot be NULL"),
				 errdetail("hitl.migrate() was called without a thread."),
				 errhint("SELECT * FROM hitl.threads;")));
	PG_RETURN_INT32(migrate_thread(PG_GETARG_INT64(0), !PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1)));
}

/* The owners with due work whose session this is; the others are told of. */
static List *
owners_to_run(void)
{
	List	   *mine = NIL;
	int			n_foreign = 0;
	ListCell   *cell;

	foreach(cell, store_queue_owners(clock_real(), 1))
	{
		HitlQueueOwner *owner = lfirst(cell);

		if (owner->due == 0)
			continue;
		if (rights_may_run_here(owner->owner))
			mine = lappend_oid(mine, owner->owner);
		else
			n_foreign++;
	}
	if (n_foreign > 0)
		ereport(NOTICE,
				(errmsg("there is due work of %d other role(s)", n_foreign),
				 errdetail("Nodes run only in a session of their owner; it is left as it is."),
				 errhint("Schedule CALL hitl.run_pending() once for each role that owns graphs.")));
	return mine;
}

Datum
hitl_run_pending(PG_FUNCTION_ARGS)
{
	bool		commits = fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic;
	int			limit = PG_ARGISNULL(0) ? -1 : PG_GETARG_INT32(0);
	int			n_run = 0;
	ListCell   *cell;

	if (frame_is_open())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot run pending tasks inside a node"),
				 errdetail("A node of thread %lld is running.", (long long) frame_thread()),
				 errhint("Start threads by hitl.start(); they run after the node's commit.")));
	if (!PG_ARGISNULL(0) && limit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of tasks to run cannot be negative"),
				 errdetail("It is %d.", limit),
				 errhint("CALL hitl.run_pending();")));
	PreventCommandDuringRecovery("CALL hitl.run_pending()");

	if (commits)
	{
		db_connect_procedure();
		/* a transaction of the kind that nodes run in */
		db_commit_procedure();
	}
	else
	{
		if (IsolationUsesXactSnapshot())
			ereport(ERROR,
					(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
					 errmsg("cannot run pending tasks in this transaction"),
					 errdetail("Above READ COMMITTED a thread can only be run by the transaction that started it."),
					 errhint("CALL hitl.run_pending(); outside a transaction block.")));
		ereport(NOTICE,
				(errmsg("pending tasks run in the caller's transaction"),
				 errdetail("A procedure may not commit here, so all of it stands or falls with this transaction."),
				 errhint("CALL hitl.run_pending(); outside a transaction block commits after each task.")));
	}

	crash_collect_here(NULL);
	foreach(cell, owners_to_run())
	{
		while ((limit < 0 || n_run < limit) &&
			   executor_run_due_inline(lfirst_oid(cell), commits))
		{
			n_run++;
			/* another session may have ended in the middle of a node */
			crash_collect_here(NULL);
			CHECK_FOR_INTERRUPTS();
		}
	}
	if (commits)
		db_disconnect_procedure();
	PG_RETURN_VOID();
}

Datum
hitl_interrupt(PG_FUNCTION_ARGS)
{
	Jsonb	   *answer = interrupt_ask(PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0), argument_text(fcinfo, 1));

	/* in continue mode the node has paused, and leaves */
	if (answer == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(answer);
}

Datum
hitl_step(PG_FUNCTION_ARGS)
{
	Jsonb	   *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("key and function of a step cannot be NULL"),
				 errdetail("The result is kept under the key, and is what the function returns."),
				 errhint("SELECT hitl.step('summary', 'ask_model(jsonb)', '{\"text\": \"...\"}');")));
	result = step_ask(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					  PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

Datum
hitl_current_thread(PG_FUNCTION_ARGS)
{
	HitlFrame  *frame = frame_current();

	frame_hold();
	if (frame == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64(frame->run->task->thread_id);
}

Datum
hitl_context(PG_FUNCTION_ARGS)
{
	HitlFrame  *frame = frame_current();
	const HitlTask *task;
	const HitlStep *step;
	char	   *effect_key;
	JsonBuilder b;

	frame_hold();
	if (frame == NULL)
		PG_RETURN_NULL();
	task = frame->run->task;
	step = frame->run->step;
	json_begin(&b);
	json_add_int64(&b, "thread_id", task->thread_id);
	json_add_int64(&b, "root_id", frame->run->thread->root_id);
	json_add_int64(&b, "depth", frame->run->thread->depth);
	json_add_jsonb(&b, "frame", json_string_list(frame->run->thread->frame));
	json_add_string(&b, "graph", frame->run->graph->name);
	json_add_int64(&b, "version", frame->run->graph->version);
	json_add_int64(&b, "step", task->step);
	json_add_string(&b, "node", task->node);
	json_add_int64(&b, "task_id", task->task_id);
	/* runs that did not end, for whatever reason */
	json_add_int64(&b, "attempt", frame_attempt(task));
	effect_key = frame_effect_key(task);
	if (step != NULL)
	{
		json_add_string(&b, "step_key", step->key);
		effect_key = psprintf("%s-%s", effect_key, step->key);
	}
	json_add_string(&b, "effect_key", effect_key);
	PG_RETURN_JSONB_P(json_end(&b));
}
