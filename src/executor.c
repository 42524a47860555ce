/*
 * executor.c
 *    Claim one task, run its node, record what came of it: one commit.
 *
 * The claim is two row locks that a crash releases: the queue row, then the
 * task's row; both skip what others hold.  Then the node runs; then comes the
 * short tail, in which alone the thread is locked: write the task, delete the
 * queue row, count the siblings, go over the barrier if it was the last.
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
#include "audit.h"
#include "breakpoint.h"
#include "checkpoint.h"
#include "child.h"
#include "clock.h"
#include "db.h"
#include "event.h"
#include "executor.h"
#include "frontier.h"
#include "graph.h"
#include "interrupt.h"
#include "json.h"
#include "lifecycle.h"
#include "marks.h"
#include "miscadmin.h"
#include "node.h"
#include "session.h"
#include "slot.h"
#include "step.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_step.h"
#include "store_task.h"
#include "store_thread.h"
#include "subxact.h"
#include "thread.h"
#include "tree.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "wake.h"

/* how long a row waits whose task another executor is running */
#define BUSY_DELAY_MS 20

/* how long one waits whose task or thread is not there: it may be restored yet */
#define MISSING_DELAY_MS 5000

/* how long one waits whose reducers were cancelled by who ends the thread */
#define GIVE_WAY_MS 1000

/* how long a process of ours waits for a thread's row */
#define THREAD_LOCK_TIMEOUT "1s"

/* what came of a claim */
typedef enum Claim
{
	CLAIM_RECORDED,				/* all that is to be kept is written */
	CLAIM_VOID					/* undo this transaction: the thread was
								 * cancelled or given another step, or we
								 * were stopped */
} Claim;

/* ------------------------------------------------------------------- the tail */

static Jsonb *
error_detail(const HitlRun *run)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "sqlstate", unpack_sql_state(run->error.sqlerrcode));
	if (run->step != NULL)
		json_add_string(&b, "step", run->step->key);
	return json_end(&b);
}

static Jsonb *
child_detail(const HitlTask *task)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "child_id", task->child_id);
	return json_end(&b);
}

static void
requeue(const HitlQueueEntry *entry, int64 delay_ms)
{
	TimestampTz due_at = TimestampTzPlusMilliseconds(clock_now(), delay_ms);

	store_queue_insert(entry->owner, due_at, entry->thread_id, entry->step, entry->task_id);
	wake_note_due(due_at);
}

/*
 * Write the task as the run left it.  The thread is locked, unless the task is
 * put back: then it is NULL.
 */
static void
record_task(const HitlQueueEntry *entry, const HitlThread *thread, HitlTask *task, const HitlRun *run)
{
	const HitlError *error = NULL;
	Jsonb	   *targets = NULL;
	int64		interrupt_id;

	switch (run->outcome)
	{
		case HITL_OUTCOME_DONE:
			task->status = HITL_TASK_DONE;
			task->update = run->update;
			targets = targets_document(run->targets);
			task->is_diverted = run->is_diverted;
			task->saved = NULL;
			/* of a breakpoint's task that somebody decided says all */
			if (task->kind != HITL_TASK_BREAKPOINT)
				audit_task(task, "executed", NULL);
			break;
		case HITL_OUTCOME_WAITING:
			task->status = HITL_TASK_WAITING;
			task->update = run->update;
			audit_task(task, "waiting", child_detail(task));
			break;
		case HITL_OUTCOME_PAUSED:
			task->status = HITL_TASK_INTERRUPTED;
			task->has_asked = true;
			interrupt_id = interrupt_open(thread, task, run->question);
			if (run->is_parked)
			{
				task->phase = run->next_phase;
				task->saved = run->saved;
				task->phase_interrupt = interrupt_id;
			}
			break;
		case HITL_OUTCOME_FAILED:
			task->attempt++;
			task->failures++;
			if (run->node != NULL &&
				lifecycle_may_retry(&run->node->retry, task->failures, unpack_sql_state(run->error.sqlerrcode)))
			{
				requeue(entry, lifecycle_retry_delay_ms(&run->node->retry, task->failures, compat_random()));
				audit_task(task, "failed", error_detail(run));
				break;
			}
			task->status = HITL_TASK_FAILED;
			error = &run->error;
			audit_task(task, "failed", error_detail(run));
			/* ids and a code: the message may hold what nobody else may read */
			ereport(LOG,
					(errmsg("node \"%s\" of thread %lld failed with SQLSTATE %s",
							task->node, (long long) task->thread_id, unpack_sql_state(error->sqlerrcode)),
					 errhint("SELECT * FROM hitl.failed WHERE thread_id = %lld;", (long long) task->thread_id)));
			break;
		case HITL_OUTCOME_RETRY:
		case HITL_OUTCOME_PUT_BACK:
			/* the server's trouble is not the task's: a fixed second or two */
			requeue(entry, lifecycle_conflict_delay_ms(run->outcome == HITL_OUTCOME_RETRY ? task->conflicts : 4));
			task->conflicts++;
			audit_task(task, "put_back", error_detail(run));
			break;
		case HITL_OUTCOME_STEP:
		case HITL_OUTCOME_STOPPED:
			Assert(false);
			break;
	}
	store_task_move(task, targets, error, clock_now());
	store_queue_delete(entry);
}

