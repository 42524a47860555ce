/*
 * desk.c
 *    The desk of a reviewer: hold a question, hand it on, put it aside.
 *
 * A claim says who works on a question, so that two do not; it lapses by
 * itself, for whoever asks later compares its end with the clock.  An
 * assignment is a claim for somebody else, until it is released.  Both count
 * while the holder may decide (rights_is_held).  Neither gives
 * or takes a right: only a policy that wants a claim (claim_required) refuses
 * the votes of others.  A delegation does give one: the right of the delegator,
 * to be used in the delegator's place, so that both together are one vote.
 *
 * All of it is done by a person who may decide (who owns or operates the graph
 * also releases and assigns, and who may see a question comments on it), under
 * the lock of the interrupt's row, as votes are; so a claim and a decision never
 * cross.
 *
 * Layer 3.  Lock order: interrupts only; claim_next waits for none.
 */
#include "postgres.h"

#include "audit.h"
#include "ballot.h"
#include "clock.h"
#include "deadline.h"
#include "desk.h"
#include "errors.h"
#include "graph.h"
#include "guc.h"
#include "identity.h"
#include "inbox.h"
#include "json.h"
#include "ladder.h"
#include "outbox.h"
#include "pending.h"
#include "reader.h"
#include "rights.h"
#include "show.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ------------------------------------------------------------------ claims */

/* Has somebody claimed it, who may have lost the right to decide since? */
static bool
is_claimed(const HitlInterrupt *interrupt, TimestampTz now)
{
	return interrupt->claimed_by != NULL && interrupt->claimed_until > now;
}

static bool
is_held(const HitlInterrupt *interrupt, TimestampTz now)
{
	return is_claimed(interrupt, now) && rights_is_held(interrupt, ballot_policy(interrupt), now);
}

/* The person, where it is no other's, either may decide it or gives it back. */
static bool
is_held_by(const HitlInterrupt *interrupt, const char *person, TimestampTz now)
{
	return is_claimed(interrupt, now) && strcmp(interrupt->claimed_by, person) == 0;
}

/* The one message for a question that is in other hands. */
static void
error_held(const HitlInterrupt *interrupt)
{
	long long	id = interrupt->interrupt_id;

	ereport(ERROR,
			(errcode(ERRCODE_HITL_CLAIMED),
			 errmsg("interrupt %lld is claimed by somebody else", id),
			 TIMESTAMP_IS_NOEND(interrupt->claimed_until)
			 ? errdetail("It was assigned to \"%s\".", interrupt->claimed_by)
			 : errdetail("\"%s\" holds it until %s.", interrupt->claimed_by, timestamptz_to_str(interrupt->claimed_until)),
			 errhint("SELECT hitl.claim_next(); gives you another one. Who holds it, and an operator, can SELECT hitl.release(%lld);", id)));
}

/* Does the current user look after the graph: its owner, an operator? */
static bool
is_steward(const HitlInterrupt *interrupt)
{
	return rights_may_access(HITL_ACCESS_OPERATE, interrupt->owner, interrupt->graph_id);
}

/*
 * Find it, check the right of the session's person to decide it, and lock it:
 * the right before the lock, so that who may not does not hold up who may.  Of
 * what is settled, who might have is told so.
 */
static HitlInterrupt *
lock_to_decide(int64 interrupt_id, const char *what)
{
	HitlInterrupt *interrupt;

	rights_require_person(what);
	interrupt = pending_get(interrupt_id);
	(void) rights_require_voter(interrupt, ballot_policy(interrupt));
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	return interrupt;
}

/* The same for what a steward may do too, who need not have a right to decide. */
static HitlInterrupt *
lock_to_manage(int64 interrupt_id, const char *what)
{
	HitlInterrupt *interrupt;

	rights_require_person(what);
	if (!is_steward(pending_get(interrupt_id)))
		return lock_to_decide(interrupt_id, what);
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	return interrupt;
}

/* When a claim of that length lapses; an error if at once. */
static TimestampTz
end_of(const Interval *lease, TimestampTz now)
{
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
															  TimestampTzGetDatum(now), IntervalPGetDatum(lease)));

	if (end <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lease of a claim must be longer than nothing"),
				 errdetail("It would lapse at once."),
				 errhint("Leave it out, or say lease => '30 minutes'.")));
	return end;
}

/* Months and days count as 30 days and 24 hours. */
static int64
length_ms(const Interval *lease)
{
	return ((int64) lease->month * DAYS_PER_MONTH + lease->day) * (SECS_PER_DAY * INT64CONST(1000)) + lease->time / 1000;
}

/*
 * When a claim lapses that is made now: as the caller says, else (lease NULL)
 * the policy, else the setting.  Not later than hitl.max_claim_lease or the
 * policy lets it: where a claim is required it keeps everybody else out.
 */
