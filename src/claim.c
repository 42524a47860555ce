/*
 * claim.c
 *    Claim one task and run its node.
 *
 * The claim is two row locks that a crash releases: the queue row, then the
 * task's row; both skip what others hold.  Then the node runs; then comes the
 * short tail (tail.c).
 *
 * What is found when the claim is there decides, not the queue row: a task
 * that has ended, or still waits for an answer, loses its row and nothing
 * runs.  A task that another executor runs gets its row back a moment later:
 * the row may stand for an answer that the other run has not seen.
 *
 * Layer 3.  Memory: a run lives in the caller's context.
 */
#include "postgres.h"

#include "access/xact.h"
#include "breakpoint.h"
#include "checkpoint.h"
#include "child.h"
#include "claim.h"
#include "clock.h"
#include "expiry.h"
#include "frontier.h"
#include "graph.h"
#include "interrupt.h"
#include "lifecycle.h"
#include "marks.h"
#include "miscadmin.h"
#include "node.h"
#include "slot.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_step.h"
#include "store_task.h"
#include "store_thread.h"
#include "subxact.h"
#include "wake.h"

/* how long a row waits whose task another executor is running */
#define BUSY_DELAY_MS 20

/* how long one waits whose task or thread is not there: it may be restored yet */
#define MISSING_DELAY_MS 5000

/* how long one waits whose reducers were cancelled by who ends the thread */
#define GIVE_WAY_MS 1000

/* Nothing to run: remove the row, and end the task that its thread has left. */
static void
drop_claim(const HitlQueueEntry *entry, const HitlThread *thread, HitlTask *task)
{
	if (task != NULL && tail_is_stale(thread, task->step) &&
		lifecycle_task_may_move(task->status, HITL_TASK_CANCELLED))
	{
		task->status = HITL_TASK_CANCELLED;
		store_task_move(task, NULL, NULL, clock_now());
	}
	store_queue_delete(entry);
	wake_note_thread(thread->root_id);
}

/*
 * From here on, should this process end, it was the task.  A node within a node
 * runs a thread that would be gone with it: the outer one is to blame.
 */
static void
begin_mark(const HitlThread *thread, const HitlTask *task)
{
	HitlMark	mark = {
		.dboid = MyDatabaseId,
		.owner = thread->owner,
		.thread_id = task->thread_id,
		.task_id = task->task_id,
		.step = task->step,
		.version = task->version,
		.since = clock_real()
	};

	if (frame_is_open())
		return;
	/* a task that this transaction has made would be gone too */
	if (TransactionIdIsCurrentTransactionId(task->version))
		marks_begin_again(task->thread_id);
	else
		marks_begin(&mark);
}

void
claim_end_mark(void)
{
	if (!frame_is_open())
		marks_end();
}

/* a look whether a thread's row is free */
typedef struct Probe
{
	int64		thread_id;
	bool		is_free;
} Probe;

/* The lock goes with the subtransaction: author's code never runs under it. */
static bool
probe_thread(void *arg)
{
	Probe	   *probe = arg;

	probe->is_free = store_thread_try_lock(probe->thread_id);
	return false;
}

/*
 * Would the tail of this run have to wait for somebody who holds the thread, as
 * it had before?  To run the node again and again for that would call the outside
 * world each time.
 */
static bool
is_held(const HitlTask *task)
{
	Probe		probe = {.thread_id = task->thread_id};
	ErrorData  *error;

	if (task->conflicts == 0 || slot_mine() == NULL)
		return false;
	error = subxact_run(probe_thread, &probe);
	if (error != NULL)
		ReThrowError(error);
	return !probe.is_free;
}

