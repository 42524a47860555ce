/*
 * steer.c
 *    Change what a thread knows, or where it goes; go on from an earlier state.
 *
 * The words and their meaning are LangGraph's (update_state, as_node, forking
 * a checkpoint).  An update without a node changes the state and nothing else:
 * what waits goes on waiting, and whoever runs next sees it.  An update as a
 * node stands in for a run of that node: it is a task of the current step that
 * has returned the values.  What the step has not done is given up; what it
 * has done counts, for its effects are there.
 *
 * A fork is a thread of its own: it has a whole state, and tasks made anew.
 * Answers belong to tasks, so what runs again asks again.  What answers to the
 * tasks before have written is part of the state, and is kept; the trail names
 * those answers.
 *
 * The author's routers and reducers run in no session but the owner's: where
 * an update as a node needs them, an executor runs it; else it is done here.
 *
 * Layer 3.  Lock order: interrupts by id, then threads, downwards (tree.c).
 */
#include "postgres.h"

#include "audit.h"
#include "checkpoint.h"
#include "clock.h"
#include "errors.h"
#include "frontier.h"
#include "graph.h"
#include "json.h"
#include "lifecycle.h"
#include "names.h"
#include "node.h"
#include "reducer.h"
#include "rights.h"
#include "steer.h"
#include "store_checkpoint.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/builtins.h"
#include "wake.h"

/* so many of the answers that a fork stands on are named in its trail */
#define FORK_ANSWERS 100

/* ------------------------------------------------------------------ the thread */

/*
 * Lock a thread to steer it: one that has not ended, and of which nobody else
 * runs or may run anything.
 */
static HitlThread *
lock_steered(int64 thread_id)
{
	HitlThread *thread = thread_require(thread_id);
	List	   *threads;
	HitlIds		tree;

	rights_refuse_agent("update the state of threads");
	threads = tree_lock(thread_id, true);
	thread = linitial(threads);
	tree = tree_live(thread);
	if (lifecycle_thread_has_ended(thread->status))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld cannot be updated", (long long) thread_id),
				 errdetail("It is %s.", name_thread_status(thread->status)),
				 errhint("SELECT hitl.fork(%lld);  -- makes a thread of its own, which can", (long long) thread_id)));
	if (store_queue_is_others(&tree))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("thread %lld is busy", (long long) thread_id),
				 errdetail("It is running: a task of it is queued or in the hands of an executor."),
				 errhint("SELECT hitl.wait(%lld);  -- then again", (long long) thread_id)));
	return thread;
}

/*
 * Give up what the current step of a thread has not done: its questions are
 * superseded, with those that have an answer which nobody will act on (the
 * answer stays on record), its tasks and the threads of its subgraphs are
 * cancelled.  What somebody runs is left to them: they find that the thread has
 * gone on, if the caller gives it another step.  The caller holds the tree:
 * tree_lock().
 */
void
steer_give_up(HitlThread *thread)
{
	HitlIds		self = {.n = 1, .ids = &thread->thread_id};
	TimestampTz now = clock_now();
	ListCell   *cell;

	foreach(cell, store_interrupt_pending(&self, HITL_LOCK_SKIP))
	{
		HitlInterrupt *interrupt = lfirst(cell);

		store_interrupt_settle(interrupt->interrupt_id, HITL_INTERRUPT_SUPERSEDED, NULL, audit_person(), now);
		audit_interrupt(interrupt, "superseded", NULL);
	}
	foreach(cell, store_interrupt_unused(thread->thread_id, thread->step))
	{
		HitlInterrupt *interrupt = lfirst(cell);

		store_interrupt_settle(interrupt->interrupt_id, HITL_INTERRUPT_SUPERSEDED, interrupt->decision,
							   interrupt->settled_by, interrupt->settled_at);
		audit_interrupt(interrupt, "superseded", NULL);
	}
	thread_cancel_below(thread, "the thread above it was sent elsewhere");
	store_task_cancel_step(thread->thread_id, thread->step, now);
	store_queue_delete_thread(thread->thread_id);
	memset(&thread->counts, 0, sizeof(thread->counts));
}

/* ------------------------------------------------------------------ the update */

static void
check_values(Jsonb *values)
{
	if (!json_is_object(values))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the values of an update must be an object"),
				 errdetail("They are %s.", json_type(values)),
				 errhint("Give the channels to write, such as {\"amount\": 900}.")));
}

