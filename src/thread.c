/*
 * thread.c
 *    Start a thread, take it over a barrier, cancel it, run it again.
 *
 * A thread moves in super-steps.  Whoever ends a task locks the thread's row,
 * which counts the tasks that are left: the last one applies the reducers,
 * writes the checkpoint and makes the next tasks, all in the commit of its own
 * node's effects (P1).
 *
 * A child (child.c) is a thread like any other.  Its end queues the task of
 * its parent that waits for it, and does not lock the parent.
 *
 * Layer 3.  Lock order: interrupts by id, then threads, downwards (tree.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "breakpoint.h"
#include "checkpoint.h"
#include "clock.h"
#include "errors.h"
#include "event.h"
#include "frame.h"
#include "frontier.h"
#include "graph.h"
#include "interrupt.h"
#include "json.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "names.h"
#include "node.h"
#include "reducer.h"
#include "rights.h"
#include "shmem.h"
#include "slot.h"
#include "store_checkpoint.h"
#include "store_input.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/builtins.h"
#include "wake.h"

/* A thread by id, with which the current user may do that; else an error. */
HitlThread *
thread_require_for(int64 thread_id, HitlAccess access)
{
	HitlThread *thread = store_thread_find(thread_id);

	if (thread == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("thread %lld does not exist", (long long) thread_id),
				 errdetail("No thread of that id was started in this database, or its start is not committed."),
				 errhint("SELECT * FROM hitl.threads;")));
	rights_require_thread(thread, access);
	return thread;
}

/* The same, of its graph's owner's. */
HitlThread *
thread_require(int64 thread_id)
{
	return thread_require_for(thread_id, HITL_ACCESS_OWN);
}

/* A checkpoint of a thread; -1: the latest. */
int
thread_require_checkpoint(const HitlThread *thread, int checkpoint)
{
	if (checkpoint < 0)
		return thread->checkpoint;
	if (checkpoint > thread->checkpoint)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("thread %lld has no checkpoint %d", (long long) thread->thread_id, checkpoint),
				 errdetail("Its latest one is %d.", thread->checkpoint),
				 errhint("SELECT * FROM hitl.state_history(%lld);", (long long) thread->thread_id)));
	return checkpoint;
}

/* Who starts something should know that nobody will run it.  Once a session. */
void
thread_note_missing_workers(void)
{
	static bool is_noted = false;

	if (is_noted || shmem_is_on())
		return;
	is_noted = true;
	ereport(NOTICE,
			(errmsg("no hitl worker runs on this server"),
			 errdetail("The library is not in shared_preload_libraries; threads wait until somebody runs them."),
			 errhint("CALL hitl.run_pending(); runs what is due.")));
}

/* The beginning of a thread as a task that is done: its edges lead on. */
static HitlTask *
make_start_task(void)
{
	HitlTask   *task = palloc0(sizeof(HitlTask));

	task->node = pstrdup(HITL_START);
	task->status = HITL_TASK_DONE;
	return task;
}

/* A thread's input: an object, whose keys are channels.  i of n. */
void
thread_check_input(Jsonb *input, int i, int n)
{
	if (!json_is_object(input))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the input of a thread must be an object"),
				 n == 1 ? errdetail("It is %s.", json_type(input))
				 : errdetail("Element %d is %s.", i + 1, json_type(input)),
				 errhint("Give the channels of the state, such as {\"amount\": 900}.")));
}

/*
 * Tasks of a kind for n threads, of the step and the owner of one like them:
 * all targets for each, as rows.
 */
void
thread_insert_tasks(const HitlThread *like, HitlTaskKind kind, const int64 *thread_ids, int n, List *targets,
					Jsonb *const *inputs, const HitlError *error, TimestampTz at)
{
	int			n_targets = list_length(targets);
	int64		n_rows = (int64) n * n_targets;
	int64	   *ids;
	const char **nodes;
	Jsonb	  **row_inputs;

	if (n_rows == 0)
		return;
	if (n_rows > PG_INT32_MAX / 8)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many tasks at once"),
				 errdetail("There would be %lld.", (long long) n_rows),
				 errhint("Start fewer threads in one statement.")));
	ids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * n_rows);
	nodes = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(char *) * n_rows);
	row_inputs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Jsonb *) * n_rows);
	for (int i = 0; i < n; i++)
	{
		ListCell   *cell;

		foreach(cell, targets)
		{
			int			row = i * n_targets + foreach_current_index(cell);
			HitlTarget *target = lfirst(cell);

			ids[row] = thread_ids[i];
			nodes[row] = target->node;
			row_inputs[row] = inputs != NULL ? inputs[i] : target->input;
		}
	}
	store_task_insert(kind, ids, nodes, row_inputs, (int) n_rows, like->step, like->owner, error, at, clock_real());
	wake_note_work(like->owner);
}

