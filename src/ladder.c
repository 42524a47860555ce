/*
 * ladder.c
 *    Timers of an interrupt: when they are due, and what is to be done then.
 *
 * The steps of a ladder count from the opening; its first rounds are planned
 * then, a repeat when the round before it has fired.  So a step never makes up
 * for what it missed: after a night without a server it fires once, late, and
 * goes on from there.  Claims aside, what fires, and in which order, does not
 * depend on when somebody looks; only how late does.
 *
 * A step for what nobody has claimed waits while somebody holds the interrupt,
 * and goes on when that lapses (PagerDuty: an acknowledgement pauses the
 * escalation, its timeout resumes it).  Warnings and deadlines do not wait.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "ladder.h"
#include "utils/timestamp.h"

/* By the calendar; beyond its end it is never. */
TimestampTz
ladder_after(TimestampTz from, int64 wait_ms)
{
	if (TIMESTAMP_NOT_FINITE(from) || wait_ms >= (END_TIMESTAMP - from) / 1000)
		return DT_NOEND;
	return TimestampTzPlusMilliseconds(from, wait_ms);
}

static TimestampTz
count_on(LadderClock after, void *arg, TimestampTz from, int64 wait_ms)
{
	return after != NULL ? after(arg, from, wait_ms) : ladder_after(from, wait_ms);
}

static HitlTimer *
make_timer(const HitlInterrupt *interrupt, HitlTimerKind kind, int step, TimestampTz at)
{
	HitlTimer  *timer = palloc0(sizeof(HitlTimer));

	timer->interrupt_id = interrupt->interrupt_id;
	timer->kind = kind;
	timer->step = step;
	timer->planned_at = timer->due_at = at;
	return timer;
}

/*
 * The timers of the two deadlines, and of the warning before the second; policy
 * may be NULL.  As a list of HitlTimer.
 */
List *
ladder_deadlines(const HitlPolicy *policy, const HitlInterrupt *interrupt)
{
	List	   *timers = NIL;

	if (!TIMESTAMP_NOT_FINITE(interrupt->due_at))
		timers = lappend(timers, make_timer(interrupt, HITL_TIMER_DUE, 0, interrupt->due_at));
	if (TIMESTAMP_NOT_FINITE(interrupt->expires_at))
		return timers;
	if (policy != NULL && policy->warn_before_ms > 0)
		timers = lappend(timers, make_timer(interrupt, HITL_TIMER_WARN, 0,
											TimestampTzPlusMilliseconds(interrupt->expires_at, -policy->warn_before_ms)));
	return lappend(timers, make_timer(interrupt, HITL_TIMER_EXPIRY, 0, interrupt->expires_at));
}

/*
 * The timers of the steps of an interrupt that opens then, as a list of
 * HitlTimer; policy: may be NULL; after: how it counts time, NULL for the
 * calendar.  They get their interrupt_id later.
 */
List *
ladder_steps(const HitlPolicy *policy, TimestampTz opened_at, LadderClock after, void *arg)
{
	HitlInterrupt unopened = {.interrupt_id = 0};
	List	   *timers = NIL;
	ListCell   *cell;

	if (policy == NULL)
		return NIL;
	foreach(cell, policy->ladder)
	{
		const HitlLadderStep *step = lfirst(cell);
		TimestampTz at = count_on(after, arg, opened_at, step->after_ms);

		if (!TIMESTAMP_NOT_FINITE(at))
			timers = lappend(timers, make_timer(&unopened, HITL_TIMER_STEP, foreach_current_index(cell) + 1, at));
	}
	return timers;
}

/* The step of the ladder that a timer is for; NULL: it is for none. */
const HitlLadderStep *
ladder_step(const HitlPolicy *policy, const HitlTimer *timer)
{
	if (timer->kind != HITL_TIMER_STEP || policy == NULL ||
		timer->step < 1 || timer->step > list_length(policy->ladder))
		return NULL;
	return list_nth(policy->ladder, timer->step - 1);
}

static bool
is_claimed(const HitlInterrupt *interrupt, TimestampTz now)
{
	return interrupt->claimed_by != NULL && interrupt->claimed_until > now;
}

/*
 * A timer is due: what becomes of it?  When it waits, then at most until
 * interrupt->claimed_until, which may be never: an assignment ends by release.
 * A claim that counts for nothing is the caller's to leave out.
 */
HitlTimerVerdict
ladder_verdict(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlTimer *timer, TimestampTz now)
{
	const HitlLadderStep *step;

	if (interrupt->status != HITL_INTERRUPT_PENDING)
		return HITL_TIMER_DROPS;
	switch (timer->kind)
	{
		case HITL_TIMER_STEP:
			step = ladder_step(policy, timer);
			if (step == NULL)
				return HITL_TIMER_DROPS;
			return step->unless_claimed && is_claimed(interrupt, now) ? HITL_TIMER_WAITS : HITL_TIMER_FIRES;
		case HITL_TIMER_WARN:
			/* nobody wants to be warned of what has happened */
			return TIMESTAMP_NOT_FINITE(interrupt->expires_at) || interrupt->expires_at <= now
				? HITL_TIMER_DROPS : HITL_TIMER_FIRES;
		case HITL_TIMER_DUE:
			return TIMESTAMP_NOT_FINITE(interrupt->due_at) ? HITL_TIMER_DROPS : HITL_TIMER_FIRES;
		case HITL_TIMER_EXPIRY:
			return TIMESTAMP_NOT_FINITE(interrupt->expires_at) ? HITL_TIMER_DROPS : HITL_TIMER_FIRES;
	}
	return HITL_TIMER_DROPS;
}

/*
 * The next round of a step that has just fired; NULL: there is none.  It keeps
 * to the plan if that lies ahead, else it counts from now.
 */
HitlTimer *
ladder_next(const HitlPolicy *policy, const HitlTimer *timer, TimestampTz now, LadderClock after, void *arg)
{
	const HitlLadderStep *step = ladder_step(policy, timer);
	HitlTimer  *next;

	if (step == NULL || timer->round >= step->n_repeats)
		return NULL;
	next = palloc(sizeof(HitlTimer));
	*next = *timer;
	next->round++;
	next->planned_at = count_on(after, arg, timer->planned_at, step->every_ms);
	if (next->planned_at <= now)
		next->planned_at = count_on(after, arg, now, step->every_ms);
	next->due_at = next->planned_at;
	return TIMESTAMP_NOT_FINITE(next->planned_at) ? NULL : next;
}

/* The order in which the timers of an interrupt fire. */
int
ladder_compare(const HitlTimer *a, const HitlTimer *b)
{
	if (a->due_at != b->due_at)
		return a->due_at < b->due_at ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->step != b->step)
		return a->step < b->step ? -1 : 1;
	return a->round < b->round ? -1 : a->round > b->round;
}
