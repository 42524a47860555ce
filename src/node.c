/*
 * node.c
 *    Run one node: rights, role, settings, subtransaction, and what came of it.
 *
 * A node runs in a subtransaction.  It ends in one of these ways:
 *   returns            its effects stay, with what it returned
 *   pauses             its effects are rolled back; the question is kept
 *   raises             its effects are rolled back; the error is kept
 *
 * Once the frame carries the mark of a pause (frame.c), it is the mark that
 * counts, whatever the node returns or raises; only a cancel that is not ours
 * stays a cancel.
 *
 * Its routers belong to its run: they see the state as its update leaves it.
 *
 * Layer 3.  Memory: what comes of a run is in the context of node_run()'s
 * caller, which must outlive the subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "db.h"
#include "fmgr.h"
#include "frontier.h"
#include "function.h"
#include "gate.h"
#include "graph.h"
#include "guc.h"
#include "interrupt.h"
#include "json.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "node.h"
#include "reducer.h"
#include "rights.h"
#include "session.h"
#include "slot.h"
#include "timer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* -------------------------------------------------------------------- errors */

static int
timeout_of(const HitlRun *run)
{
	return run->node != NULL && run->node->timeout_ms > 0 ? run->node->timeout_ms : guc_node_timeout;
}

static HitlError
timeout_error(const HitlRun *run)
{
	HitlError	error = {
		.sqlerrcode = ERRCODE_QUERY_CANCELED,
		.message = psprintf("node \"%s\" ran longer than %g s", run->task->node, timeout_of(run) / 1000.0),
		.detail = pstrdup("It was cancelled and its effects are rolled back."),
		.hint = pstrdup("Give it more time by add_node(..., timeout => ...), or let an outside program do long work.")
	};

	return error;
}

/*
 * An error ended the node and the subtransaction is rolled back.  Decide what
 * it means; errors that belong to the caller of an inline run are thrown on.
 */
static void
judge_error(HitlFrame *frame, ErrorData *error)
{
	HitlRun    *run = frame->run;

	if (timer_has_fired() && !frame_is_marked(frame))
	{
		/* whatever it raises after that */
		run->error = timeout_error(run);
		run->outcome = HITL_OUTCOME_FAILED;
		return;
	}
	if (frame_is_cancel(error))
	{
		/* the user's ^C or timeout: inline it is theirs */
		if (!slot_am_executor())
			ReThrowError(error);
		if (slot_cancel_aim(run->task->thread_id) != HITL_CANCEL_NONE)
		{
			run->outcome = HITL_OUTCOME_STOPPED;
			return;
		}
		frame->pause = NULL;
		frame->failure = NULL;
	}

	/* the mark counts, not the error */
	if (frame->pause != NULL)
	{
		run->outcome = HITL_OUTCOME_PAUSED;
		run->question = frame->pause;
		return;
	}
	run->error = frame->failure != NULL ? *frame->failure : frame_copy_error(error);
	switch (lifecycle_error_verdict(run->error.sqlerrcode))
	{
		case HITL_ERROR_RETRY:
			/* at a fixed snapshot a conflict will not go away */
			if (IsolationUsesXactSnapshot())
				ReThrowError(error);
			run->outcome = HITL_OUTCOME_RETRY;
			return;
		case HITL_ERROR_PUT_BACK:
			run->outcome = HITL_OUTCOME_PUT_BACK;
			return;
		case HITL_ERROR_FAIL:
			break;
	}
	run->outcome = HITL_OUTCOME_FAILED;
}

/* ---------------------------------------------------------------- the calls */

