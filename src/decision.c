/*
 * decision.c
 *    Record what reviewers say, and settle an interrupt when that is enough.
 *
 * The interrupt's row is the lock: whoever holds it may count votes.  A vote
 * touches no thread and no task; the answer and the job to run the node on
 * are one commit (P6).  An id answers once (P4): whoever comes later is told
 * who decided what, and when.
 *
 * Without a policy one vote of anybody who may decide is enough.
 *
 * Layer 3.  Lock order: interrupt, then (resume only) the thread.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "clock.h"
#include "crash.h"
#include "decision.h"
#include "errors.h"
#include "event.h"
#include "executor.h"
#include "identity.h"
#include "json.h"
#include "names.h"
#include "pending.h"
#include "rights.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "thread.h"
#include "tree.h"
#include "view.h"
#include "wake.h"

/* votes that settle an interrupt which has no policy */
#define VOTES_NEEDED 1

static HitlVerdict
verdict(const HitlInterrupt *interrupt)
{
	HitlVerdict result = {
		.thread_id = interrupt->thread_id,
		.status = interrupt->status,
		.votes = VOTES_NEEDED,
		.needed = VOTES_NEEDED
	};

	return result;
}

/* Is this the same answer again, under the same key, of the same voter? */
static bool
is_repeat(const HitlInterrupt *interrupt, const HitlAnswer *answer, const char *idempotency_key)
{
	Jsonb	   *given;

	if (idempotency_key == NULL)
		return false;
	given = store_vote_find(interrupt->interrupt_id, identity_actor()->person, idempotency_key);
	return given != NULL && json_equal(given, answer_document(answer));
}

/* Write the vote, the decision and the job that resumes the node. */
static void
settle(HitlInterrupt *interrupt, const HitlAnswer *answer, const char *comment, const char *idempotency_key)
{
	TimestampTz now = clock_now();
	const HitlActor *actor = identity_actor();
	HitlVote	vote = {
		.interrupt_id = interrupt->interrupt_id,
		.revision = interrupt->revision,
		.voter = actor->person,
		.login = actor->login,
		.role = actor->role,
		.is_asserted = actor->is_asserted,
		.type = answer->type,
		.answer = answer_document(answer),
		.comment = comment,
		.idempotency_key = idempotency_key,
		.voted_at = now
	};
	JsonBuilder detail;

	store_vote_insert(&vote);
	store_interrupt_settle(interrupt->interrupt_id, HITL_INTERRUPT_DECIDED,
						   answer_decision(answer, &interrupt->question, vote.voter, now), vote.voter, now);
	store_queue_insert(interrupt->owner, now, interrupt->thread_id, interrupt->step, interrupt->task_id);

	json_begin(&detail);
	json_add_string(&detail, "type", name_decision_type(answer->type));
	audit_interrupt(interrupt, "decided", json_end(&detail));

	interrupt->status = HITL_INTERRUPT_DECIDED;
	wake_note_work(interrupt->owner);
	event_note(HITL_EVENT_DECIDED, interrupt->thread_id, interrupt->interrupt_id, interrupt->owner);
}

/*
 * Answer an interrupt.  comment and idempotency_key may be NULL.
 */
HitlVerdict
decision_record(int64 interrupt_id, const HitlAnswer *answer,
				const char *comment, const char *idempotency_key)
{
	HitlInterrupt *interrupt = pending_get(interrupt_id);

	/* the right before the lock: who may not vote must not hold up who may */
	rights_require_voter(interrupt);

	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
	{
		if (is_repeat(interrupt, answer, idempotency_key))
			return verdict(interrupt);
		pending_error_settled(interrupt);
	}
	answer_check(answer, &interrupt->question, interrupt_id);
	settle(interrupt, answer, comment, idempotency_key);
	return verdict(interrupt);
}

/*
 * hitl.resume(): answer the one pending interrupt of a thread or below it, and
 * run all of its tree on in this transaction, if the session is its owner's.
 */
Jsonb *
decision_resume(int64 thread_id, const HitlAnswer *answer)
{
	HitlThread *thread = thread_require(thread_id);
	HitlIds		tree;
	List	   *pending;

	if (IsolationUsesXactSnapshot() && !thread->is_ours)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot run thread %lld in this transaction", (long long) thread_id),
				 errdetail("Above READ COMMITTED a thread can only be run by the transaction that started it."),
				 errhint("Use hitl.decide(), or a transaction at READ COMMITTED.")));

	tree = tree_live(thread);
	pending = store_interrupt_pending(&tree, HITL_LOCK_NONE);
	if (pending == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld waits for no decision", (long long) thread_id),
				 errdetail("It is %s.", name_thread_status(tree_status(thread))),
				 errhint("SELECT * FROM hitl.why(%lld);", (long long) thread_id)));
	if (list_length(pending) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("thread %lld waits for more than one decision", (long long) thread_id),
				 errdetail("It waits for %d.", list_length(pending)),
				 errhint("SELECT * FROM hitl.pending WHERE %s = %lld;  -- and decide() each",
						 tree.n > 1 ? "root_id" : "thread_id", (long long) (tree.n > 1 ? thread->root_id : thread_id))));

	(void) decision_record(((HitlInterrupt *) linitial(pending))->interrupt_id, answer, NULL, NULL);
	/* else it is queued, for an executor or its owner */
	if (rights_may_run_here(thread->owner))
	{
		crash_collect_here(&tree);
		executor_run_tree(thread->root_id);
	}
	return view_document(thread_id);
}
