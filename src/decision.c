/*
 * decision.c
 *    Record what reviewers say, and settle an interrupt when that is enough.
 *
 * The interrupt's row is the lock: whoever holds it may count votes, and what
 * changes them writes it, so that nobody counts at a snapshot without them.  A
 * vote touches no thread and no task; the answer and the job to run the node
 * on are one commit (P6).  An id answers once (P4): whoever comes later is told
 * who decided what, and when.
 *
 * How many votes are enough is the policy's to say (ballot.c, quorum.c); without
 * one, one vote of anybody who may decide is.
 *
 * Layer 3.  Lock order: interrupt, then (resume only) the thread.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "ballot.h"
#include "clock.h"
#include "content.h"
#include "crash.h"
#include "deadline.h"
#include "decision.h"
#include "desk.h"
#include "edit.h"
#include "errors.h"
#include "event.h"
#include "executor.h"
#include "identity.h"
#include "json.h"
#include "names.h"
#include "opening.h"
#include "pending.h"
#include "rights.h"
#include "shape.h"
#include "store_draft.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_vote.h"
#include "thread.h"
#include "tree.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
#include "view.h"
#include "wake.h"

/* ------------------------------------------------------------------- the checks */

/*
 * Has the person said something under this key?  Then it is to be looked at
 * before his right, which he may have lost since.
 */
bool
decision_is_keyed(int64 interrupt_id, const char *idempotency_key)
{
	return idempotency_key != NULL &&
		store_vote_find(interrupt_id, identity_actor()->person, idempotency_key) != NULL;
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
			 errhint("SELECT hitl.show(%lld); then decide it with seen => '%d'.", (long long) interrupt->interrupt_id, interrupt->revision)));
}

/*
 * What you saw is what you signed (P5).  seen: a content hash, or the number of
 * a revision; NULL: nothing was said.  read_revision: what it was before we had
 * its lock.
 *
 * An approval of what somebody has proposed has to say which proposal it means:
 * who approves the question as asked may not know that there is one.
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

/*
 * When its time is over a question is closed, where its policy says what becomes
 * of it then, also if nobody has looked yet: an answer given afterwards must not
 * depend on when somebody does.
 */
static void
check_time(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	TimestampTz now = clock_now();
	TimestampTz put_off_until;
	char	   *was_over_at;

	if (policy == NULL || policy->on_expiry == HITL_EXPIRY_STAY ||
		TIMESTAMP_NOT_FINITE(interrupt->expires_at) || now < interrupt->expires_at)
		return;
	put_off_until = deadline_put_off_until(interrupt, now);
	was_over_at = pstrdup(timestamptz_to_str(interrupt->expires_at));
	ereport(ERROR,
			(errcode(ERRCODE_HITL_SETTLED),
			 errmsg("interrupt %lld takes no answer any more", (long long) interrupt->interrupt_id),
			 put_off_until == DT_NOBEGIN
			 ? errdetail("Its time was over at %s; what its policy \"%s\" says of that, nobody has done yet.", was_over_at, policy->name)
			 : errdetail("Its time was over at %s; what its policy \"%s\" says of that could not be done, and is tried again at %s.",
						 was_over_at, policy->name, timestamptz_to_str(put_off_until)),
			 put_off_until == DT_NOBEGIN
			 ? errhint("SELECT hitl.tick();  -- or, for more time, hitl.set_deadline(); the graph's owner or an operator")
			 : errhint("The server's log says why.  SELECT hitl.set_deadline(%lld, expires_at => ...);  -- gives people more time meanwhile; the graph's owner or an operator",
					   (long long) interrupt->interrupt_id)));
}

static bool
is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/*
 * A reject has a reason of its own; with the others the comment is the reason.
 * Of a batch every action that wants one.  policy, comment: may be NULL.
 */
