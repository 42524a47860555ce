/*
 * deadline.c
 *    By when an interrupt is to be decided: plan it, move it.
 *
 * All times are rows (store_timer.c), written in the commit that opens the
 * interrupt: so they survive a restart, a promotion and a restore, and whoever
 * looks first fires them (escalation.c).  The rows go when it is settled
 * (store_interrupt_settle()).
 *
 * A policy may count time by a function, which knows nights and holidays:
 * business_time(from timestamptz, wait interval) returns timestamptz.  It
 * belongs to a superuser or to hitl's owner, and it runs as the graph's owner,
 * restricted, because the dispatcher, who is a superuser, asks it too.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "deadline.h"
#include "errors.h"
#include "json.h"
#include "ladder.h"
#include "miscadmin.h"
#include "pending.h"
#include "rights.h"
#include "rulebook.h"
#include "store_interrupt.h"
#include "store_timer.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "wake.h"

/* in an interval, so that a function sees days as days */
#define MS_PER_DAY INT64CONST(86400000)

/* -------------------------------------------------------------- business time */

/*
 * So much after a time, as the policy counts; policy: may be NULL; owner: of the
 * graph.  A function that raises, or says what is no later time, is an error.
 */
TimestampTz
deadline_after(const HitlPolicy *policy, Oid owner, TimestampTz from, int64 wait_ms)
{
	Interval	wait = {.day = (int32) (wait_ms / MS_PER_DAY), .time = wait_ms % MS_PER_DAY * 1000};
	Oid			user;
	int			security;
	Datum		result;
	bool		is_null;

	if (policy == NULL || policy->business_time == NULL)
		return ladder_after(from, wait_ms);

	/* an abort puts both back */
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	result = rulebook_call(policy, HITL_POLICY_BUSINESS_TIME, TimestampTzGetDatum(from), IntervalPGetDatum(&wait), &is_null);
	PopActiveSnapshot();
	SetUserIdAndSecContext(user, security);

	if (is_null || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(result)) || DatumGetTimestampTz(result) <= from)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the business time of policy \"%s\" returned no later time", policy->name),
				 errdetail("%s returned NULL, infinity, or a time that is not after the one that it was given.", policy->business_time),
				 errhint("It must say when the wait is over.")));
	return DatumGetTimestampTz(result);
}

/* The same for ladder.c; arg: HitlDeadlineClock. */
TimestampTz
deadline_clock(void *arg, TimestampTz from, int64 wait_ms)
{
	const HitlDeadlineClock *clock = arg;

	return deadline_after(clock->policy, clock->owner, from, wait_ms);
}

/* -------------------------------------------------------------------- the plan */

/* The version of the policy that an interrupt opened with; NULL: it has none. */
const HitlPolicy *
deadline_policy(const HitlInterrupt *interrupt)
{
	return interrupt->policy_id != 0 ? rulebook_policy(interrupt->policy_id, interrupt->policy_version) : NULL;
}

/* Keep timers, and have somebody look when the first of them is due. */
static void
keep(List *timers)
{
	ListCell   *cell;

	store_timer_insert(timers);
	foreach(cell, timers)
		wake_note_due(clock_to_real(((HitlTimer *) lfirst(cell))->due_at));
}

/*
 * The steps of the ladder of a question that is about to be asked, as
 * HitlTimer: policy may be NULL; owner: of the graph.  It asks the policy's
 * business time, so ask it before the thread is locked.
 */
List *
deadline_steps(const HitlPolicy *policy, Oid owner, TimestampTz opened_at)
{
	HitlDeadlineClock clock = {.policy = policy, .owner = owner};

	return ladder_steps(policy, opened_at, deadline_clock, &clock);
}

/*
 * An interrupt opens, with its two deadlines in it: keep what is to be done.
 * policy: may be NULL; steps: those of deadline_steps().
 */
void
deadline_plan(const HitlInterrupt *interrupt, const HitlPolicy *policy, List *steps)
{
	ListCell   *cell;

	foreach(cell, steps)
		((HitlTimer *) lfirst(cell))->interrupt_id = interrupt->interrupt_id;
	keep(list_concat(ladder_deadlines(policy, interrupt), steps));
}

/*
 * A claim of an interrupt, which the caller holds, has ended before its time:
 * what waited for its end goes on.  One that lapses needs no call.
 */
void
deadline_resume(int64 interrupt_id)
{
	TimestampTz due_at;

	if (store_timer_resume(interrupt_id, &due_at))
		wake_note_due(clock_to_real(due_at));
}

/*
 * What is due of an interrupt and could not be fired is tried again then;
 * DT_NOBEGIN: there is no such thing.  A step that a claim holds up is none.
 */