static TimestampTz
lease_end(const HitlPolicy *policy, const Interval *lease, TimestampTz now)
{
	int64		claim_for_ms = policy != NULL ? policy->claim_for_ms : 0;
	int64		max_ms = Max(claim_for_ms, guc_max_claim_lease);

	if (guc_max_claim_lease == 0)
		max_ms = PG_INT64_MAX;
	if (lease == NULL)
		return ladder_after(now, claim_for_ms > 0 ? claim_for_ms : Min(guc_claim_lease, max_ms));
	if (length_ms(lease) > max_ms)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lease of a claim must not be longer than %s", reader_interval(max_ms)),
				 errdetail("hitl.max_claim_lease says so; only a policy (claim_for) lends for longer."),
				 errhint("Claim it again before it lapses, or have somebody assign it, which lasts until it is released.")));
	return end_of(lease, now);
}

/* Write a claim; the caller holds the row. */
static void
take(HitlInterrupt *interrupt, const char *person, TimestampTz until, const char *event)
{
	JsonBuilder detail;

	store_claim(interrupt->interrupt_id, person, until);
	interrupt->claimed_by = pstrdup(person);
	interrupt->claimed_until = until;
	json_begin(&detail);
	json_add_string(&detail, "person", person);
	json_add_time(&detail, "until", until);
	audit_interrupt(interrupt, event, json_end(&detail));
}

static void
give_back(HitlInterrupt *interrupt)
{
	JsonBuilder detail;

	json_begin(&detail);
	json_add_string(&detail, "person", interrupt->claimed_by);
	store_claim(interrupt->interrupt_id, NULL, DT_NOBEGIN);
	interrupt->claimed_by = NULL;
	deadline_resume(interrupt->interrupt_id);
	audit_interrupt(interrupt, "released", json_end(&detail));
}

/* Keep what was said with something that was done. */
static void
note_reason(const HitlInterrupt *interrupt, HitlCommentKind kind, const HitlActor *actor, const char *reason)
{
	if (reason != NULL)
		(void) store_comment_insert(interrupt->interrupt_id, kind, actor->person, actor->login, reason, clock_now());
}

/*
 * hitl.claim(): hold it.  Who holds it already holds it for longer, or for less
 * long; what was assigned stays so.  Returns until when.
 */
TimestampTz
desk_claim(int64 interrupt_id, const Interval *lease)
{
	HitlInterrupt *interrupt = lock_to_decide(interrupt_id, "claim interrupts");
	const HitlActor *actor = identity_actor();
	TimestampTz now = clock_now();
	const HitlPolicy *policy = ballot_policy(interrupt);
	TimestampTz until = lease_end(policy, lease, now);

	/* to hold what one may not decide would only keep it from the others */
	ballot_require_duties(interrupt, policy, actor->person, rights_require_voter(interrupt, policy));
	if (!is_held_by(interrupt, actor->person, now) && is_held(interrupt, now))
		error_held(interrupt);
	if (is_held_by(interrupt, actor->person, now) && TIMESTAMP_IS_NOEND(interrupt->claimed_until))
		until = interrupt->claimed_until;
	(void) store_snooze_delete(interrupt_id, actor->person);
	/* what waits, waits for the end that it had */
	if (is_claimed(interrupt, now) && until < interrupt->claimed_until)
		deadline_resume(interrupt_id);
	take(interrupt, actor->person, until, "claimed");
	return until;
}

/* Reviewers ask for a graph by its name, which needs no right. */
static int64
graph_id_of(const char *name)
{
	HitlGraph  *graph = store_graph_find(name);

	return (graph != NULL ? graph : graph_require(name))->graph_id;
}

/*
 * hitl.claim_next(): hold the first of my inbox that nobody holds.  What
 * somebody else has locked is passed over: who is first claims it.  graph and
 * role (of the audience) may be NULL.  Returns 0 when there is none.
 */
int64
desk_claim_next(const char *graph, const char *role, const Interval *lease)
{
	int64		graph_id = graph != NULL ? graph_id_of(graph) : 0;
	Oid			group = role != NULL ? identity_role(role) : InvalidOid;
	const HitlActor *actor = identity_actor();
	TimestampTz now = clock_now();
	HitlInbox  *inbox;
	const HitlInboxItem *item;

	rights_require_person("claim interrupts");
	if (lease != NULL)
		(void) end_of(lease, now);
	inbox = inbox_open(actor, group, true, HITL_SNAPSHOT_NEW);
	while ((item = inbox_next(inbox)) != NULL)
	{
		HitlInterrupt *interrupt;
		const HitlPolicy *policy;

		if (graph_id != 0 && item->graph_id != graph_id)
			continue;
		/* the inbox knows only of most that somebody holds; what is held is not locked */
		if (item->claimed_by != NULL && item->claimed_until > now)
		{
			interrupt = store_interrupt_find(item->interrupt_id);
			if (interrupt == NULL || is_held(interrupt, now))
				continue;
		}
		interrupt = store_interrupt_lock_free(item->interrupt_id);
		if (interrupt == NULL || interrupt->status != HITL_INTERRUPT_PENDING ||
			is_held(interrupt, now) || !inbox_admits(actor, interrupt))
			continue;
		policy = ballot_policy(interrupt);
		if (ballot_bars(interrupt, policy, actor->person, item->in_place_of) || rights_lends_word(interrupt, policy))
			continue;
		take(interrupt, actor->person, lease_end(policy, lease, now), "claimed");
		return interrupt->interrupt_id;
	}
	return 0;
}