void
decision_check_reason(const HitlInterrupt *interrupt, const HitlPolicy *policy, const HitlAnswer *answer, const char *comment)
{
	long long	id = interrupt->interrupt_id;
	bool		is_reject = answer->type == HITL_DECISION_REJECT;
	ListCell   *cell;

	if (policy == NULL)
		return;
	foreach(cell, answer->decisions)
		decision_check_reason(interrupt, policy, lfirst(cell), comment);
	if (answer->decisions != NIL || !(policy->needs_reason & HITL_DECISION_BIT(answer->type)) ||
		!is_blank(is_reject ? answer->reason : comment))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a decision of type \"%s\" needs a reason here", name_decision_type(answer->type)),
			 errdetail("Policy \"%s\" of interrupt %lld wants one.", policy->name, id),
			 is_reject ? errhint("SELECT hitl.reject(%lld, 'why'); of a batch each reject has its \"reason\".", id)
			 : errhint("SELECT hitl.decide(%lld, ..., comment => 'why');", id)));
}

/* ------------------------------------------------------------------- settling */

/*
 * Settle an interrupt, whose row the caller has locked: write the decision and
 * the job that resumes the node, in one commit (P6).  status: decided, or
 * expired if nobody was there to decide it; by: the person, or who else.
 *
 * Nobody waits for the answer to a question whose first answer was acted on
 * (reopen.c): that is recorded and told, and no more.
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
	if (question_actions(&interrupt->question) != NIL)
		store_draft_drop(interrupt->interrupt_id);
	if (!interrupt->is_review)
	{
		store_queue_insert(interrupt->owner, clock_real(), interrupt->thread_id, interrupt->step, interrupt->task_id);
		wake_note_work(interrupt->owner);
	}

	json_begin(&detail);
	json_add_string(&detail, "type", json_get_string(decision, "type"));
	audit_interrupt(interrupt, name_interrupt_status(status), json_end(&detail));
	event_note(HITL_EVENT_DECIDED, interrupt->thread_id, interrupt->interrupt_id, interrupt->owner);
}

/* From now on votes are for this answer; NULL: for the question as asked. */
static void
revise(HitlInterrupt *interrupt, Jsonb *proposal, const char *proposed_by)
{
	interrupt->revision++;
	interrupt->proposal = proposal;
	interrupt->proposed_by = (char *) proposed_by;
	interrupt->content_hash = content_hash(&interrupt->question, proposal);
	store_interrupt_revise(interrupt);
	event_note(HITL_EVENT_EDITED, interrupt->thread_id, interrupt->interrupt_id, interrupt->owner);
}

static void
audit_vote(const HitlInterrupt *interrupt, const char *event, HitlDecisionType type, const HitlTally *tally)
{
	JsonBuilder detail;

	json_begin(&detail);
	json_add_string(&detail, "type", name_decision_type(type));
	json_add_int64(&detail, "revision", interrupt->revision);
	json_add_int64(&detail, "votes", tally->votes);
	json_add_int64(&detail, "needed", tally->needed);
	audit_interrupt(interrupt, event, json_end(&detail));
}

/* The votes are enough for this verdict: make the decision of them. */
static void
decide(HitlInterrupt *interrupt, List *votes, int revision, const HitlVote *last, HitlTallyVerdict verdict)
{
	HitlAnswer	approve = {.type = HITL_DECISION_APPROVE};
	const HitlAnswer *answer = &approve;
	const char *by = NULL;
	List	   *voters = NIL;
	Jsonb	   *decision;
	ListCell   *cell;

	foreach(cell, quorum_standing(votes, revision))
	{
		const HitlVote *vote = lfirst(cell);

		if ((vote->type == HITL_DECISION_REJECT) != (verdict == HITL_TALLY_REJECTED))
			continue;
		voters = lappend(voters, (void *) vote->voter);
		if (by == NULL || strcmp(by, last->voter) != 0)
			by = vote->voter;
		/* the reason is that of the vote that was the last straw */
		if (vote->type == HITL_DECISION_REJECT || (interrupt->proposal == NULL && vote->type != HITL_DECISION_APPROVE))
			answer = answer_parse(vote->answer);
	}
	if (verdict == HITL_TALLY_PASSED && interrupt->proposal != NULL)
		answer = answer_parse(interrupt->proposal);
	Assert(by != NULL);
	decision = answer_decision(answer, &interrupt->question, by, clock_now());
	if (list_length(voters) > 1)
		decision = json_set(decision, "voters", json_string_list(voters));
	decision_settle(interrupt, HITL_INTERRUPT_DECIDED, decision, by);
}