/* Call a function of one or two jsonb arguments (NULL: SQL NULL). */
static Datum
call_function(Oid function, int n_args, Jsonb *first, Jsonb *second, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo	flinfo;
	Datum		result;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, n_args, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = first != NULL ? JsonbPGetDatum(first) : (Datum) 0;
	fcinfo->args[0].isnull = first == NULL;
	fcinfo->args[1].value = second != NULL ? JsonbPGetDatum(second) : (Datum) 0;
	fcinfo->args[1].isnull = second == NULL;
	if (flinfo.fn_strict && (first == NULL || (n_args > 1 && second == NULL)))
	{
		*is_null = true;
		return (Datum) 0;
	}
	result = FunctionCallInvoke(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

/* Call the handler, or run the statement; a copy in frame->context, or NULL. */
static Jsonb *
call_handler(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	Jsonb	   *input = run->input;
	Jsonb	   *result = NULL;
	MemoryContext old;

	if (run->node->sql != NULL)
	{
		old = MemoryContextSwitchTo(frame->context);
		result = db_author_run(run->node->sql, input);
		MemoryContextSwitchTo(old);
	}
	else
	{
		bool		is_null;
		Datum		value = call_function(function_get(run->graph, &run->node->handler, HITL_FUNCTION_HANDLER,
													   psprintf("node \"%s\"", run->node->name)),
										  1, input, NULL, &is_null);

		old = MemoryContextSwitchTo(frame->context);
		if (!is_null)
			result = DatumGetJsonbPCopy(value);
		MemoryContextSwitchTo(old);
	}
	return result;
}

/* A reducer of the author's; see reducer.h. */
static Jsonb *
call_reducer(void *arg, const HitlChannel *channel, Jsonb *current, Jsonb *update)
{
	bool		is_null;
	Datum		value = call_function(function_get(arg, &channel->function, HITL_FUNCTION_REDUCER,
												   psprintf("channel \"%s\"", channel->name)),
									  2, current, update, &is_null);

	return is_null ? NULL : DatumGetJsonbP(value);
}

/* What a router returned, as jsonb. */
static Jsonb *
route_result(Oid type, Datum value)
{
	List	   *elements = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			n_values;

	if (type == TEXTOID)
		return json_string(TextDatumGetCString(value));
	if (type == JSONBOID)
		return DatumGetJsonbP(value);
	deconstruct_array(DatumGetArrayTypeP(value), type == TEXTARRAYOID ? TEXTOID : JSONBOID,
					  -1, false, TYPALIGN_INT, &values, &nulls, &n_values);
	for (int i = 0; i < n_values; i++)
		if (!nulls[i])
			elements = lappend(elements, type == TEXTARRAYOID ? json_string(TextDatumGetCString(values[i]))
							   : DatumGetJsonbP(values[i]));
	return json_list(elements);
}

/*
 * Ask the routers behind this node where to go, with the state as the node's
 * own update leaves it (LangGraph reads it so too).
 */
static void
call_routers(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	HitlTask	task = *run->task;
	Jsonb	   *state = NULL;

	for (int i = 0; i < run->graph->n_branches; i++)
	{
		const HitlBranch *branch = &run->graph->branches[i];
		MemoryContext old;
		bool		is_null;
		Datum		value;
		Oid			function;

		if (strcmp(branch->source, task.node) != 0)
			continue;
		if (state == NULL)
		{
			task.update = run->update;
			state = json_merge(run->state, reducer_apply(run->graph, run->state, list_make1(&task),
														 call_reducer, (void *) run->graph));
		}
		function = function_get(run->graph, &branch->router, HITL_FUNCTION_ROUTER,
								psprintf("the conditional edge from \"%s\"", branch->source));
		value = call_function(function, 1, state, NULL, &is_null);
		if (is_null)
			continue;
		old = MemoryContextSwitchTo(frame->context);
		run->targets = list_concat(run->targets,
								   targets_from_route(run->graph, branch,
													  route_result(get_func_rettype(function), value)));
		MemoryContextSwitchTo(old);
	}
}

/* the key of the question in front of a node: authors' keys have no "#" */
#define GATE_KEY "#gate"

/*
 * Ask the gate, if there is one.  Returns false when the node is not to run;
 * then the run's update and targets are set.  *decided: what the decision
 * writes beside the node.
 */
static bool
pass_gate(HitlFrame *frame, Jsonb **decided)
{
	HitlRun    *run = frame->run;
	const HitlGate *gate = run->node->gate;
	MemoryContext old;
	HitlQuestion *question;
	HitlTarget *target;
	bool		runs = true;

	*decided = NULL;
	if (gate == NULL)
		return true;
	old = MemoryContextSwitchTo(frame->context);
	question = gate_question(gate, run->input, GATE_KEY);
	if (question != NULL)
	{
		switch (gate_apply(gate, interrupt_ask_gate(frame, question), &run->input, decided))
		{
			case HITL_GATE_RUN:
				break;
			case HITL_GATE_OUTPUT:
				run->update = *decided;
				runs = false;
				break;
			case HITL_GATE_REJECTED:
				target = palloc0(sizeof(HitlTarget));
				target->node = gate->on_reject;
				run->update = *decided;
				run->targets = list_make1(target);
				run->is_diverted = true;
				runs = false;
				break;
		}
	}
	MemoryContextSwitchTo(old);
	return runs;
}

/* Run the node itself and take what it returns. */
static void
run_handler(HitlFrame *frame, Jsonb *decided)
{
	HitlRun    *run = frame->run;
	Jsonb	   *result = call_handler(frame);
	MemoryContext old = MemoryContextSwitchTo(frame->context);

	/* JSON's null is no update either */
	if (result != NULL && !json_is_null(result))
		run->targets = targets_from_command(run->graph, run->node, result, &run->update);
	if (run->update != NULL && !json_is_object(run->update))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("node \"%s\" must return an object or NULL", run->node->name),
				 errdetail("It returned %s.", json_type(run->update)),
				 errhint("Return the channels to update, such as {\"status\": \"ok\"}.")));
	/* the node has the last word on what its gate wrote */
	if (decided != NULL)
		run->update = run->update != NULL ? json_merge(decided, run->update) : decided;
	MemoryContextSwitchTo(old);
}