/* Write values as if a node had, and leave what is to run as it is. */
static void
write_values(HitlThread *thread, const HitlGraphVersion *graph, Jsonb *values)
{
	Jsonb	   *state = checkpoint_state(thread->thread_id, thread->checkpoint);
	HitlTask	writer = {.update = values};
	Jsonb	   *changes;

	if (!reducer_needs_author(graph, values))
		changes = reducer_apply(graph, state, list_make1(&writer), NULL, NULL);
	else if (rights_may_run_here(thread->owner))
		changes = node_reduce(graph, thread, state, list_make1(&writer), false);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot run the reducers of graph \"%s\" in this session", graph->name),
				 errdetail("An author's function takes the updates of a channel, and it runs only in a session of role \"%s\".",
						   rights_role_name(thread->owner)),
				 errhint("Update the thread as that role, or name a node as which an executor does it.")));
	checkpoint_append(thread, state, changes, store_checkpoint_joins(thread->thread_id, thread->checkpoint),
					  thread->step);
	store_thread_move(thread, clock_now());
}

/* Go on as if a node had returned the values; returns the checkpoint of that. */
static int
return_values(HitlThread *thread, const HitlGraphVersion *graph, Jsonb *values, const char *node)
{
	int			checkpoint = thread->checkpoint + 1;
	TimestampTz now = clock_now();

	steer_give_up(thread);
	if (reducer_has_authors(graph) || frontier_has_branch(graph, node))
	{
		HitlTarget	target = {.node = (char *) node};

		thread->status = HITL_THREAD_RUNNING;
		thread->counts.ready = 1;
		thread_insert_tasks(thread, HITL_TASK_UPDATE, &thread->thread_id, 1, list_make1(&target), &values, NULL, now);
		store_thread_move(thread, now);
	}
	else
	{
		store_task_insert_done(thread->thread_id, thread->step, node, values, now);
		thread_end_step(thread, false);
	}
	return checkpoint;
}

static void
audit_update(const HitlThread *thread, int step, Jsonb *values, const char *as_node, int checkpoint)
{
	HitlTask	task = {.thread_id = thread->thread_id, .step = step, .node = (char *) as_node};
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "keys", json_string_list(json_keys(values)));
	json_add_int64(&b, "checkpoint", checkpoint);
	audit_task(&task, "updated", json_end(&b));
}

static void
check_node(const HitlGraphVersion *graph, const char *node)
{
	if (strcmp(node, HITL_START) != 0 && frontier_find_node(graph, node) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("graph \"%s\" has no node \"%s\"", graph->name, node),
				 errdetail("An update stands in for a node of the version that the thread runs, or for START."),
				 errhint("SELECT hitl.mermaid(%s);", quote_literal_cstr(graph->name))));
}

/*
 * hitl.update_state(): as_node may be NULL.  Returns the number of the
 * checkpoint that holds it, now or once an executor has run it.
 */
int
steer_update(int64 thread_id, Jsonb *values, const char *as_node)
{
	HitlThread *thread;
	const HitlGraphVersion *graph;
	int			checkpoint;
	int			step;

	check_values(values);
	thread = lock_steered(thread_id);
	graph = graph_get(thread->graph_id, thread->version);
	step = thread->step;
	if (as_node != NULL)
		check_node(graph, as_node);

	/* in the order of the trail: first what was done, then what came of it */
	audit_update(thread, step, values, as_node, thread->checkpoint + 1);
	if (as_node != NULL)
		checkpoint = return_values(thread, graph, values, as_node);
	else
	{
		write_values(thread, graph, values);
		checkpoint = thread->checkpoint;
	}
	wake_note_thread(thread->root_id);
	return checkpoint;
}

/* -------------------------------------------------------------------- the fork */

/*
 * What ran after a checkpoint, as targets; NIL: nothing did.  *kind: of those
 * tasks, one for all of a step.
 */
static List *
targets_after(int64 thread_id, int checkpoint, HitlTaskKind *kind)
{
	int			step = store_checkpoint_next(thread_id, checkpoint);
	List	   *targets = NIL;
	ListCell   *cell;

	*kind = HITL_TASK_NODE;
	if (step == HITL_NO_STEP)
		return NIL;
	foreach(cell, store_task_list_first(thread_id, step))
	{
		HitlTask   *task = lfirst(cell);
		HitlTarget *target = palloc0(sizeof(HitlTarget));

		target->node = task->node;
		target->input = task->input;
		*kind = task->kind;
		targets = lappend(targets, target);
	}
	return targets;
}