static HitlVerdict
verdict_of(const HitlInterrupt *interrupt, const HitlTally *tally)
{
	HitlVerdict result = {
		.thread_id = interrupt->thread_id,
		.status = interrupt->status,
		.votes = tally->votes,
		.needed = tally->needed
	};

	return result;
}

/* ------------------------------------------------------------------- the votes */

/*
 * Record a vote, which may be taken, and settle the interrupt if that is enough.
 *
 * An edit, a response or a batch of both is another answer than what others have voted on.  If
 * it is enough alone, and nobody has said anything yet, it is just that; else
 * it is a proposal, and a revision of its own: earlier votes were for something
 * else, and do not count for it.
 */
static HitlVerdict
cast_vote(HitlInterrupt *interrupt, const HitlPolicy *policy, HitlVote *vote)
{
	bool		is_proposal = ballot_is_proposal(vote);
	/* without a policy the first vote decides: there are none before it */
	List	   *votes = lappend(policy != NULL ? store_votes(interrupt->interrupt_id) : NIL, vote);
	const char *proposed_by = is_proposal ? vote->voter : interrupt->proposed_by;
	HitlTally	tally;

	vote->revision = interrupt->revision + (is_proposal ? 1 : 0);
	tally = ballot_tally(interrupt, policy, votes, vote->revision, proposed_by);
	if (is_proposal && tally.verdict == HITL_TALLY_PASSED && list_length(votes) == 1)
		vote->revision = interrupt->revision;
	else if (is_proposal)
		revise(interrupt, vote->answer, vote->voter);
	store_vote_insert(vote);

	if (is_proposal && vote->revision > 1)
		audit_vote(interrupt, "edited", vote->type, &tally);
	else if (tally.verdict == HITL_TALLY_WAIT)
		audit_vote(interrupt, "voted", vote->type, &tally);
	if (tally.verdict != HITL_TALLY_WAIT)
		decide(interrupt, votes, vote->revision, vote, tally.verdict);
	else
	{
		store_interrupt_touch(interrupt->interrupt_id);
		desk_end_claim(interrupt, vote->voter);
	}
	return verdict_of(interrupt, &tally);
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
	const HitlPolicy *policy = ballot_policy(interrupt);
	int			read_revision = interrupt->revision;
	HitlVote	vote = {
		.interrupt_id = interrupt_id,
		.voter = actor->person,
		.voter_role = get_role_oid(actor->person, true),
		.login = actor->login,
		.role = actor->role,
		.is_asserted = actor->is_asserted,
		.type = answer->type,
		.answer = answer_document(answer),
		.comment = comment,
		.idempotency_key = idempotency_key
	};

	/* the right before the lock: who may not vote must not hold up who may */
	if (!decision_is_keyed(interrupt_id, idempotency_key))
		(void) rights_require_voter(interrupt, policy);

	interrupt = pending_lock(interrupt_id);
	if (is_repeat(interrupt, actor, answer, idempotency_key))
	{
		HitlTally	tally = ballot_count(interrupt);

		return verdict_of(interrupt, &tally);
	}
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);

	/* and again: who may decide it is written under this lock */
	vote.on_behalf_of = rights_require_voter(interrupt, policy);
	vote.seat_role = vote.on_behalf_of != NULL ? get_role_oid(vote.on_behalf_of, true) : InvalidOid;
	check_time(interrupt, policy);
	check_seen(interrupt, answer, seen, read_revision);
	answer_check(answer, &interrupt->question, interrupt_id);
	decision_check_reason(interrupt, policy, answer, comment);
	ballot_require_duties(interrupt, policy, actor->person, vote.on_behalf_of);
	if (policy != NULL && policy->needs_claim)
		desk_require_claim(interrupt, actor->person);
	edit_check(policy, interrupt, answer);
	opening_check_edit(interrupt, answer);

	vote.groups = ballot_groups(policy, actor, vote.on_behalf_of);
	vote.voted_at = clock_now();
	return cast_vote(interrupt, policy, &vote);
}