/*
 * hitl.release(): nobody holds it any more.  By who holds it, who may have lost
 * the right to decide since, or by a steward.  Returns whether anybody did.
 */
bool
desk_release(int64 interrupt_id, const char *reason)
{
	const HitlActor *actor = identity_actor();
	HitlInterrupt *interrupt;
	TimestampTz now = clock_now();

	rights_require_person("release interrupts");
	interrupt = pending_get(interrupt_id);
	if (is_held_by(interrupt, actor->person, now) && !rights_lends_word(interrupt, ballot_policy(interrupt)))
		interrupt = pending_lock(interrupt_id);
	else
		interrupt = lock_to_manage(interrupt_id, "release interrupts");
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	if (!is_claimed(interrupt, now))
		return false;
	if (!is_held_by(interrupt, actor->person, now) && is_held(interrupt, now) && !is_steward(interrupt))
		error_held(interrupt);
	give_back(interrupt);
	note_reason(interrupt, HITL_COMMENT_RELEASED, actor, reason);
	return true;
}

/* Is a person in the audience of an interrupt, with a right of his own? */
static bool
is_in_audience(const HitlInterrupt *interrupt, Oid person)
{
	List	   *delegations = store_delegations(interrupt->interrupt_id);
	ListCell   *cell;

	foreach(cell, store_audience(interrupt->interrupt_id))
	{
		Oid			role = lfirst_oid(cell);
		bool		is_added = false;
		ListCell   *other;

		foreach(other, delegations)
			is_added |= ((HitlDelegation *) lfirst(other))->role == role && ((HitlDelegation *) lfirst(other))->is_added;
		if (has_privs_of_role(person, role) && !is_added)
			return true;
	}
	return false;
}

/*
 * hitl.assign(): a claim for somebody else who may decide it, until it is
 * released.  By who may decide it too, or a steward, who alone takes it out of
 * the hands of a third.
 */
void
desk_assign(int64 interrupt_id, const char *person, const char *reason)
{
	HitlInterrupt *interrupt = lock_to_manage(interrupt_id, "assign interrupts");
	const HitlActor *actor = identity_actor();
	TimestampTz now = clock_now();
	Oid			assignee = identity_person_role(person);

	if (!is_in_audience(interrupt, assignee) ||
		ballot_bars(interrupt, ballot_policy(interrupt), person, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("interrupt %lld cannot be assigned to \"%s\"", (long long) interrupt_id, person),
				 errdetail("That person may not decide it."),
				 errhint("SELECT hitl.delegate(%lld, '...'); lets somebody decide it in your place.", (long long) interrupt_id)));
	if (!is_held_by(interrupt, actor->person, now) && !is_held_by(interrupt, person, now) &&
		is_held(interrupt, now) && !is_steward(interrupt))
		error_held(interrupt);
	/* which would be a claim without an end */
	if (strcmp(person, actor->person) == 0 && !is_steward(interrupt))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody assigns an interrupt to oneself"),
				 errdetail("An assignment has no end; who takes something for himself claims it."),
				 errhint("SELECT hitl.claim(%lld);", (long long) interrupt_id)));
	(void) store_snooze_delete(interrupt_id, person);
	take(interrupt, person, DT_NOEND, "assigned");
	if (strcmp(person, actor->person) != 0)
		(void) outbox_note(interrupt_id, "assigned", list_make1((char *) person), psprintf("assigned %lld", (long long) now));
	note_reason(interrupt, HITL_COMMENT_ASSIGNED, actor, reason);
}

/* -------------------------------------------------------------- delegation */

/*
 * hitl.delegate(): members of a role may decide it in my place.  Whose right is
 * itself somebody else's does not hand it on.
 */