/*
 * Is the input taken in by a task of START, with a checkpoint of its own?  Where
 * that takes code of the author, which runs in no session but the owner's.
 */
bool
thread_is_staged(const HitlGraphVersion *version)
{
	return reducer_has_authors(version) || frontier_has_branch(version, HITL_START);
}

/*
 * Make n threads like this one (its version and its place in a tree), one per
 * input, set by set; returns their ids.
 */
int64 *
thread_make(HitlThread *like, Jsonb *const *inputs, int n)
{
	const HitlGraphVersion *version = graph_get(like->graph_id, like->version);
	HitlTask   *start = make_start_task();
	TimestampTz now = clock_now();
	Jsonb	  **states = palloc(sizeof(Jsonb *) * Max(n, 1));
	Jsonb	   *initial;
	Jsonb	   *joins = NULL;
	List	   *targets;
	int64	   *thread_ids;
	bool		is_staged;

	initial = reducer_initial(version);
	is_staged = thread_is_staged(version);
	for (int i = 0; i < n; i++)
	{
		thread_check_input(inputs[i], i, n);
		start->update = inputs[i];
		states[i] = is_staged ? initial
			: json_merge(initial, reducer_apply(version, initial, list_make1(start), NULL, NULL));
	}
	if (is_staged)
	{
		HitlTarget *target = palloc0(sizeof(HitlTarget));

		target->node = pstrdup(HITL_START);
		targets = list_make1(target);
	}
	else
		targets = frontier_next(version, list_make1(start), &joins);

	like->step = is_staged ? 0 : 1;
	like->counts.ready = list_length(targets);
	thread_ids = store_thread_insert(like, n, audit_person(), now);
	store_checkpoint_first(thread_ids, states, n, like->step, version->n_joins > 0 ? joins : NULL, now);
	audit_threads(thread_ids, n, "started");
	thread_insert_tasks(like, is_staged ? HITL_TASK_UPDATE : HITL_TASK_NODE, thread_ids, n, targets, is_staged ? inputs : NULL, NULL, now);
	thread_note_missing_workers();
	return thread_ids;
}

/*
 * Start n threads of the latest version of a graph, one per input; returns
 * their ids.
 */
int64 *
thread_start_many(const HitlGraph *graph, Jsonb *const *inputs, int n)
{
	HitlThread	like = {
		.graph_id = graph->graph_id,
		.version = graph->version,
		.owner = graph->owner
	};

	if (graph->version == HITL_DRAFT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("graph \"%s\" is not compiled", graph->name),
				 errdetail("It has a draft only, which cannot be run."),
				 errhint("SELECT hitl.compile(%s);", quote_literal_cstr(graph->name))));
	return thread_make(&like, inputs, n);
}

/* Why a thread stops that has taken too many super-steps. */
static HitlError *
recursion_error(const HitlGraphVersion *graph)
{
	HitlError  *error = palloc0(sizeof(HitlError));

	error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
	error->message = psprintf("graph \"%s\" has not ended after %d super-steps", graph->name, graph->recursion_limit);
	error->detail = pstrdup("That is its recursion limit.");
	error->hint = pstrdup("SELECT hitl.retry(thread_id); lets it go on for as many more.");
	return error;
}

/*
 * Begin a new turn of a thread, with more input: START, in a step of its own,
 * with the state as it is and no join half done.  The caller holds the thread
 * and writes it back.
 */
void
thread_begin_turn(HitlThread *thread, Jsonb *input)
{
	HitlTarget *start = palloc0(sizeof(HitlTarget));
	HitlTask	turn = {.thread_id = thread->thread_id, .node = (char *) HITL_START};

	start->node = pstrdup(HITL_START);
	thread->step++;
	thread->turn_step = thread->step;
	thread->status = HITL_THREAD_RUNNING;
	memset(&thread->counts, 0, sizeof(thread->counts));
	thread->counts.ready = 1;
	thread_insert_tasks(thread, HITL_TASK_UPDATE, &thread->thread_id, 1, list_make1(start), &input, NULL, clock_now());
	turn.step = thread->step;
	audit_task(&turn, "began", NULL);
}

/*
 * The inputs that wait for the end of a thread will not be taken: say why.  The
 * caller holds the thread and writes it back.
 */
void
thread_drop_inputs(HitlThread *thread, const char *reason)
{
	JsonBuilder b;

	if (thread->n_inputs == 0)
		return;
	store_input_delete(thread->thread_id);
	json_begin(&b);
	json_add_int64(&b, "inputs", thread->n_inputs);
	json_add_string(&b, "reason", reason);
	audit_thread(thread->thread_id, "dropped", json_end(&b));
	thread->n_inputs = 0;
}