/*
 * hitl.withdraw(): a person takes the own vote back, while nothing is decided.
 * Who has lost the right to decide since may do that too.  With the vote for a
 * proposal of one's own the proposal goes, and the question is as asked again.
 */
HitlVerdict
decision_withdraw(int64 interrupt_id, const char *comment)
{
	const HitlActor *actor = identity_actor();
	HitlInterrupt *interrupt;
	HitlVote   *mine = NULL;
	HitlVote	vote = {0};
	HitlTally	tally;
	ListCell   *cell;

	rights_require_person("withdraw votes");
	interrupt = pending_get(interrupt_id);
	rights_require_withdrawal(interrupt, ballot_policy(interrupt));
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	foreach(cell, store_votes(interrupt_id))
	{
		HitlVote   *other = lfirst(cell);

		if (strcmp(other->voter, actor->person) == 0 && other->revision == interrupt->revision)
			mine = other;
	}
	if (mine == NULL || mine->is_withdrawal)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("you have no vote on interrupt %lld", (long long) interrupt_id),
				 errdetail("Nothing that \"%s\" has said counts for its revision %d.", actor->person, interrupt->revision),
				 errhint("SELECT * FROM hitl.inbox; shows what you may decide.")));

	vote = *mine;
	vote.vote_id = 0;
	vote.login = actor->login;
	vote.role = actor->role;
	vote.is_asserted = actor->is_asserted;
	vote.is_withdrawal = true;
	vote.comment = comment;
	vote.idempotency_key = NULL;
	vote.voted_at = clock_now();
	store_vote_insert(&vote);
	if (interrupt->proposal != NULL && ballot_is_proposal(mine))
		revise(interrupt, NULL, NULL);
	else
		store_interrupt_touch(interrupt_id);
	tally = ballot_count(interrupt);
	audit_vote(interrupt, "withdrawn", vote.type, &tally);
	return verdict_of(interrupt, &tally);
}

/* Where an interrupt stands, to somebody who has not voted on it. */
HitlVerdict
decision_standing(int64 interrupt_id)
{
	HitlInterrupt *interrupt = pending_get(interrupt_id);
	HitlTally	tally = ballot_count(interrupt);

	return verdict_of(interrupt, &tally);
}

/*
 * hitl.resume(): answer the one pending interrupt of a thread or below it, and
 * run all of its tree on in this transaction, if the session is its owner's.
 */
Jsonb *
decision_resume(int64 thread_id, Jsonb *given)
{
	HitlAnswer *answer;
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

	answer = shape_parse(given, linitial(pending));
	if (answer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("thread %lld cannot be resumed without an answer", (long long) thread_id),
				 errdetail("What was given puts the question back and answers nothing."),
				 errhint("Use hitl.decide(), or answer it.")));
	(void) decision_record(((HitlInterrupt *) linitial(pending))->interrupt_id, answer, answer->note, NULL, NULL);
	/* else it is queued, for an executor or its owner */
	if (rights_may_run_here(thread->owner))
	{
		crash_collect_here(&tree);
		executor_run_tree(thread->root_id);
	}
	return view_document(thread_id);
}