void
desk_delegate(int64 interrupt_id, const char *role, const char *reason)
{
	HitlInterrupt *interrupt = lock_to_decide(interrupt_id, "delegate interrupts");
	const HitlActor *actor = identity_actor();
	TimestampTz now = clock_now();
	Oid			delegate = identity_role(role);
	const HitlPolicy *policy = ballot_policy(interrupt);
	JsonBuilder detail;

	if (policy != NULL && !policy->may_delegate)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to delegate interrupt %lld", (long long) interrupt_id),
				 errdetail("Its policy \"%s\" wants everybody to decide in person.", policy->name),
				 errhint("SELECT hitl.dismiss(%lld); leaves it to the others.", (long long) interrupt_id)));
	if (!is_in_audience(interrupt, actor->member))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not delegate interrupt %lld", (long long) interrupt_id),
				 errdetail("You decide it in the place of somebody else."),
				 errhint("Only a right of one's own is handed on.")));
	if (strcmp(role, actor->person) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody delegates to oneself"),
				 errdetail("Both are \"%s\".", role),
				 errhint("Name somebody else, or a group.")));
	store_delegation_insert(interrupt_id, actor->person, delegate, now);
	if (is_held_by(interrupt, actor->person, now))
		give_back(interrupt);
	json_begin(&detail);
	json_add_string(&detail, "person", actor->person);
	json_add_string(&detail, "role", role);
	audit_interrupt(interrupt, "delegated", json_end(&detail));
	(void) outbox_note(interrupt_id, "delegated", list_make1((char *) role), psprintf("delegated %lld", (long long) now));
	note_reason(interrupt, HITL_COMMENT_DELEGATED, actor, reason);
}

/* -------------------------------------------------------- words, and aside */

/* hitl.comment(): returns the comment's id. */
int64
desk_comment(int64 interrupt_id, const char *text)
{
	HitlInterrupt *interrupt;
	const HitlActor *actor = identity_actor();
	int64		comment_id;
	JsonBuilder detail;

	rights_require_person("comment on interrupts");
	interrupt = pending_get(interrupt_id);
	show_require_reader(interrupt);
	rights_require_own_word(interrupt, ballot_policy(interrupt), "comment on interrupts");
	interrupt = pending_lock(interrupt_id);
	comment_id = store_comment_insert(interrupt_id, HITL_COMMENT, actor->person, actor->login, text, clock_now());
	json_begin(&detail);
	json_add_int64(&detail, "comment_id", comment_id);
	audit_interrupt(interrupt, "commented", json_end(&detail));
	return comment_id;
}

/*
 * hitl.snooze(): out of my inbox until then.  DT_NOBEGIN: back in it.
 */
void
desk_snooze(int64 interrupt_id, TimestampTz until)
{
	HitlInterrupt *interrupt = lock_to_decide(interrupt_id, "snooze interrupts");
	const HitlActor *actor = identity_actor();
	JsonBuilder detail;

	if (until == DT_NOBEGIN)
		(void) store_snooze_delete(interrupt_id, actor->person);
	else if (until <= clock_now())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an interrupt must be snoozed until a time that is to come"),
				 errdetail("It was to be %s.", timestamptz_to_str(until)),
				 errhint("SELECT hitl.snooze(%lld, now() + interval '2 hours');", (long long) interrupt_id)));
	else
		store_snooze_put(interrupt_id, actor->person, until);
	json_begin(&detail);
	if (until != DT_NOBEGIN)
		json_add_time(&detail, "until", until);
	audit_interrupt(interrupt, "snoozed", json_end(&detail));
}

/* hitl.dismiss(): mine no more, and no answer: it stays with the others. */
void
desk_dismiss(int64 interrupt_id, const char *reason)
{
	HitlInterrupt *interrupt = lock_to_decide(interrupt_id, "dismiss interrupts");
	const HitlActor *actor = identity_actor();

	if (is_held_by(interrupt, actor->person, clock_now()))
		give_back(interrupt);
	store_snooze_put(interrupt_id, actor->person, DT_NOEND);
	audit_interrupt(interrupt, "dismissed", NULL);
	note_reason(interrupt, HITL_COMMENT_DISMISSED, actor, reason);
}

/* --------------------------------------------------------------- for votes */

/* Where the policy wants a claim: does this person hold it? */
void
desk_require_claim(const HitlInterrupt *interrupt, const char *person)
{
	TimestampTz now = clock_now();

	if (is_held_by(interrupt, person, now))
		return;
	if (is_held(interrupt, now))
		error_held(interrupt);
	ereport(ERROR,
			(errcode(ERRCODE_HITL_CLAIMED),
			 errmsg("interrupt %lld must be claimed before it is decided", (long long) interrupt->interrupt_id),
			 errdetail("Its policy says so, and you do not hold it."),
			 errhint("SELECT hitl.claim(%lld);", (long long) interrupt->interrupt_id)));
}

/* A vote was given that settles nothing: the next voter can claim it. */
void
desk_end_claim(HitlInterrupt *interrupt, const char *person)
{
	if (is_held_by(interrupt, person, clock_now()))
		give_back(interrupt);
}