/* The gate, the node, then its routers: all that is the author's. */
static void
run_author(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	Jsonb	   *decided;

	/* rights may have changed since compile; a refusal is the node's error */
	graph_check_path(run->graph);
	PushActiveSnapshot(GetTransactionSnapshot());
	run->input = run->task->input != NULL ? run->task->input : run->state;
	if (run->task->kind == HITL_TASK_UPDATE)
		run->update = run->task->input;
	else if (pass_gate(frame, &decided))
		run_handler(frame, decided);
	if (!run->is_diverted)
		call_routers(frame);
	PopActiveSnapshot();
}

/*
 * Inline, close the cursors that the node has left open.  At the commit the
 * server would run a held or pinned one to its end, as the session's user and
 * outside of any node.
 */
static void
drop_portals(void)
{
	ListCell   *cell;

	foreach(cell, db_portal_names())
	{
		Portal		portal = GetPortalByName(lfirst(cell));

		/* the caller's own were made in another subtransaction */
		if (!PortalIsValid(portal) || portal->createSubid != GetCurrentSubTransactionId() ||
			portal->status == PORTAL_ACTIVE)
			continue;
		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
}

static void
run_in_subtransaction(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	MemoryContext scratch;
	ResourceOwner old_owner = CurrentResourceOwner;

	scratch = AllocSetContextCreate(frame->context, "hitl node", ALLOCSET_DEFAULT_SIZES);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(scratch);

	PG_TRY();
	{
		run_author(frame);
		/* a deferred constraint that fails is the node's failure too */
		if (run->fires_deferred)
			AfterTriggerFireDeferred();
		/* a node that caught its mark, or the cancel of its timer, and returned
		 * is stopped here */
		frame_hold();
		if (timer_has_fired())
			CHECK_FOR_INTERRUPTS();
		if (timer_has_fired())
			ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("node timed out")));
		if (frame->has_portals && !slot_am_executor())
			drop_portals();
		ReleaseCurrentSubTransaction();
		run->outcome = HITL_OUTCOME_DONE;
		MemoryContextSwitchTo(frame->context);
		CurrentResourceOwner = old_owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(frame->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(frame->context);
		CurrentResourceOwner = old_owner;
		run->update = NULL;
		run->targets = NIL;
		run->is_diverted = false;
		judge_error(frame, error);
	}
	PG_END_TRY();
	MemoryContextDelete(scratch);
}

/* The last defence: callers have looked themselves, and said so nicely. */
static void
require_session(const HitlGraphVersion *graph)
{
	if (!rights_may_run_here(graph->owner))
		elog(ERROR, "hitl must not run a node in a session that is not its owner's");
}

/*
 * Run a node as the graph's owner and fill in what came of it.  Raises only
 * what belongs to the caller of an inline run: a cancel, a conflict at a fixed
 * snapshot.  The caller has the task claimed, and the session is the owner's.
 */
void
node_run(HitlRun *run)
{
	HitlFrame	frame;
	bool		is_timed;
	int			level;

	require_session(run->graph);
	frame_push(&frame, run, run->task->thread_id);
	is_timed = timer_start(timeout_of(run));
	PG_TRY();
	{
		level = session_enter_node(run->graph->search_path);
		run_in_subtransaction(&frame);
		session_leave_node(level);
	}
	PG_FINALLY();
	{
		if (is_timed)
			timer_stop();
		frame_pop(&frame);
	}
	PG_END_TRY();

	if (run->outcome == HITL_OUTCOME_DONE)
		frame_note_inline_run();
}

/*
 * Apply the reducers of a graph to what tasks wrote: reducer_apply(), with
 * the author's own called as the owner.  Errors are raised.
 */
Jsonb *
node_reduce(const HitlGraphVersion *graph, int64 thread_id, Jsonb *state, List *tasks)
{
	HitlFrame	frame;
	Jsonb	   *volatile delta = NULL;
	int			level;

	if (!reducer_has_authors(graph))
		return reducer_apply(graph, state, tasks, NULL, NULL);

	require_session(graph);
	frame_push(&frame, NULL, thread_id);
	PG_TRY();
	{
		level = session_enter_node(graph->search_path);
		graph_check_path(graph);
		PushActiveSnapshot(GetTransactionSnapshot());
		delta = reducer_apply(graph, state, tasks, call_reducer, (void *) graph);
		PopActiveSnapshot();
		if (frame.has_portals && !slot_am_executor())
			drop_portals();
		session_leave_node(level);
	}
	PG_FINALLY();
	{
		frame_pop(&frame);
	}
	PG_END_TRY();
	return delta;
}
