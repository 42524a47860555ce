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
#include "content.h"
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
#include "store_vote.h"
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

/*
 * Is this the same answer again, under the same key, of the same person?  Then
 * nothing is done, whatever became of it since: somebody's program sends it
 * again because it has not heard that it was taken.
 */
static bool
is_repeat(const HitlInterrupt *interrupt, const HitlActor *actor, const HitlAnswer *answer, const char *idempotency_key)
{
	Jsonb	   *given;

	if (idempotency_key == NULL)
		return false;
	given = store_vote_find(interrupt->interrupt_id, actor->person, idempotency_key);
	return given != NULL && json_equal(given, answer_document(answer));
}

static void
error_stale(const HitlInterrupt *interrupt, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_STALE),
			 errmsg("interrupt %lld is not what was seen", (long long) interrupt->interrupt_id),
			 errdetail_internal("%s It is revision %d now, and its content hash is %s.",
								detail, interrupt->revision, interrupt->content_hash),
			 errhint("Look at it again; then decide it with seen => '%d'.", interrupt->revision)));
}

/*
 * What you saw is what you signed (P5).  seen: a content hash, or the number of
 * a revision; NULL: nothing was said.  read_revision: what it was before we had
 * its lock.
 *
 * An approval of what somebody else has proposed has to say which proposal it
 * means: who approves the question as asked may not know that there is one.
 */
static void
check_seen(const HitlInterrupt *interrupt, const HitlAnswer *answer, const char *seen, int read_revision)
{
	bool		is_hash = seen != NULL && strlen(seen) == HITL_HASH_CHARS && strspn(seen, "0123456789abcdef") == HITL_HASH_CHARS;
	bool		is_revision = seen != NULL && seen[0] != '\0' && strspn(seen, "0123456789") == strlen(seen) && strlen(seen) < 10;

	if (seen != NULL && !is_hash && !is_revision)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("seen must be a content hash or the number of a revision"),
				 errdetail("It is neither %d hexadecimal digits in lower case nor a number.", HITL_HASH_CHARS),
				 errhint("SELECT hitl.approve(%lld, seen => '%d');", (long long) interrupt->interrupt_id, interrupt->revision)));
	if (is_hash && strcmp(seen, interrupt->content_hash) != 0)
		error_stale(interrupt, "Another content hash was seen.");
	if (is_revision && atoi(seen) != interrupt->revision)
		error_stale(interrupt, psprintf("Revision %d was seen.", atoi(seen)));
	if (seen == NULL && interrupt->revision != read_revision)
		error_stale(interrupt, "It has changed while this decision waited for another one.");
	if (seen == NULL && interrupt->proposal != NULL && answer->type == HITL_DECISION_APPROVE)
		error_stale(interrupt, psprintf("An answer to it was proposed by \"%s\", and this approval does not say that it means that one.",
										interrupt->proposed_by));
}

static HitlVote
make_vote(const HitlInterrupt *interrupt, const HitlActor *actor, const HitlAnswer *answer, TimestampTz now)
{
	HitlVote	vote = {
		.interrupt_id = interrupt->interrupt_id,
		.revision = interrupt->revision,
		.voter = actor->person,
		.login = actor->login,
		.role = actor->role,
		.is_asserted = actor->is_asserted,
		.type = answer->type,
		.answer = answer_document(answer),
		.voted_at = now
	};

	return vote;
}

/*
 * Settle an interrupt, whose row the caller has locked: write the decision and
 * the job that resumes the node, in one commit (P6).  status: decided, or
 * expired if nobody was there to decide it; by: the person, or who else.
 */
void
decision_settle(HitlInterrupt *interrupt, HitlInterruptStatus status, Jsonb *decision, const char *by)
{
	TimestampTz now = clock_now();
	JsonBuilder detail;

	Assert(interrupt->status == HITL_INTERRUPT_PENDING);
	interrupt->status = status;
	interrupt->decision = decision;
	interrupt->settled_by = pstrdup(by);
	interrupt->settled_at = now;
	store_interrupt_settle(interrupt->interrupt_id, status, decision, by, now);
	store_queue_insert(interrupt->owner, clock_real(), interrupt->thread_id, interrupt->step, interrupt->task_id);

	json_begin(&detail);
	json_add_string(&detail, "type", json_get_string(decision, "type"));
	audit_interrupt(interrupt, name_interrupt_status(status), json_end(&detail));
	wake_note_work(interrupt->owner);
	event_note(HITL_EVENT_DECIDED, interrupt->thread_id, interrupt->interrupt_id, interrupt->owner);
}

/*
 * Answer an interrupt.  comment, idempotency_key and seen (what the person has
 * looked at: check_seen()) may be NULL.
 */
HitlVerdict
decision_record(int64 interrupt_id, const HitlAnswer *answer,
				const char *comment, const char *idempotency_key, const char *seen)
{
	const HitlActor *actor = identity_actor();
	HitlInterrupt *interrupt = pending_get(interrupt_id);
	TimestampTz now = clock_now();
	HitlVote	vote;
	int			read_revision;

	/* the right before the lock: who may not vote must not hold up who may */
	(void) rights_require_voter(interrupt, NULL);
	read_revision = interrupt->revision;

	interrupt = pending_lock(interrupt_id);
	if (is_repeat(interrupt, actor, answer, idempotency_key))
		return verdict(interrupt);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	check_seen(interrupt, answer, seen, read_revision);
	answer_check(answer, &interrupt->question, interrupt_id);

	vote = make_vote(interrupt, actor, answer, now);
	vote.comment = comment;
	vote.idempotency_key = idempotency_key;
	store_vote_insert(&vote);
	decision_settle(interrupt, HITL_INTERRUPT_DECIDED,
					answer_decision(answer, &interrupt->question, vote.voter, now), vote.voter);
	return verdict(interrupt);
}

/*
 * hitl.resume(): answer the one pending interrupt of a thread or below it, and
 * run all of its tree on in this transaction, if the session is its owner's.
 */
Jsonb *
decision_resume(int64 thread_id, const HitlAnswer *answer)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_READ);
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

	(void) decision_record(((HitlInterrupt *) linitial(pending))->interrupt_id, answer, NULL, NULL, NULL);
	/* else it is queued, for an executor or its owner */
	if (rights_may_run_here(thread->owner))
	{
		crash_collect_here(&tree);
		executor_run_tree(thread->root_id);
	}
	return view_document(thread_id);
}
