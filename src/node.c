/*
 * node.c
 *    Run one node: its gate, its handler, statement or subgraph, its routers.
 *
 * Its routers belong to its run: they see the state as its update leaves it.
 * How it is run, and what came of it, is author.c's.
 *
 * Layer 3.  Memory: what comes of a run is in the context of node_run()'s
 * caller.
 */
#include "postgres.h"

#include "author.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "continuation.h"
#include "db.h"
#include "errors.h"
#include "frontier.h"
#include "function.h"
#include "gate.h"
#include "graph.h"
#include "guc.h"
#include "hook.h"
#include "interrupt.h"
#include "json.h"
#include "names.h"
#include "node.h"
#include "opening.h"
#include "reducer.h"
#include "session.h"
#include "slot.h"
#include "step.h"
#include "subgraph.h"
#include "timer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* ---------------------------------------------------------------- the calls */

/* It has paused in a way in which this version of the node does not go on. */
static void
require_phase(const HitlRun *run, const FmgrInfo *function)
{
	if (run->task->phase == 0 || run->node->continues || (function != NULL && hook_is_one(function)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_HITL_FRAME),
			 errmsg("a paused node cannot go on: it would run again from its beginning"),
			 errdetail("Node \"%s\" has kept what it did at its pause; in version %d of graph \"%s\" it is not in continue mode.",
					   run->node->name, run->graph->version, run->graph->name),
			 errhint("Migrate the thread to a version in which it is, or SELECT hitl.cancel(%lld);", (long long) run->thread->root_id)));
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
		require_phase(run, NULL);
		old = MemoryContextSwitchTo(frame->context);
		result = db_author_run(run->node->sql, input);
		MemoryContextSwitchTo(old);
	}
	else
	{
		FmgrInfo   *function = function_get(run->graph, &run->node->handler, HITL_FUNCTION_HANDLER,
										   psprintf("node \"%s\"", run->node->name));
		bool		is_null;
		Datum		value;

		require_phase(run, function);
		value = hook_is_one(function) ? hook_call(frame, function, &is_null)
			: run->node->continues ? continuation_call(frame, function, &is_null)
			: author_call(function, 1, input, NULL, &is_null);
		old = MemoryContextSwitchTo(frame->context);
		if (!is_null)
			result = DatumGetJsonbPCopy(value);
		MemoryContextSwitchTo(old);
	}
	return result;
}

/* An aggregate starts from nothing: what the channel has is the first it takes. */
static Jsonb *
call_aggregate(const char *signature, Jsonb *current, List *updates)
{
	Jsonb	  **values = palloc(sizeof(Jsonb *) * (list_length(updates) + 1));
	int			n_values = 0;
	ListCell   *cell;

	if (current != NULL && !json_is_null(current))
		values[n_values++] = current;
	foreach(cell, updates)
		values[n_values++] = lfirst(cell);
	return db_author_aggregate(function_name(signature), values, n_values);
}

/* A reducer of the author's; see reducer.h. */
static Jsonb *
call_reducer(void *arg, const HitlChannel *channel, Jsonb *current, List *updates)
{
	char	   *what = psprintf("channel \"%s\"", channel->name);
	ListCell   *cell;

	foreach(cell, updates)
	{
		FmgrInfo   *function = function_get(arg, &channel->function, HITL_FUNCTION_REDUCER, what);
		bool		is_null;
		Datum		value;

		if (function->fn_addr == NULL)
			return call_aggregate(channel->function.signature, current, updates);
		value = author_call(function, 2, current, lfirst(cell), &is_null);
		current = is_null ? NULL : DatumGetJsonbP(value);
	}
	return current;
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
		FmgrInfo   *function;

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
		value = author_call(function, 1, state, NULL, &is_null);
		if (is_null)
			continue;
		old = MemoryContextSwitchTo(frame->context);
		run->targets = list_concat(run->targets,
								   targets_from_route(run->graph, branch,
													  route_result(get_func_rettype(function->fn_oid), value)));
		MemoryContextSwitchTo(old);
	}
}

/*
 * What a decision writes beside a node that runs, as the channels take it.  An
 * edit is what the args are from now on, and not one more update of them; if
 * the task has an input of its own, they are in that and not in the state.  A
 * response is an update like others, and the node sees what comes of it.
 */
static void
take_decided(HitlRun *run, Jsonb *decision, Jsonb *before, Jsonb **decided)
{
	char	   *type = json_get_string(decision, "type");
	HitlTask	task = *run->task;
	ListCell   *cell;

	if (strcmp(type, name_decision_type(HITL_DECISION_EDIT)) != 0)
	{
		if (run->task->input != NULL)
			return;
		task.update = *decided;
		run->input = json_merge(before, reducer_apply(run->graph, run->state, list_make1(&task),
													  call_reducer, (void *) run->graph));
		return;
	}
	if (run->task->input != NULL)
	{
		*decided = NULL;
		return;
	}
	foreach(cell, json_keys(*decided))
		*decided = json_set(*decided, lfirst(cell), reducer_overwrite(json_get(*decided, lfirst(cell))));
}

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
	Jsonb	   *decision;
	Jsonb	   *before;
	HitlTarget *target;
	bool		runs = true;

	*decided = NULL;
	if (gate == NULL)
		return true;
	/* who was asked and has answered is heard, whatever the predicate says now */
	if (!interrupt_is_answered(run->interrupts, HITL_GATE_QUESTION) && gate_skips(gate, run->input))
	{
		old = MemoryContextSwitchTo(frame->context);
		opening_note_automatic(run, HITL_GATE_QUESTION, gate->action, HITL_RULE_GATE);
		MemoryContextSwitchTo(old);
		return true;
	}
	old = MemoryContextSwitchTo(frame->context);
	question = gate_question(gate, run->input, HITL_GATE_QUESTION);
	decision = interrupt_ask_gate(frame, question);
	before = run->input;
	switch (gate_apply(gate, decision, &run->input, decided))
	{
		case HITL_GATE_RUN:
			if (*decided != NULL)
				take_decided(run, decision, before, decided);
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

	if (run->is_parked && result != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("node \"%s\" must return NULL when it has paused", run->node->name),
				 errdetail("It returned %s.", json_type(result)),
				 errhint("Return the update in the phase after the decision.")));

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
	if (decided != NULL && !run->is_parked)
		run->update = run->update != NULL ? reducer_combine(decided, run->update) : decided;
	MemoryContextSwitchTo(old);
}

