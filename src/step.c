/*
 * step.c
 *    Work of a node that is done once, however often the node runs.
 *
 * A node runs again from its start after a pause, a failure, a crash; what it
 * calls would be called again: a model, a bank.  hitl.step() has such a call
 * done by itself.  The node unwinds as at a pause, the step's function runs in
 * a subtransaction of its own, its result is kept in the commit of its effects,
 * and the node runs again and is given the result: n steps, n + 1 passes.
 *
 * A result stands for (key, function, args).  Another function or other args
 * under the same key are an error (IH007): what is done cannot be undone, and
 * the node must not take it for something else.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "audit.h"
#include "author.h"
#include "clock.h"
#include "errors.h"
#include "fmgr.h"
#include "frame.h"
#include "function.h"
#include "graph.h"
#include "guc.h"
#include "json.h"
#include "miscadmin.h"
#include "rights.h"
#include "step.h"
#include "store_step.h"
#include "store_task.h"
#include "utils/snapmgr.h"

/* -------------------------------------------------------------------- asking */

static bool
has_key(List *keys, const char *key)
{
	ListCell   *cell;

	foreach(cell, keys)
		if (strcmp(lfirst(cell), key) == 0)
			return true;
	return false;
}

/*
 * What runs as the owner must be chosen by him: a function with SECURITY
 * DEFINER that a node calls is somebody else, who would run here whatever the
 * owner may.
 */
static void
require_owner(const HitlGraphVersion *graph)
{
	if (GetUserId() != graph->owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("hitl.step() can only be called as the owner of the graph"),
				 errdetail("The current user is \"%s\", and the step would run as \"%s\".",
						   rights_role_name(GetUserId()), rights_role_name(graph->owner)),
				 errhint("Call it from the node itself, outside of functions with SECURITY DEFINER and of SET ROLE.")));
}

/* Is the result that is kept the result of this? */
static void
check_same(const HitlStep *done, const HitlStep *wanted, const char *node)
{
	const char *detail = NULL;

	if (strcmp(done->function, wanted->function) != 0)
		detail = psprintf("It was done by %s, and is asked of %s.", done->function, wanted->function);
	else if ((done->args == NULL) != (wanted->args == NULL) ||
			 (done->args != NULL && !json_equal(done->args, wanted->args)))
		detail = psprintf("Its arguments differ at \"%s\".", json_difference(done->args, wanted->args, "args"));
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_ASKED_ELSE),
				 errmsg("step \"%s\" of node \"%s\" is done, and was another one", done->key, node),
				 errdetail_internal("%s", detail),
				 errhint("Make function and args depend on the state only, or give what is new a key of its own.")));
}

/*
 * The kept result of what is wanted; NULL when there is none.  Then counts the
 * passes that go astray: each asks for something new without asking for what
 * the one before had done, as a key with the time in it does.  It would go on
 * for ever, and do its work each time.
 */
static HitlStep *
find_result(HitlFrame *frame, HitlStep *wanted)
{
	HitlStep   *last = NULL;
	ListCell   *cell;

	foreach(cell, frame->run->steps)
	{
		last = lfirst(cell);
		if (strcmp(last->key, wanted->key) != 0)
			continue;
		check_same(last, wanted, frame->run->task->node);
		return last;
	}
	if (last == NULL || has_key(frame->step_keys, last->key))
		return NULL;
	wanted->strays = last->strays + 1;
	if (wanted->strays > guc_max_reasks)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_ASKED_ELSE),
				 errmsg("node \"%s\" wants other steps each time it runs", frame->run->task->node),
				 errdetail("%d times in a row it has not asked for the step that it had done last; now it wants \"%s\" and not \"%s\".",
						   wanted->strays, wanted->key, last->key),
				 errhint("Make keys depend on the state only, and ask for steps in a fixed order.")));
	return NULL;
}

/*
 * hitl.step(): returns the result if the step is done, else does not return.
 * args and the result: NULL for SQL NULL.
 *
 * An error on the way is marked as a pause is: a handler that swallowed it
 * would let the node go on without the step.
 */
Jsonb *
step_ask(const char *key, const char *function, Jsonb *args)
{
	HitlFrame  *frame = frame_require("hitl.step()");
	HitlStep   *volatile wanted = NULL;
	HitlStep   *volatile done = NULL;
	HitlError  *volatile failure = NULL;
	MemoryContext old;

	/* what is wanted outlives the node's subtransaction */
	old = MemoryContextSwitchTo(frame->context);
	PG_TRY();
	{
		frame_require_node(frame, "hitl.step()");
		require_owner(frame->run->graph);
		frame_check_key("a step", key);
		if (has_key(frame->step_keys, key))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("a node cannot have two steps under one key"),
					 errdetail("It has asked for \"%s\" already in this run; one result would stand for both.", key),
					 errhint("Give each step a key of its own.")));
		wanted = palloc0(sizeof(HitlStep));
		wanted->key = pstrdup(key);
		wanted->function = function_qualify(function, key);
		if (args != NULL)
		{
			wanted->args = palloc(VARSIZE(args));
			memcpy(wanted->args, args, VARSIZE(args));
		}
		done = find_result(frame, wanted);
		frame->step_keys = lappend(frame->step_keys, wanted->key);
	}
	PG_CATCH();
	{
		failure = frame_catch(frame);
	}
	PG_END_TRY();
	if (failure != NULL)
		frame_fail(frame, failure);
	if (done == NULL)
		frame_want(frame, wanted);
	MemoryContextSwitchTo(old);
	return done->result;
}

/* --------------------------------------------------------------------- doing */

static void
run_function(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	HitlStep   *step = run->step;
	MemoryContext old;
	Datum		value;
	bool		is_null;

	graph_check_path(run->graph);
	PushActiveSnapshot(GetTransactionSnapshot());
	value = author_call(function_get_step(run->graph, step->function, step->key), 1, step->args, NULL, &is_null);
	old = MemoryContextSwitchTo(frame->context);
	step->result = is_null ? NULL : DatumGetJsonbPCopy(value);
	MemoryContextSwitchTo(old);
	PopActiveSnapshot();
}

/*
 * The run of a node has ended with the wish for a step: do it, as author_run()
 * does.  The outcome is HITL_OUTCOME_STEP still, or how the step failed.
 */
void
step_run(HitlRun *run)
{
	char	   *place = psprintf("step \"%s\" of node \"%s\"", run->step->key, run->task->node);

	Assert(run->outcome == HITL_OUTCOME_STEP);
	author_run(run, run_function);
	if (run->outcome == HITL_OUTCOME_DONE)
		run->outcome = HITL_OUTCOME_STEP;
	else if (run->error.context != NULL)
		run->error.context = psprintf("%s\n%s", run->error.context, place);
	else
		run->error.context = place;
}

/*
 * Keep the result of a step that was done.  The caller holds thread and task,
 * and leaves the task queued as it is.
 */
void
step_record(HitlTask *task, const HitlRun *run)
{
	TimestampTz now = clock_now();
	JsonBuilder detail;

	store_step_insert(task, run->step, list_length(run->steps) + 1, now);
	/* each time: a new version of the row says that the marked run is over */
	task->has_steps = true;
	store_task_move(task, NULL, NULL, now);
	json_begin(&detail);
	json_add_string(&detail, "key", run->step->key);
	audit_task(task, "step", json_end(&detail));
}