/*
 * Lock the thread.  A user's transaction may hold it for as long as it likes
 * (resume, cancel): an executor does not wait for that, the task is put back.
 */
static HitlThread *
lock_thread(int64 thread_id)
{
	HitlThread *thread;
	int			level;

	if (slot_mine() == NULL)
		return store_thread_lock(thread_id);
	level = session_limit_lock(THREAD_LOCK_TIMEOUT);
	thread = store_thread_lock(thread_id);
	session_unlimit_lock(level);
	return thread;
}

/*
 * Has the thread gone on without this task?  It has ended, or it was given
 * another step while the task's node ran.
 */
static bool
is_stale(const HitlThread *thread, int step)
{
	return lifecycle_thread_has_ended(thread->status) || thread->step != step;
}

/* The short tail: lock the thread, write, go over the barrier. */
static Claim
record_run(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run)
{
	HitlThread *thread;
	HitlTaskStatus from;

	/* the task stays as it is: nothing for the barrier, and no lock */
	if (run->outcome == HITL_OUTCOME_RETRY || run->outcome == HITL_OUTCOME_PUT_BACK)
	{
		record_task(entry, NULL, task, run);
		return CLAIM_RECORDED;
	}

	/* nobody sees the child before its task waits for it */
	if (run->outcome == HITL_OUTCOME_WAITING)
		task->child_id = child_start(run->thread, task, run->node->subgraph, run->child_input);

	/* interrupts before the thread: the order of everybody */
	if (run->outcome == HITL_OUTCOME_PAUSED && run->question->supersedes != 0)
		interrupt_supersede(run->interrupts, run->question->supersedes);

	thread = lock_thread(entry->thread_id);
	if (is_stale(thread, entry->step))
		return CLAIM_VOID;
	if (run->outcome == HITL_OUTCOME_STEP)
	{
		/* the queue row stays, whatever happens to us: the node runs again */
		step_record(task, run);
		wake_note_work(entry->owner);
		return CLAIM_RECORDED;
	}
	from = task->status;
	record_task(entry, thread, task, run);
	thread_settle(thread, from, task->status, run->fires_deferred);
	return CLAIM_RECORDED;
}

/* The same for a run that is lost already: no observer can undo that too. */
static Claim
record_final(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run)
{
	bool		was_final = event_set_final(true);
	volatile Claim claim = CLAIM_VOID;

	PG_TRY();
	{
		claim = record_run(entry, task, run);
	}
	PG_FINALLY();
	{
		(void) event_set_final(was_final);
	}
	PG_END_TRY();
	return claim;
}

/*
 * A task that is not to be run: it fails of this error, whatever its node says
 * about retries.  The caller has claimed it.  False, and all to be undone, if
 * the thread has gone on without it.
 */
bool
executor_record_failure(const HitlThread *thread, HitlTask *task, const HitlError *error)
{
	HitlQueueEntry entry = {
		.owner = thread->owner, .thread_id = task->thread_id, .step = task->step, .task_id = task->task_id
	};
	HitlRun		run = {.outcome = HITL_OUTCOME_FAILED, .error = *error};

	return record_final(&entry, task, &run) == CLAIM_RECORDED;
}

/* ------------------------------------------------------------------ the claim */

/* Nothing to run: remove the row, and end the task that its thread has left. */
static void
drop_claim(const HitlQueueEntry *entry, const HitlThread *thread, HitlTask *task)
{
	if (task != NULL && is_stale(thread, task->step) &&
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
		.since = clock_now()
	};

	if (frame_is_open())
		return;
	/* a task that this transaction has made would be gone too */
	if (TransactionIdIsCurrentTransactionId(task->version))
		marks_begin_again(task->thread_id);
	else
		marks_begin(&mark);
}

static void
end_mark(void)
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