/*
 * The step is complete: reducers, checkpoint, and what comes next.  The caller
 * holds the thread's row.  fires_deferred: see node_reduce().
 */
void
thread_end_step(HitlThread *thread, bool fires_deferred)
{
	const HitlGraphVersion *graph = graph_get(thread->graph_id, thread->version);
	List	   *documents = NIL;
	List	   *all = store_task_list(thread->thread_id, thread->step, &documents);
	List	   *tasks = NIL;
	Jsonb	   *state = checkpoint_state(thread->thread_id, thread->checkpoint);
	/* a turn begins with no join half done */
	Jsonb	   *joins = graph->n_joins > 0 && thread->step != thread->turn_step
		? store_checkpoint_joins(thread->thread_id, thread->checkpoint) : NULL;
	Jsonb	   *changes;
	List	   *next;
	List	   *stops;
	TimestampTz now = clock_now();
	ListCell   *cell;

	foreach(cell, all)
	{
		HitlTask   *task = lfirst(cell);

		/* what was given up for an update has no say */
		if (task->status != HITL_TASK_DONE)
			continue;
		task->targets = targets_parse(list_nth(documents, foreach_current_index(cell)));
		tasks = lappend(tasks, task);
	}
	changes = node_reduce(graph, thread, state, tasks, fires_deferred);
	next = frontier_next(graph, tasks, &joins);
	stops = breakpoint_after(graph, tasks, next);
	if (stops != NIL)
		next = stops;

	checkpoint_append(thread, state, changes, graph->n_joins > 0 ? joins : NULL,
					  next != NIL ? thread->step + 1 : HITL_NO_STEP);

	if (next == NIL && thread->n_inputs > 0)
	{
		thread->n_inputs--;
		thread_begin_turn(thread, store_input_take(thread->thread_id));
	}
	else if (next == NIL)
		thread->status = HITL_THREAD_DONE;
	else
	{
		/* the step that took the input in does not count; a stop goes nowhere */
		int			n_steps = thread->step - thread->turn_step;
		bool		is_too_far = stops == NIL && n_steps > 0 && n_steps % graph->recursion_limit == 0;

		thread->status = is_too_far ? HITL_THREAD_FAILED : HITL_THREAD_RUNNING;
		thread->step++;
		thread->counts.ready = is_too_far ? 0 : list_length(next);
		thread->counts.failed = is_too_far ? list_length(next) : 0;
		thread_insert_tasks(thread, stops != NIL ? HITL_TASK_BREAKPOINT : HITL_TASK_NODE, &thread->thread_id, 1, next, NULL,
							is_too_far ? recursion_error(graph) : NULL, now);
		if (is_too_far)
		{
			audit_step(thread, "failed", ERRCODE_PROGRAM_LIMIT_EXCEEDED);
			thread_drop_inputs(thread, "failed");
		}
	}
	store_thread_move(thread, now);
	if (thread->status == HITL_THREAD_DONE)
	{
		audit_thread(thread->thread_id, "done", NULL);
		/* its parent takes the result: one commit with the end, and no lock */
		if (thread->parent_id != 0)
		{
			store_queue_insert(thread->owner, clock_real(), thread->parent_id, thread->parent_step, thread->parent_task_id);
			wake_note_work(thread->owner);
		}
	}
	if (thread->status != HITL_THREAD_RUNNING)
		event_note(HITL_EVENT_ENDED, thread->thread_id, 0, thread->owner);
}

/*
 * A task of the current step has ended or parked: bring the thread up to date.
 * The caller holds the thread's row and has written the task, which moved so.
 */
void
thread_settle(HitlThread *thread, HitlTaskStatus from, HitlTaskStatus to, bool fires_deferred)
{
	lifecycle_count_move(&thread->counts, from, to);
	if (lifecycle_step_is_complete(&thread->counts))
		thread_end_step(thread, fires_deferred);
	else
	{
		HitlThreadStatus status = lifecycle_thread_status(&thread->counts);

		Assert(lifecycle_thread_may_move(thread->status, status));
		if (status == HITL_THREAD_FAILED && thread->status != status)
			event_note(HITL_EVENT_ENDED, thread->thread_id, 0, thread->owner);
		if (status == HITL_THREAD_FAILED)
			thread_drop_inputs(thread, "failed");
		thread->status = status;
		store_thread_move(thread, clock_now());
	}
	/* its row may be as it was, and a queue row less makes it settled */
	wake_note_thread(thread->root_id);
}

