/*
 * breakpoint.c
 *    Stop threads in front of a node, or behind it, until somebody says go on.
 *
 * LangGraph's interrupt_before and interrupt_after: a part of the graph's
 * definition, or a row that an operator sets and takes back while threads run.
 * A breakpoint asks as everything does, by an interrupt; approve goes on.
 *
 * before: asked when the task of the node is run the first time, in front of
 *   its gate.  What has begun is not stopped.
 * after: asked when the super-step is complete and its checkpoint written, in
 *   a super-step of its own: a task of kind breakpoint for each node that has
 *   one and ran, however many tasks it had.  The first of these tasks carries,
 *   as its input, where the thread goes once all are answered (its targets, to
 *   who lists it); that was said when the step ended, so joins and routers see
 *   nothing of the stop.
 *
 * Every run of a node asks whether there is one: each process keeps the rows
 * (rowcache.c).
 *
 * Layer 3.
 */
#include "postgres.h"

#include "audit.h"
#include "breakpoint.h"
#include "clock.h"
#include "frontier.h"
#include "graph.h"
#include "interrupt.h"
#include "json.h"
#include "names.h"
#include "question.h"
#include "rights.h"
#include "rowcache.h"
#include "store_breakpoint.h"
#include "utils/builtins.h"

/* ------------------------------------------------------------------- the rows */

static void *
copy_row(const void *row)
{
	HitlBreakpoint *copy = palloc(sizeof(HitlBreakpoint));

	*copy = *(const HitlBreakpoint *) row;
	copy->node = pstrdup(copy->node);
	return copy;
}

static RowCache kept = {.table = "breakpoint", .read = store_breakpoint_list, .copy = copy_row};

/* Somebody writes rows: every process forgets those that it keeps. */
void
breakpoint_changed(void)
{
	rowcache_changed(&kept);
}

static bool
is_set(const HitlGraphVersion *graph, const HitlNode *node, HitlBreakpointKind kind)
{
	ListCell   *cell;

	if (kind == HITL_BREAKPOINT_BEFORE ? node->stops_before : node->stops_after)
		return true;
	foreach(cell, rowcache_rows(&kept))
	{
		const HitlBreakpoint *row = lfirst(cell);

		if (row->kind == kind && (row->graph_id == HITL_ALL_GRAPHS || row->graph_id == graph->graph_id) &&
			(strcmp(row->node, HITL_ALL_NODES) == 0 || strcmp(row->node, node->name) == 0))
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------- the stops */

static HitlQuestion *
make_question(HitlBreakpointKind kind, const char *node)
{
	HitlQuestion *question = palloc0(sizeof(HitlQuestion));
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "breakpoint", name_breakpoint_kind(kind));
	json_add_string(&b, "node", node);
	question->payload = json_end(&b);
	question->key = pstrdup(kind == HITL_BREAKPOINT_BEFORE ? HITL_BEFORE_QUESTION : HITL_AFTER_QUESTION);
	question->description = psprintf("Breakpoint %s node \"%s\"", name_breakpoint_kind(kind), node);
	question->allowed = HITL_DECISION_BIT(HITL_DECISION_APPROVE);
	return question;
}

/*
 * Is a task that is claimed, and that waits for no answer, stopped here?  Then,
 * and for a task of kind breakpoint in any case, there is no node to run: the
 * outcome is filled in.
 */
bool
breakpoint_stops(HitlRun *run)
{
	const HitlTask *task = run->task;
	const HitlInterrupt *failed = interrupt_ran_out(run->interrupts);

	/* the time to say go on was over, and the task was retried: ask again */
	if (failed != NULL && question_is_breakpoint(&failed->question))
	{
		run->question = make_question(task->kind == HITL_TASK_BREAKPOINT ? HITL_BREAKPOINT_AFTER : HITL_BREAKPOINT_BEFORE, task->node);
		run->question->supersedes = failed->interrupt_id;
		run->outcome = HITL_OUTCOME_PAUSED;
		return true;
	}
	switch (task->kind)
	{
		case HITL_TASK_UPDATE:
			return false;
		case HITL_TASK_NODE:
			if (task->has_asked || task->has_steps || task->child_id != 0 || !is_set(run->graph, run->node, HITL_BREAKPOINT_BEFORE))
				return false;
			run->question = make_question(HITL_BREAKPOINT_BEFORE, task->node);
			run->outcome = HITL_OUTCOME_PAUSED;
			return true;
		case HITL_TASK_BREAKPOINT:
			if (!task->has_asked)
			{
				run->question = make_question(HITL_BREAKPOINT_AFTER, task->node);
				run->outcome = HITL_OUTCOME_PAUSED;
				return true;
			}
			run->is_diverted = true;
			run->outcome = HITL_OUTCOME_DONE;
			return true;
	}
	return false;
}

/*
 * The tasks of a super-step are done, and next is what they lead to.  Returns
 * the tasks of kind breakpoint that come first, as HitlTarget; NIL for none.
 */
List *
breakpoint_after(const HitlGraphVersion *graph, List *tasks, List *next)
{
	List	   *stops = NIL;

	for (int i = 0; i < graph->n_nodes; i++)
	{
		const HitlNode *node = &graph->nodes[i];
		bool		has_run = false;
		HitlTarget *stop;
		ListCell   *cell;

		if (!is_set(graph, node, HITL_BREAKPOINT_AFTER))
			continue;
		foreach(cell, tasks)
		{
			const HitlTask *task = lfirst(cell);

			/* one whose gate was rejected has not run */
			has_run |= task->kind == HITL_TASK_NODE && !task->is_diverted && strcmp(task->node, node->name) == 0;
		}
		if (!has_run)
			continue;
		stop = palloc0(sizeof(HitlTarget));
		stop->node = node->name;
		if (stops == NIL)
			stop->input = targets_document(next);
		stops = lappend(stops, stop);
	}
	return stops;
}

/* --------------------------------------------------------------- the operator */

/*
 * Set a breakpoint, or take one back; node may be HITL_ALL_NODES, graph_name
 * NULL for all graphs.  Returns whether that changed anything.
 */
bool
breakpoint_set(HitlBreakpointKind kind, const char *node, const char *graph_name, bool is_enabled)
{
	HitlBreakpoint breakpoint = {.graph_id = HITL_ALL_GRAPHS, .node = (char *) node, .kind = kind};

	if (graph_name == NULL)
		rights_require_operator(InvalidOid, HITL_ALL_GRAPHS);
	else
	{
		HitlGraph  *graph = graph_require_for(graph_name, HITL_ACCESS_OPERATE);

		rights_require_operator(graph->owner, graph->graph_id);
		breakpoint.graph_id = graph->graph_id;
	}
	breakpoint_changed();
	if (!is_enabled)
		return store_breakpoint_remove(&breakpoint, audit_person(), clock_now());

	/* a misspelt one would never stop anything */
	if (strcmp(node, HITL_ALL_NODES) != 0 && !store_breakpoint_has_node(breakpoint.graph_id, node))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node \"%s\" does not exist", node),
				 graph_name != NULL ? errdetail("No version of graph \"%s\" has a node of that name.", graph_name)
				 : errdetail("No graph has a node of that name."),
				 graph_name != NULL ? errhint("SELECT hitl.mermaid(%s);", quote_literal_cstr(graph_name))
				 : errhint("Name a node, or '*' for all.")));
	return store_breakpoint_put(&breakpoint, audit_person(), clock_now());
}
