/*
 * reopen.c
 *    Look again at what was decided: a new round, linked to the old one.
 *
 * What was decided is contested, or was a mistake.  What can be done depends on
 * whether somebody has acted on it:
 *
 *   not yet: the task waits for its run, or the run has failed and left nothing.
 *      The old decision is superseded, a new question stands in its place, and
 *      the task waits for that.
 *   it was: the node's effects are there.  The new question is a review: its
 *      decision is recorded and told, and the thread is left alone.
 *
 * A task runs under the lock of its row, which executors take without waiting
 * and hold until their commit.  So we take it likewise: having it, nobody runs
 * the task until we have committed, and whoever claims it then finds the new
 * question; not having it, the node runs at this moment, and nobody can say yet
 * which of the two it is.
 *
 * Layer 3.  Lock order: the interrupt, then the thread; the task is not waited for.
 */
#include "postgres.h"

#include "audit.h"
#include "ballot.h"
#include "clock.h"
#include "errors.h"
#include "identity.h"
#include "json.h"
#include "lifecycle.h"
#include "opening.h"
#include "pending.h"
#include "reopen.h"
#include "rights.h"
#include "rulebook.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "wake.h"

/* Only what was decided, and once: the last round is the one to reopen. */
static void
require_decided(const HitlInterrupt *interrupt)
{
	int64		next;

	if (interrupt->status == HITL_INTERRUPT_PENDING)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("interrupt %lld is not decided yet", (long long) interrupt->interrupt_id),
				 errdetail("There is nothing to reopen."),
				 errhint("SELECT hitl.withdraw(%lld);  -- takes your vote back", (long long) interrupt->interrupt_id)));
	next = store_interrupt_reopened(interrupt);
	if (next != 0)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_SETTLED),
				 errmsg("interrupt %lld was reopened already", (long long) interrupt->interrupt_id),
				 errdetail("Interrupt %lld is the next round.", (long long) next),
				 errhint("SELECT hitl.reopen(%lld, '...');  -- once it is decided", (long long) next)));
	if (interrupt->status != HITL_INTERRUPT_DECIDED && interrupt->status != HITL_INTERRUPT_EXPIRED)
		pending_error_settled(interrupt);
}

/* The thread is locked, the task is ours: has its run acted on the answer, or will it never? */
static bool
was_acted_on(const HitlInterrupt *interrupt, const HitlThread *thread, const HitlTask *task)
{
	if (lifecycle_thread_has_ended(thread->status) || thread->step != task->step)
		return true;
	/* an earlier phase of a node in C has ended, with its effects */
	if (interrupt->interrupt_id < task->phase_interrupt)
		return true;
	switch (task->status)
	{
		case HITL_TASK_READY:
		case HITL_TASK_INTERRUPTED:
		case HITL_TASK_FAILED:
			return false;
		case HITL_TASK_DONE:
		case HITL_TASK_WAITING:
		case HITL_TASK_CANCELLED:
			break;
	}
	return true;
}

/* The task waits again, for the new question; both its row and the thread's are ours. */
static void
park_task(HitlThread *thread, HitlTask *task, int64 old_id, int64 new_id)
{
	HitlTaskStatus from = task->status;

	store_queue_delete_task(task->thread_id, task->task_id);
	task->status = HITL_TASK_INTERRUPTED;
	task->has_asked = true;
	if (task->phase_interrupt == old_id)
		task->phase_interrupt = new_id;
	store_task_move(task, NULL, NULL, clock_now());
	if (from == HITL_TASK_INTERRUPTED)
		return;
	lifecycle_count_move(&thread->counts, from, task->status);
	thread->status = lifecycle_thread_status(&thread->counts);
	store_thread_move(thread, clock_now());
}

static void
audit_reopened(const HitlInterrupt *old, int64 new_id, bool is_review)
{
	JsonBuilder detail;

	json_begin(&detail);
	json_add_int64(&detail, "reopened_as", new_id);
	json_add_bool(&detail, "is_review", is_review);
	audit_interrupt(old, "reopened", json_end(&detail));
}

/*
 * hitl.reopen(): returns the id of the new round.  It has the old one's content,
 * and the latest version of its policy.  Who may decide it may reopen it.
 */
int64
reopen_interrupt(int64 interrupt_id, const char *reason)
{
	const HitlActor *actor = identity_actor();
	HitlInterrupt *old = pending_get(interrupt_id);
	HitlQuestion question;
	HitlThread *thread;
	HitlTask   *task;
	bool		is_there;
	bool		is_review = true;
	int64		new_id;

	rights_require_person("reopen interrupts");
	(void) rights_require_voter(old, ballot_policy(old));
	old = pending_lock(interrupt_id);
	require_decided(old);

	thread = store_thread_lock(old->thread_id);
	task = store_task_claim(old->thread_id, old->step, old->task_id, &is_there);
	if (task == NULL && is_there)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("interrupt %lld cannot be reopened now", (long long) interrupt_id),
				 errdetail("Node \"%s\" of thread %lld runs at this moment, with its decision.", old->node, (long long) old->thread_id),
				 errhint("SELECT hitl.wait(%lld);  -- then again", (long long) old->thread_id)));
	if (thread == NULL || task == NULL)
		elog(ERROR, "hitl has lost the task of interrupt %lld", (long long) interrupt_id);
	if (!old->is_review)
		is_review = was_acted_on(old, thread, task);

	question = old->question;
	question.supersedes = 0;
	question.rule = old->rule;
	question.under = old->policy_id != 0 ? rulebook_policy_latest(old->policy_id) : NULL;
	new_id = opening_again(thread, task, &question, interrupt_id, is_review);
	if (!is_review)
	{
		store_interrupt_settle(interrupt_id, HITL_INTERRUPT_SUPERSEDED, old->decision, old->settled_by, old->settled_at);
		park_task(thread, task, interrupt_id, new_id);
	}
	else
		store_interrupt_touch(interrupt_id);
	(void) store_comment_insert(new_id, HITL_COMMENT_REOPENED, actor->person, actor->login, reason, clock_now());
	audit_reopened(old, new_id, is_review);
	wake_note_thread(thread->root_id);
	return new_id;
}