/*
 * A fork is of the version that its origin runs now.  Where that was taken to
 * it by migrate(), what was there at the checkpoint may not be.
 */
static void
check_fork(const HitlGraphVersion *graph, List *targets, Jsonb *joins, int checkpoint)
{
	bool		fits = frontier_knows_joins(graph, joins);
	ListCell   *cell;

	foreach(cell, targets)
	{
		const HitlTarget *target = lfirst(cell);

		fits &= strcmp(target->node, HITL_START) == 0 || frontier_find_node(graph, target->node) != NULL;
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("checkpoint %d is of another version of graph \"%s\"", checkpoint, graph->name),
				 errdetail("Version %d, which the thread was taken to, lacks a node that ran after it or a join that waited.", graph->version),
				 errhint("Fork a later checkpoint.")));
}

/* Where it came from, and which answers its state stands on. */
static void
audit_fork(const HitlThread *fork)
{
	int64		n_answers;
	HitlIds		answers = store_interrupt_behind(fork->forked_from, fork->forked_checkpoint, FORK_ANSWERS, &n_answers);
	Jsonb	  **ids = palloc(sizeof(Jsonb *) * Max(answers.n, 1));
	JsonBuilder b;

	for (int i = 0; i < answers.n; i++)
		ids[i] = json_int64(answers.ids[i]);
	json_begin(&b);
	json_add_int64(&b, "forked_from", fork->forked_from);
	json_add_int64(&b, "checkpoint", fork->forked_checkpoint);
	json_add_jsonb(&b, "decided", json_array(ids, answers.n));
	json_add_int64(&b, "n_decided", n_answers);
	audit_thread(fork->thread_id, "started", json_end(&b));
}

/*
 * hitl.fork(): a new thread that goes on from a checkpoint (-1: the latest) of
 * another, with what ran after it, or with what an update makes of it; values
 * and as_node may be NULL.  Returns its id.
 */
int64
steer_fork(int64 thread_id, int checkpoint, Jsonb *values, const char *as_node)
{
	HitlThread *origin = thread_require(thread_id);
	HitlThread	fork = {
		.graph_id = origin->graph_id,
		.version = origin->version,
		.owner = origin->owner,
		.forked_from = thread_id
	};
	const HitlGraphVersion *graph = graph_get(origin->graph_id, origin->version);
	TimestampTz now = clock_now();
	HitlTaskKind kind = HITL_TASK_NODE;
	List	   *targets = NIL;
	Jsonb	   *state;

	rights_refuse_agent("fork threads");
	if (origin->parent_id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld cannot be forked alone", (long long) thread_id),
				 errdetail("It runs a subgraph for thread %lld, which takes its result.", (long long) origin->parent_id),
				 errhint("SELECT hitl.fork(%lld);", (long long) origin->root_id)));
	checkpoint = thread_require_checkpoint(origin, checkpoint);
	if (values != NULL)
		check_values(values);
	if (as_node != NULL)
		check_node(graph, as_node);
	else
	{
		targets = targets_after(thread_id, checkpoint, &kind);
		if (targets == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("thread %lld has nothing to run after checkpoint %d", (long long) thread_id, checkpoint),
					 errdetail("There it had reached END."),
					 errhint("Fork an earlier checkpoint (hitl.state_history(%lld)), or name a node to go on from: hitl.fork(%lld, as_node => 'START').",
							 (long long) thread_id, (long long) thread_id)));
	}

	check_fork(graph, targets, store_checkpoint_joins(thread_id, checkpoint), checkpoint);

	state = checkpoint_state(thread_id, checkpoint);
	fork.forked_checkpoint = checkpoint;
	fork.step = kind == HITL_TASK_UPDATE ? 0 : 1;
	fork.counts.ready = list_length(targets);
	fork.thread_id = store_thread_insert(&fork, 1, audit_person(), now)[0];
	store_checkpoint_first(&fork.thread_id, &state, 1, fork.step, store_checkpoint_joins(thread_id, checkpoint), now);
	audit_fork(&fork);
	thread_insert_tasks(&fork, kind, &fork.thread_id, 1, targets, NULL, NULL, now);
	thread_note_missing_workers();
	if (values != NULL || as_node != NULL)
		(void) steer_update(fork.thread_id, values != NULL ? values : json_empty_object(), as_node);
	return fork.thread_id;
}