/* subgraphs in subgraphs; versions make a cycle impossible, not a long chain */
#define MAX_DEPTH 32

/*
 * A subgraph: at first, what its child is to be given, and what the gate writes
 * is kept with the task; then, what the child has made of it.
 */
static void
run_subgraph(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	Jsonb	   *decided;

	if (run->output != NULL)
	{
		run->update = run->task->update != NULL ? reducer_combine(run->task->update, run->output) : run->output;
		MemoryContextSwitchTo(old);
		return;
	}
	if (run->thread->depth >= MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("subgraphs are nested more than %d deep", MAX_DEPTH),
				 errdetail("Node \"%s\" of graph \"%s\" would be one too many.", run->node->name, run->graph->name),
				 errhint("SELECT hitl.context()->'frame' in a node shows where it stands; make fewer levels.")));
	if (pass_gate(frame, &decided))
	{
		if (!json_is_object(run->input))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("subgraph \"%s\" must be given an object", run->node->name),
					 errdetail("It was given %s.", json_type(run->input)),
					 errhint("Send it the channels of its state, such as {\"amount\": 900}.")));
		run->child_input = subgraph_input(run->node->subgraph, run->input);
		run->update = decided;
	}
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
	else if (run->node->subgraph != NULL)
		run_subgraph(frame);
	else if (pass_gate(frame, &decided))
		run_handler(frame, decided);
	if (!run->is_diverted && !run->is_parked && run->child_input == NULL)
		call_routers(frame);
	/* the gate of a subgraph was heard when its child was made */
	if (run->output == NULL)
		interrupt_require_heard(run);
	PopActiveSnapshot();
}

/*
 * Run a node and fill in what came of it: see author_run().  If it wants a
 * step, the step is done.
 */
void
node_run(HitlRun *run)
{
	author_run(run, run_author);
	if (run->outcome == HITL_OUTCOME_STEP)
		step_run(run);
}

static void
raise_reducer_timeout(const HitlGraphVersion *graph)
{
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("reducers of graph \"%s\" ran longer than %g s", graph->name, guc_node_timeout / 1000.0),
			 errdetail("They were cancelled, and what they and the node did is rolled back."),
			 errhint("A reducer combines two values: do in a node what takes long.")));
}

/*
 * Apply the reducers of a graph to what tasks wrote: reducer_apply(), with
 * the author's own called as the owner.  Errors are raised.
 *
 * The caller may hold the thread's row: so the author's take the time of a
 * node at most, with the deferred triggers of what they write, which are fired
 * here where that can be (fires_deferred: no query is running around us).  And
 * whoever wants the row to end the thread ends them (tree_lock_to_end()).
 */
Jsonb *
node_reduce(const HitlGraphVersion *graph, const HitlThread *thread, Jsonb *state, List *tasks, bool fires_deferred)
{
	MemoryContext context = CurrentMemoryContext;
	HitlFrame	frame;
	Jsonb	   *volatile delta = NULL;
	bool		is_timed;
	int			level;

	if (!reducer_has_authors(graph))
		return reducer_apply(graph, state, tasks, NULL, NULL);

	author_require_session(graph);
	frame_push(&frame, NULL, thread);
	is_timed = timer_start(guc_node_timeout);
	(void) slot_set_reducing(true);
	PG_TRY();
	{
		level = session_enter_node(graph->search_path);
		graph_check_path(graph);
		PushActiveSnapshot(GetTransactionSnapshot());
		delta = reducer_apply(graph, state, tasks, call_reducer, (void *) graph);
		PopActiveSnapshot();
		if (fires_deferred)
			AfterTriggerFireDeferred();
		/* one that has caught its cancel and returned is stopped here */
		if (is_timed && timer_has_fired())
			raise_reducer_timeout(graph);
		author_drop_portals(&frame);
		session_leave_node(level);
	}
	PG_CATCH();
	{
		bool		is_late = is_timed && timer_has_fired();

		/* executor.c says that we are out of it, once the locks are gone */
		if (is_timed)
			timer_stop();
		frame_pop(&frame);
		if (!is_late)
			PG_RE_THROW();
		/* whatever it raised after that */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		raise_reducer_timeout(graph);
	}
	PG_END_TRY();
	(void) slot_set_reducing(false);
	if (is_timed)
		timer_stop();
	frame_pop(&frame);
	frame_note_inline_run();
	return delta;
}