TimestampTz
deadline_put_off_until(const HitlInterrupt *interrupt, TimestampTz now)
{
	int64		id = interrupt->interrupt_id;
	HitlIds		ids = {.ids = &id, .n = 1};
	bool		is_claimed = interrupt->claimed_by != NULL && interrupt->claimed_until > now;
	TimestampTz until = DT_NOBEGIN;
	ListCell   *cell;

	foreach(cell, store_timer_of(&ids, DT_NOEND))
	{
		const HitlTimer *timer = lfirst(cell);

		if (timer->planned_at <= now && timer->due_at > now && !(is_claimed && timer->kind == HITL_TIMER_STEP))
			until = Max(until, timer->due_at);
	}
	return until;
}

/* ------------------------------------------------------------------ moving them */

/* A time as it is given: DT_NOBEGIN (NULL) leaves it as it is, infinity takes it away. */
static TimestampTz
moved(TimestampTz from, TimestampTz to)
{
	if (to == DT_NOBEGIN)
		return from;
	return to == DT_NOEND ? DT_NOBEGIN : to;
}

/*
 * To bring forward a deadline that says yes would be to say yes, and who may
 * move deadlines need not be one who may decide.
 */
static void
refuse_to_decide(const HitlInterrupt *interrupt, const HitlPolicy *policy, TimestampTz expires_at)
{
	if (policy == NULL || expires_at == DT_NOBEGIN ||
		(policy->on_expiry != HITL_EXPIRY_APPROVE && policy->on_expiry != HITL_EXPIRY_RESPOND))
		return;
	if (interrupt->expires_at != DT_NOBEGIN && expires_at >= interrupt->expires_at)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_HITL_NOT_ALLOWED),
			 errmsg("interrupt %lld cannot be made to expire earlier", (long long) interrupt->interrupt_id),
			 errdetail("Its policy \"%s\" then answers in the place of a person.", policy->name),
			 errhint("Decide it, or move the time to a later one.")));
}

/* Timers at the new times, for those that have changed. */
static void
replan(HitlInterrupt *interrupt, const HitlPolicy *policy, TimestampTz due_at, TimestampTz expires_at)
{
	bool		has_new_due = due_at != interrupt->due_at;
	bool		has_new_expiry = expires_at != interrupt->expires_at;
	List	   *timers = NIL;
	ListCell   *cell;

	if (has_new_due)
		store_timer_delete_kind(interrupt->interrupt_id, HITL_TIMER_DUE);
	if (has_new_expiry)
	{
		store_timer_delete_kind(interrupt->interrupt_id, HITL_TIMER_WARN);
		store_timer_delete_kind(interrupt->interrupt_id, HITL_TIMER_EXPIRY);
	}
	interrupt->due_at = due_at;
	interrupt->expires_at = expires_at;
	foreach(cell, ladder_deadlines(policy, interrupt))
	{
		HitlTimer  *timer = lfirst(cell);

		if (timer->kind == HITL_TIMER_DUE ? !has_new_due : !has_new_expiry)
			continue;
		/* what has fired may fire again at its new time */
		timer->round = store_timer_rounds(interrupt->interrupt_id, timer->kind);
		timers = lappend(timers, timer);
	}
	keep(timers);
}

static void
audit_move(const HitlInterrupt *interrupt, TimestampTz due_at, TimestampTz expires_at, const char *reason)
{
	JsonBuilder b;

	json_begin(&b);
	if (due_at != DT_NOBEGIN)
		json_add_time(&b, "due_at", due_at);
	if (expires_at != DT_NOBEGIN)
		json_add_time(&b, "expires_at", expires_at);
	if (reason != NULL)
		json_add_string(&b, "reason", reason);
	audit_interrupt(interrupt, "deadline_moved", json_end(&b));
}

/*
 * hitl.set_deadline(): reason may be NULL; of the times DT_NOBEGIN leaves one as
 * it is, infinity takes it away.
 */
void
deadline_set(int64 interrupt_id, TimestampTz due_at, TimestampTz expires_at, const char *reason)
{
	HitlInterrupt *interrupt = pending_get(interrupt_id);
	const HitlPolicy *policy;

	/* the right before the lock, as for a vote */
	rights_require_person("move deadlines");
	if (!rights_may(HITL_RIGHT_OPERATOR, interrupt->owner, interrupt->graph_id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the deadlines of interrupt %lld", (long long) interrupt_id),
				 errdetail("Its graph belongs to role \"%s\".", rights_role_name(interrupt->owner)),
				 errhint("Act as the graph's owner, or as an operator.")));
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	due_at = moved(interrupt->due_at, due_at);
	expires_at = moved(interrupt->expires_at, expires_at);
	if (due_at != DT_NOBEGIN && expires_at != DT_NOBEGIN && due_at > expires_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an interrupt cannot be due after it has expired"),
				 errdetail("due_at would be %s and expires_at %s.",
						   pstrdup(timestamptz_to_str(due_at)), pstrdup(timestamptz_to_str(expires_at))),
				 errhint("Move both, or leave due_at out.")));
	policy = deadline_policy(interrupt);
	refuse_to_decide(interrupt, policy, expires_at);

	store_interrupt_set_deadline(interrupt_id, due_at, expires_at);
	replan(interrupt, policy, due_at, expires_at);
	audit_move(interrupt, due_at, expires_at, reason);
}