/* Run what a queue row stands for.  The row is locked by us. */
HitlClaim
claim_run(const HitlQueueEntry *entry, bool fires_deferred)
{
	bool		is_there;
	HitlTask   *task = store_task_claim(entry->thread_id, entry->step, entry->task_id, &is_there);
	HitlThread *thread;
	HitlThread *child = NULL;
	HitlRun		run = {0};

	if (task == NULL && is_there)
	{
		store_queue_delete(entry);
		tail_requeue(entry, BUSY_DELAY_MS);
		return HITL_CLAIM_RECORDED;
	}
	thread = store_thread_find(entry->thread_id);
	if (task == NULL || thread == NULL)
	{
		store_queue_delete(entry);
		tail_requeue(entry, MISSING_DELAY_MS);
		return HITL_CLAIM_RECORDED;
	}
	if (tail_is_stale(thread, task->step) ||
		!lifecycle_task_may_run(task->status))
	{
		drop_claim(entry, thread, task);
		return HITL_CLAIM_RECORDED;
	}
	if (is_held(task))
	{
		store_queue_delete(entry);
		tail_requeue(entry, lifecycle_conflict_delay_ms(task->conflicts));
		return HITL_CLAIM_RECORDED;
	}
	if (task->child_id != 0)
	{
		child = store_thread_find(task->child_id);
		if (child == NULL)
			elog(ERROR, "hitl has lost thread %lld", (long long) task->child_id);
		if (child->status != HITL_THREAD_DONE)
		{
			drop_claim(entry, thread, NULL);
			return HITL_CLAIM_RECORDED;
		}
	}
	if (task->has_asked)
		run.interrupts = store_interrupt_of_task(entry->thread_id, entry->task_id);
	if (task->has_steps)
		run.steps = store_step_of_task(entry->thread_id, entry->task_id);
	if (task->status == HITL_TASK_INTERRUPTED && interrupt_is_any_pending(run.interrupts))
	{
		drop_claim(entry, thread, NULL);
		return HITL_CLAIM_RECORDED;
	}

	run.graph = graph_get(thread->graph_id, thread->version);
	run.node = frontier_find_node(run.graph, task->node);
	if (run.node == NULL && task->kind == HITL_TASK_NODE)
		elog(ERROR, "hitl has lost node \"%s\" of graph %lld", task->node, (long long) thread->graph_id);
	run.task = task;
	run.thread = thread;
	if (child != NULL)
		run.output = child_output(child, run.node->subgraph);
	run.state = checkpoint_state(thread->thread_id, thread->checkpoint);
	run.fires_deferred = fires_deferred;

	if (!expiry_stops(&run) && !breakpoint_stops(&run))
	{
		begin_mark(thread, task);
		node_run(&run);
	}
	if (run.outcome == HITL_OUTCOME_STOPPED)
		return HITL_CLAIM_VOID;
	return tail_record(entry, task, &run);
}
/*
 * The run of a claim was lost to an error outside the node: at the commit, or
 * in the bookkeeping (such as two nodes that wrote one channel).  Record it as
 * if the node had failed with it; outcome: how.
 *
 * If the row is not ours any more, somebody else runs the task or has run it.
 */
void
claim_record_lost(const HitlQueueEntry *entry, const ErrorData *error, HitlOutcome outcome)
{
	bool		is_there;
	HitlTask   *task;
	HitlThread *thread;
	HitlRun		run = {.outcome = outcome, .error = frame_copy_error(error)};

	if (!store_queue_reclaim(entry))
		return;
	task = store_task_claim(entry->thread_id, entry->step, entry->task_id, &is_there);
	if (task == NULL || !lifecycle_task_may_run(task->status))
		return;
	thread = store_thread_find(entry->thread_id);
	if (thread == NULL || tail_is_stale(thread, entry->step))
		return;
	(void) tail_record_final(entry, task, &run);
}

/*
 * Somebody who is to end the thread wanted its row and got our reducers
 * cancelled: run the task later, or we might have the row again before he wakes.
 */
void
claim_give_way(const HitlQueueEntry *entry)
{
	if (!store_queue_reclaim(entry))
		return;
	store_queue_delete(entry);
	tail_requeue(entry, GIVE_WAY_MS);
}

/* What an error outside the node means for the task. */
HitlOutcome
claim_outcome_of(const ErrorData *error)
{
	switch (lifecycle_error_verdict(error->sqlerrcode))
	{
		case HITL_ERROR_RETRY:
			return HITL_OUTCOME_RETRY;
		case HITL_ERROR_PUT_BACK:
			return HITL_OUTCOME_PUT_BACK;
		case HITL_ERROR_FAIL:
			break;
	}
	return HITL_OUTCOME_FAILED;
}
