/*
 * crash.c
 *    What a crash has left becomes counted crashes of tasks.
 *
 * Whoever is about to claim tasks looks first whether a mark was left (marks.h)
 * since it last looked: a task whose node ended its process is counted before
 * anybody can run it again.  It then waits a while, longer each time, and after
 * hitl.max_crashes its task fails: it is quarantined (IH008), and the others go
 * on.
 *
 * A mark names the version of the task's row that was claimed.  As long as that
 * is the row, the run has left nothing in the database and is not counted
 * either.  So a crash is counted once, whoever finds it and however often; the
 * mark itself is removed at leisure.
 *
 * Layer 3.  Locks: as every claim, the queue's rows and then the task, both by
 * SKIP LOCKED; the thread for a task that fails.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "clock.h"
#include "commands/extension.h"
#include "compat.h"
#include "crash.h"
#include "errors.h"
#include "guc.h"
#include "lifecycle.h"
#include "marks.h"
#include "miscadmin.h"
#include "rights.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "subxact.h"
#include "tail.h"
#include "tree.h"
#include "utils/timestamp.h"
#include "wake.h"

/* what became of a mark */
typedef enum Finding
{
	FINDING_COUNTED,			/* by this transaction */
	FINDING_VOID,				/* there is nothing to count any more */
	FINDING_HELD				/* others hold the rows: later */
} Finding;

/* how many marks had been left when this process had seen to all of them */
static uint32 n_seen = 0;

static HitlError *
quarantine_error(const HitlTask *task)
{
	HitlError  *error = palloc0(sizeof(HitlError));

	error->sqlerrcode = ERRCODE_HITL_QUARANTINED;
	error->message = psprintf("node \"%s\" is quarantined", task->node);
	error->detail = psprintf("Runs of it that ended the process in their middle: %d.", task->crashes);
	error->hint = psprintf("The server's log has the reason. SELECT hitl.retry(%lld); runs it again and counts anew.",
						   (long long) task->thread_id);
	return error;
}

/* Not at once again: it may take others with it. */
static void
put_off(const HitlThread *thread, const HitlTask *task)
{
	TimestampTz due_at = TimestampTzPlusMilliseconds(clock_real(), lifecycle_crash_delay_ms(task->crashes, compat_random()));

	store_task_move(task, NULL, NULL, due_at);
	store_queue_insert(thread->owner, due_at, task->thread_id, task->step, task->task_id);
	wake_note_due(due_at);
}

/* Count the run of a mark against its task, if it is still the same task. */
static Finding
examine(const HitlMark *mark)
{
	bool		is_there;
	bool		is_queued = store_queue_claim_task(mark->thread_id, mark->task_id);
	HitlTask   *task = store_task_claim(mark->thread_id, mark->step, mark->task_id, &is_there);
	HitlThread *thread;

	if (task == NULL)
		return is_there ? FINDING_HELD : FINDING_VOID;
	if (task->version != mark->version)
		/* counted by ourselves, and not committed yet? */
		return TransactionIdIsCurrentTransactionId(task->version) ? FINDING_HELD : FINDING_VOID;
	thread = store_thread_find(mark->thread_id);
	if (thread == NULL || lifecycle_thread_has_ended(thread->status) || thread->step != task->step ||
		!lifecycle_task_may_run(task->status))
		return FINDING_VOID;
	/* a resume() that crashed took the answer with it: people are asked again */
	if (!is_queued)
		return task->status == HITL_TASK_READY ? FINDING_HELD : FINDING_VOID;

	task->crashes++;
	audit_crash(task, mark->since);
	ereport(LOG,
			(errmsg("the process that ran node \"%s\" of thread %lld ended in the middle of it",
					task->node, (long long) task->thread_id),
			 errdetail("That was time %d; after %d the node is quarantined.", task->crashes, guc_max_crashes)));
	store_queue_delete_task(task->thread_id, task->task_id);
	if (task->crashes < guc_max_crashes)
		put_off(thread, task);
	else if (!tail_record_failure(thread, task, quarantine_error(task)))
		return FINDING_VOID;
	/* the mark is removed next, and nothing else says that there was a crash;
	 * a session may commit as lazily as it likes */
	ForceSyncCommit();
	return FINDING_COUNTED;
}

/* An error on the way: a conflict is one for later, any other is reported. */
static Finding
judge_error(const HitlMark *mark, const ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
		lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL)
		return FINDING_HELD;
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("could not count a crash of thread %lld", (long long) mark->thread_id),
			 errdetail_internal("%s", error->message)));
	return FINDING_VOID;
}

/* The same in a transaction of its own. */
static Finding
examine_alone(const HitlMark *mark)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Finding finding = FINDING_VOID;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (OidIsValid(get_extension_oid("hitl", true)))
			finding = examine(mark);
		if (finding == FINDING_COUNTED)
			CommitTransactionCommand();
		else
			AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		finding = judge_error(mark, error);
	}
	PG_END_TRY();
	return finding;
}

/* a mark that is examined, and what was found */
typedef struct Examination
{
	const HitlMark *mark;
	Finding		finding;
} Examination;

static bool
examine_one(void *arg)
{
	Examination *examination = arg;

	examination->finding = examine(examination->mark);
	return examination->finding == FINDING_COUNTED;
}

/* In a subtransaction of the session's. */
static Finding
examine_here(const HitlMark *mark)
{
	Examination examination = {.mark = mark, .finding = FINDING_VOID};
	ErrorData  *error = subxact_run(examine_one, &examination);

	if (error == NULL)
		return examination.finding;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return judge_error(mark, error);
}

/*
 * See to all marks that were left here, one transaction each.  An executor
 * sees to those of its role, and only to run what it runs: the dispatcher has
 * been there before.
 */
void
crash_collect(Oid owner)
{
	uint32		n_left = marks_count_left();
	bool		is_done = true;
	ListCell   *cell;

	if (likely(n_left == n_seen))
		return;
	foreach(cell, marks_left(MyDatabaseId))
	{
		const HitlMark *mark = lfirst(cell);

		if (OidIsValid(owner) && mark->owner != owner)
			continue;
		if (examine_alone(mark) == FINDING_HELD)
			is_done = false;
		else
			marks_remove(mark);
	}
	if (is_done)
		n_seen = n_left;
}

/*
 * The same in a session that is about to run nodes, for owners whose session it
 * is.  What this transaction counts may yet be rolled back: such a mark stays,
 * and whoever finds it next sees that it is counted.
 */
void
crash_collect_here(const HitlIds *threads)
{
	uint32		n_left = marks_count_left();
	bool		is_done = threads == NULL;
	ListCell   *cell;

	if (likely(n_left == n_seen))
		return;
	foreach(cell, marks_left(MyDatabaseId))
	{
		const HitlMark *mark = lfirst(cell);

		if ((threads != NULL && !tree_has(threads, mark->thread_id)) || !rights_may_run_here(mark->owner))
			continue;
		if (examine_here(mark) == FINDING_VOID)
			marks_remove(mark);
		else
			is_done = false;
	}
	if (is_done)
		n_seen = n_left;
}