static void
refuse_cancel(const HitlThread *thread)
{
	if (thread->parent_id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("thread %lld is a subgraph's and cannot be cancelled alone", (long long) thread->thread_id),
				 errdetail("Node \"%s\" of thread %lld waits for it.", (char *) llast(thread->frame), (long long) thread->parent_id),
				 errhint("SELECT hitl.cancel(%lld); cancels the whole.", (long long) thread->root_id)));
	if (frame_is_open_for(thread->thread_id))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("a node cannot cancel its own thread"),
				 errdetail("A node of thread %lld is running in this session; its effects and the cancelling would undo each other.",
						   (long long) thread->thread_id),
				 errhint("Return an update that leads to END, or raise an error.")));
}

/* End one thread, which is locked, as its questions are. */
static void
cancel_one(HitlThread *thread, const char *reason, TimestampTz now)
{
	HitlIds		self = {.n = 1, .ids = &thread->thread_id};
	ListCell   *cell;

	foreach(cell, store_interrupt_pending(&self, HITL_LOCK_SKIP))
	{
		HitlInterrupt *interrupt = lfirst(cell);

		store_interrupt_settle(interrupt->interrupt_id, HITL_INTERRUPT_CANCELLED, NULL,
							   audit_person(), now);
	}
	store_task_cancel_thread(thread->thread_id, now);
	store_queue_delete_thread(thread->thread_id);
	store_thread_cancel(thread->thread_id, audit_person(), reason, now);
	audit_thread(thread->thread_id, "cancelled", NULL);
	thread_drop_inputs(thread, "cancelled");
	wake_note_cancel(thread->thread_id);
	event_note(HITL_EVENT_ENDED, thread->thread_id, 0, thread->owner);
}

/* End all that lives below a thread, of which the caller holds the tree. */
void
thread_cancel_below(const HitlThread *thread, const char *reason)
{
	HitlIds		tree = tree_live(thread);
	TimestampTz now = clock_now();

	for (int i = 1; i < tree.n; i++)
		cancel_one(store_thread_find(tree.ids[i]), reason, now);
}

/*
 * Cancel a thread and all below it.  Waits for votes that are not committed,
 * never for a node: a task that an executor has claimed is left to it, and it
 * is signalled: at the commit, or at once where it runs reducers and so holds the
 * thread's row.
 */
HitlThreadStatus
thread_cancel(int64 thread_id, const char *reason)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_OPERATE);
	List	   *threads;
	ListCell   *cell;
	TimestampTz now;

	refuse_cancel(thread);
	threads = tree_lock_to_end(thread_id);
	thread = linitial(threads);
	now = clock_now();
	if (thread->status == HITL_THREAD_CANCELLED)
		return thread->status;
	if (thread->status == HITL_THREAD_DONE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld cannot be cancelled", (long long) thread_id),
				 errdetail("It is done."),
				 errhint("SELECT * FROM hitl.timeline WHERE thread_id = %lld;", (long long) thread_id)));
	foreach(cell, threads)
		cancel_one(lfirst(cell), reason, now);
	wake_note_thread(thread_id);
	return HITL_THREAD_CANCELLED;
}

/*
 * Queue the failed tasks of a thread's step again; returns how many.  sqlstate:
 * only those that failed with it, or NULL.  The caller holds the thread.
 */
int
thread_requeue_failed(HitlThread *thread, const char *sqlstate)
{
	List	   *tasks = store_task_retry(thread->thread_id, thread->step, sqlstate);
	TimestampTz now = clock_now();
	ListCell   *cell;

	if (tasks == NIL)
		return 0;
	foreach(cell, tasks)
	{
		HitlTask   *task = lfirst(cell);

		store_queue_insert(thread->owner, clock_real(), thread->thread_id, task->step, task->task_id);
		audit_task(task, "retried", NULL);
		lifecycle_count_move(&thread->counts, HITL_TASK_FAILED, HITL_TASK_READY);
	}
	thread->status = HITL_THREAD_RUNNING;
	store_thread_move(thread, now);
	wake_note_work(thread->owner);
	return list_length(tasks);
}

/* Run the failed tasks of a thread and of those below it again; returns how many. */
int
thread_retry(int64 thread_id)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_OPERATE);
	int			n_tasks = 0;
	ListCell   *cell;
	List	   *threads = tree_lock(thread_id, false);

	thread = linitial(threads);
	foreach(cell, threads)
	{
		HitlThread *locked = lfirst(cell);

		if (!lifecycle_thread_has_ended(locked->status) && locked->counts.failed > 0)
			n_tasks += thread_requeue_failed(locked, NULL);
	}
	if (n_tasks == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld has nothing to retry", (long long) thread_id),
				 errdetail(lifecycle_thread_has_ended(thread->status)
						   ? "It is %s." : "It is %s, and no task of its current step has failed.",
						   name_thread_status(tree_status(thread))),
				 errhint("SELECT * FROM hitl.why(%lld);", (long long) thread_id)));
	return n_tasks;
}