/*
 * Run what a queue row stands for.  The row is locked by us.
 */
static Claim
run_claimed(const HitlQueueEntry *entry, bool fires_deferred)
{
	bool		is_there;
	HitlTask   *task = store_task_claim(entry->thread_id, entry->step, entry->task_id, &is_there);
	HitlThread *thread;
	HitlThread *child = NULL;
	HitlRun		run = {0};

	if (task == NULL && is_there)
	{
		store_queue_delete(entry);
		requeue(entry, BUSY_DELAY_MS);
		return CLAIM_RECORDED;
	}
	thread = store_thread_find(entry->thread_id);
	if (task == NULL || thread == NULL)
	{
		store_queue_delete(entry);
		requeue(entry, MISSING_DELAY_MS);
		return CLAIM_RECORDED;
	}
	if (is_stale(thread, task->step) ||
		!lifecycle_task_may_run(task->status))
	{
		drop_claim(entry, thread, task);
		return CLAIM_RECORDED;
	}
	if (is_held(task))
	{
		store_queue_delete(entry);
		requeue(entry, lifecycle_conflict_delay_ms(task->conflicts));
		return CLAIM_RECORDED;
	}
	if (task->child_id != 0)
	{
		child = store_thread_find(task->child_id);
		if (child == NULL)
			elog(ERROR, "hitl has lost thread %lld", (long long) task->child_id);
		if (child->status != HITL_THREAD_DONE)
		{
			drop_claim(entry, thread, NULL);
			return CLAIM_RECORDED;
		}
	}
	if (task->has_asked)
		run.interrupts = store_interrupt_of_task(entry->thread_id, entry->task_id);
	if (task->has_steps)
		run.steps = store_step_of_task(entry->thread_id, entry->task_id);
	if (task->status == HITL_TASK_INTERRUPTED && interrupt_is_any_pending(run.interrupts))
	{
		drop_claim(entry, thread, NULL);
		return CLAIM_RECORDED;
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

	if (!breakpoint_stops(&run))
	{
		begin_mark(thread, task);
		node_run(&run);
	}
	if (run.outcome == HITL_OUTCOME_STOPPED)
		return CLAIM_VOID;
	return record_run(entry, task, &run);
}

/* --------------------------------------------------------- background executors */

/*
 * The run of a claim was lost to an error outside the node: at the commit, or
 * in the bookkeeping (such as two nodes that wrote one channel).  Record it as
 * if the node had failed with it; outcome: how.
 *
 * If the row is not ours any more, somebody else runs the task or has run it.
 */
static void
record_lost_run(const HitlQueueEntry *entry, const ErrorData *error, HitlOutcome outcome)
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
	if (thread == NULL || is_stale(thread, entry->step))
		return;
	(void) record_final(entry, task, &run);
}

/*
 * Somebody who is to end the thread wanted its row and got our reducers
 * cancelled: run the task later, or we might have the row again before he wakes.
 */
static void
give_way(const HitlQueueEntry *entry)
{
	if (!store_queue_reclaim(entry))
		return;
	store_queue_delete(entry);
	requeue(entry, GIVE_WAY_MS);
}

/* What an error outside the node means for the task. */
static HitlOutcome
outcome_of(const ErrorData *error)
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

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
}

/*
 * Claim one due task of an owner, run it and commit.  Returns false when
 * nothing was due.  The session is the owner's (see session.c).  An error that
 * leaves here is ours, not a node's.
 */
bool
executor_run_due(Oid owner)
{
	static MemoryContext context = NULL;
	static bool has_run = false;
	HitlQueueEntry entry;
	volatile bool is_claimed = false;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "hitl executor", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);

	PG_TRY();
	{
		begin_transaction();
		if (has_run)
			session_clean();
		has_run = false;
		is_claimed = store_queue_claim(owner, clock_now(), &entry);
		if (is_claimed)
		{
			Claim		claim;

			has_run = true;
			slot_busy(entry.thread_id, entry.task_id);
			claim = run_claimed(&entry, true);
			/* what was stopped or cancelled is looked at again, and dropped */
			if (claim == CLAIM_VOID)
				AbortCurrentTransaction();
			else
				CommitTransactionCommand();
			end_mark();
		}
		else
			CommitTransactionCommand();
	}
	PG_CATCH();
	{
		ErrorData  *error;
		bool		was_reducing;

		if (!is_claimed)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		end_mark();
		was_reducing = slot_set_reducing(false);
		if (frame_is_cancel(error))
		{
			/* a cancel that came after the node: the task is still queued */
			if (slot_cancel_aim(entry.thread_id) == HITL_CANCEL_THIS && was_reducing)
			{
				begin_transaction();
				give_way(&entry);
				CommitTransactionCommand();
			}
		}
		else
		{
			begin_transaction();
			record_lost_run(&entry, error, outcome_of(error));
			CommitTransactionCommand();
		}
	}
	PG_END_TRY();
	return is_claimed;
}

