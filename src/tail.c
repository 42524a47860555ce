/*
 * tail.c
 *    Record what came of the run of a task: the short tail, in which alone the
 *    thread is locked.
 *
 * Write the task, delete the queue row, count the siblings, go over the
 * barrier if it was the last.  The queue row and the task's row are locked by
 * the caller (claim.c), whose transaction commits all of it or none.
 *
 * Layer 3.  Lock order: interrupts, then the thread.
 */
#include "postgres.h"

#include "audit.h"
#include "child.h"
#include "clock.h"
#include "compat.h"
#include "event.h"
#include "frontier.h"
#include "interrupt.h"
#include "json.h"
#include "lifecycle.h"
#include "opening.h"
#include "session.h"
#include "slot.h"
#include "step.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "tail.h"
#include "thread.h"
#include "utils/timestamp.h"
#include "wake.h"

/* how long a process of ours waits for a thread's row */
#define THREAD_LOCK_TIMEOUT "1s"

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

/* automatic: may be NULL */
static Jsonb *
child_detail(const HitlTask *task, Jsonb *automatic)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "child_id", task->child_id);
	return automatic != NULL ? json_merge(automatic, json_end(&b)) : json_end(&b);
}

/* The task's queue row again, due later; the caller has deleted this one. */
void
tail_requeue(const HitlQueueEntry *entry, int64 delay_ms)
{
	TimestampTz due_at = TimestampTzPlusMilliseconds(clock_real(), delay_ms);

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
				audit_task(task, "executed", opening_record_automatic(thread, task, run));
			break;
		case HITL_OUTCOME_WAITING:
			task->status = HITL_TASK_WAITING;
			task->update = run->update;
			audit_task(task, "waiting", child_detail(task, opening_record_automatic(thread, task, run)));
			break;
		case HITL_OUTCOME_PAUSED:
			task->status = HITL_TASK_INTERRUPTED;
			task->has_asked = true;
			interrupt_id = opening_interrupt(thread, task, run->question);
			if (run->is_parked)
			{
				/* what this phase did stays, and is not done again */
				(void) opening_record_automatic(thread, task, run);
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
				tail_requeue(entry, lifecycle_retry_delay_ms(&run->node->retry, task->failures, compat_random()));
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
			tail_requeue(entry, lifecycle_conflict_delay_ms(run->outcome == HITL_OUTCOME_RETRY ? task->conflicts : 4));
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
bool
tail_is_stale(const HitlThread *thread, int step)
{
	return lifecycle_thread_has_ended(thread->status) || thread->step != step;
}

/* The tail: lock the thread, write, go over the barrier. */
HitlClaim
tail_record(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run)
{
	HitlThread *thread;
	HitlTaskStatus from;

	/* the task stays as it is: nothing for the barrier, and no lock */
	if (run->outcome == HITL_OUTCOME_RETRY || run->outcome == HITL_OUTCOME_PUT_BACK)
	{
		record_task(entry, NULL, task, run);
		return HITL_CLAIM_RECORDED;
	}

	/* nobody sees the child before its task waits for it */
	if (run->outcome == HITL_OUTCOME_WAITING)
		task->child_id = child_start(run->thread, task, run->node->subgraph, run->child_input);

	/* interrupts before the thread: the order of everybody */
	if (run->outcome == HITL_OUTCOME_PAUSED && run->question->supersedes != 0)
		interrupt_supersede(run->interrupts, run->question->supersedes);

	thread = lock_thread(entry->thread_id);
	if (tail_is_stale(thread, entry->step))
		return HITL_CLAIM_VOID;
	if (run->outcome == HITL_OUTCOME_STEP)
	{
		/* the queue row stays, whatever happens to us: the node runs again */
		step_record(task, run);
		wake_note_work(entry->owner);
		return HITL_CLAIM_RECORDED;
	}
	from = task->status;
	record_task(entry, thread, task, run);
	thread_settle(thread, from, task->status, run->fires_deferred);
	return HITL_CLAIM_RECORDED;
}

/* The same for a run that is lost already: no observer can undo that too. */
HitlClaim
tail_record_final(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run)
{
	bool		was_final = event_set_final(true);
	volatile HitlClaim claim = HITL_CLAIM_VOID;

	PG_TRY();
	{
		claim = tail_record(entry, task, run);
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
tail_record_failure(const HitlThread *thread, HitlTask *task, const HitlError *error)
{
	HitlQueueEntry entry = {
		.owner = thread->owner, .thread_id = task->thread_id, .step = task->step, .task_id = task->task_id
	};
	HitlRun		run = {.outcome = HITL_OUTCOME_FAILED, .error = *error};

	return tail_record_final(&entry, task, &run) == HITL_CLAIM_RECORDED;
}