/* ------------------------------------------------------------------------ inline */

static void
refuse_stale(int64 thread_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("thread %lld was cancelled or steered while a node of it ran", (long long) thread_id),
			 errdetail("What the node did is rolled back with this transaction."),
			 errhint("SELECT * FROM hitl.threads WHERE thread_id = %lld;", (long long) thread_id)));
}

/* a run inline, and what came of it */
typedef struct InlineRun
{
	const HitlQueueEntry *entry;
	bool		commits;
	Claim		claim;
} InlineRun;

static bool
run_inline(void *arg)
{
	InlineRun  *run = arg;

	run->claim = run_claimed(run->entry, run->commits);
	return run->claim != CLAIM_VOID;
}

/*
 * Run what a queue row stands for, in a subtransaction of the caller's
 * transaction, so that an error of the bookkeeping (such as two nodes that
 * wrote one channel) is the task's and not the caller's.  commits: the caller
 * is a procedure that commits as it goes.
 */
static Claim
run_claimed_inline(const HitlQueueEntry *entry, bool commits)
{
	InlineRun	run = {.entry = entry, .commits = commits, .claim = CLAIM_RECORDED};
	ErrorData  *error = subxact_run(run_inline, &run);

	/* the caller's transaction may live long; the procedure's ends now */
	if (error != NULL || !commits)
		end_mark();
	if (error == NULL)
		return run.claim;
	if (frame_is_cancel(error) || IsolationUsesXactSnapshot())
	{
		/* the next call is not to begin with what this one was ended by */
		if (commits)
		{
			record_lost_run(entry, error, HITL_OUTCOME_RETRY);
			db_commit_procedure();
		}
		ReThrowError(error);
	}
	record_lost_run(entry, error, outcome_of(error));
	return run.claim;
}

/* Run what is due of one thread; false: nothing was. */
static bool
run_due_of(int64 thread_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hitl run", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	HitlQueueEntry entry;
	bool		has_run = false;

	while (store_queue_claim_thread(thread_id, clock_now(), &entry))
	{
		CHECK_FOR_INTERRUPTS();
		if (run_claimed_inline(&entry, false) == CLAIM_VOID)
			refuse_stale(thread_id);
		has_run = true;
		/* ten thousand tasks, each with a copy of the state */
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return has_run;
}

/*
 * Run a root and all below it on in the caller's transaction, until nothing of
 * them is due: they have ended, wait for people, failed, or were put back for
 * later.
 */
void
executor_run_tree(int64 root_id)
{
	HitlThread *root;
	bool		has_run;

	/* our own locks do not make us skip a row: this would run it twice */
	if (frame_is_open_for(root_id))
		return;
	(void) run_due_of(root_id);
	do
	{
		HitlIds		tree;
		HitlIds		due;

		has_run = false;
		root = store_thread_find(root_id);
		/* only what waits has something below it */
		if (root == NULL || root->counts.waiting == 0)
			return;
		tree = tree_live(root);
		due = store_queue_due_threads(&tree, clock_now());
		for (int i = 0; i < due.n; i++)
			has_run |= run_due_of(due.ids[i]);
	} while (has_run);
}

/*
 * Claim one due task of an owner and run it: run_pending().  Returns false
 * when nothing was due.  The session is the owner's.  commits: in a procedure
 * that may; then it does, and a commit that fails is the task's failure.
 */
bool
executor_run_due_inline(Oid owner, bool commits)
{
	HitlQueueEntry entry;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hitl run", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		found = store_queue_claim(owner, clock_now(), &entry);
	ErrorData  *error;

	if (found)
	{
		/* an executor may have skipped the row, and we may yet roll back */
		wake_note_work(owner);
		/* what was cancelled meanwhile is looked at again, and dropped */
		(void) run_claimed_inline(&entry, commits);
		error = commits ? db_try_commit_procedure() : NULL;
		end_mark();
		if (error != NULL)
		{
			record_lost_run(&entry, error, frame_is_cancel(error) ? HITL_OUTCOME_RETRY : outcome_of(error));
			db_commit_procedure();
			if (frame_is_cancel(error))
				ReThrowError(error);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return found;
}
