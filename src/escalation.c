/*
 * escalation.c
 *    Fire what is due: warnings, deadlines, steps of ladders.
 *
 * Whoever comes, the dispatcher or hitl.tick(), does the same: take some timers
 * that are due, lock their interrupts without waiting, read what is due of
 * these now that nobody else can fire it, and do that, in the order of its time.
 * So any number may do it at once, and nobody waits; who holds an interrupt (a
 * vote that is not committed) comes first.
 *
 * An expired interrupt is no decided one (P7): its status says that it ran out,
 * and its decision, which the policy gives, is by "deadline".
 *
 * What goes wrong with one interrupt (an observer refuses, a role is gone) stops
 * no other, and with one timer none but it: it is put off and logged.
 *
 * Layer 3.  Lock order: interrupts, by SKIP LOCKED; never a thread.  Nobody is
 * waited for longer than a moment: a dispatcher that waits starts no executors.
 * Memory: "hitl deadlines", reset after each batch.
 */
#include "postgres.h"

#include "answer.h"
#include "audit.h"
#include "ballot.h"
#include "clock.h"
#include "deadline.h"
#include "decision.h"
#include "edit.h"
#include "errors.h"
#include "escalation.h"
#include "frame.h"
#include "guc.h"
#include "json.h"
#include "ladder.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "names.h"
#include "outbox.h"
#include "question.h"
#include "rights.h"
#include "session.h"
#include "shmem.h"
#include "store_interrupt.h"
#include "store_timer.h"
#include "subxact.h"
#include "timer.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
#include "wake.h"

/* interrupts that are locked by one statement */
#define BATCH 100
/* how long to wait for a row that somebody holds though not the interrupt (who is
 * revoked as a reviewer leaves audiences), for a batch and for one alone */
#define BATCH_LOCK_TIMEOUT "100ms"
#define ALONE_LOCK_TIMEOUT "10ms"
/* how long what could not be fired is put off: the server's trouble passes sooner */
#define TROUBLE_MS 1000
#define FAULT_MS 60000
/* what waits for the end of a claim is looked at this often: its holder may lose the
 * right to decide meanwhile, and nobody tells us */
#define HELD_MS 900000

/* ------------------------------------------------------------------ the decision */

/*
 * What an expired interrupt hands to its run.  A reject is a no, which every
 * node has to take; what else the question does not take would be an answer
 * that its author has excluded, as what does not fit a schema is, and a breakpoint
 * is no question: its task fails.
 */
static Jsonb *
make_decision(const HitlInterrupt *interrupt, const HitlAnswer *answer, TimestampTz now)
{
	const HitlQuestion *question = &interrupt->question;
	bool		is_breakpoint = question_is_breakpoint(question);
	bool		fits = answer_fits(answer, question);

	if (answer->type == HITL_DECISION_REJECT && !is_breakpoint)
		fits = true;
	if (fits && !edit_fits(ballot_policy(interrupt), question, answer))
		return answer_of_deadline(HITL_DECISION_FAIL, NULL,
								  psprintf("what \"%s\" would do does not fit a schema", name_decision_type(answer->type)), question, now);
	if (fits)
		return answer_decision(answer, question, HITL_BY_DEADLINE, now);
	return answer_of_deadline(HITL_DECISION_FAIL, NULL,
							  psprintf("the question does not take \"%s\"", name_decision_type(answer->type)), question, now);
}

/* What the policy says of an interrupt whose time is over; NULL: it stays open. */
static Jsonb *
expiry_decision(const HitlInterrupt *interrupt, const HitlPolicy *policy, TimestampTz now)
{
	const HitlQuestion *question = &interrupt->question;
	HitlAnswer	answer = {0};

	switch (policy != NULL ? policy->on_expiry : HITL_EXPIRY_STAY)
	{
		case HITL_EXPIRY_STAY:
			return NULL;
		case HITL_EXPIRY_REJECT:
			answer.type = HITL_DECISION_REJECT;
			break;
		case HITL_EXPIRY_APPROVE:
			answer.type = HITL_DECISION_APPROVE;
			break;
		case HITL_EXPIRY_RESPOND:
			answer.type = HITL_DECISION_RESPOND;
			answer.response = policy->expiry_response;
			break;
		case HITL_EXPIRY_ROUTE:
			if (strcmp(question->key, HITL_AFTER_QUESTION) == 0)
				return answer_of_deadline(HITL_DECISION_FAIL, NULL, "a breakpoint behind a node leads where the thread was going",
										  question, now);
			return answer_of_deadline(HITL_DECISION_ROUTE, policy->expiry_node, NULL, question, now);
		case HITL_EXPIRY_FAIL:
			return answer_of_deadline(HITL_DECISION_FAIL, NULL, NULL, question, now);
	}
	return make_decision(interrupt, &answer, now);
}

/* ------------------------------------------------------------------- the actions */

static void
audit_timer(const HitlInterrupt *interrupt, const HitlTimer *timer, const char *event, const char *action, const char *role)
{
	JsonBuilder b;

	json_begin(&b);
	if (timer->kind == HITL_TIMER_STEP)
	{
		json_add_int64(&b, "step", timer->step);
		json_add_int64(&b, "round", timer->round);
		json_add_string(&b, "action", action);
	}
	else
		json_add_string(&b, "deadline", name_timer_kind(timer->kind));
	if (role != NULL)
		json_add_string(&b, "role", role);
	audit_interrupt(interrupt, event, json_end(&b));
}

static char *
dedup_key(const HitlTimer *timer)
{
	return psprintf("%s %d.%d", name_timer_kind(timer->kind), timer->step, timer->round);
}

/* Do what a step of the ladder says. */
static void
take_step(HitlInterrupt *interrupt, const HitlTimer *timer, const HitlLadderStep *step, TimestampTz now)
{
	static const char *const words[] = {
		[HITL_LADDER_NOTIFY] = "notify",
		[HITL_LADDER_WIDEN] = "widen",
		[HITL_LADDER_REASSIGN] = "reassign",
		[HITL_LADDER_PRIORITY] = "priority",
		[HITL_LADDER_DECIDE] = "decide",
	};
	bool		needs_role = step->action == HITL_LADDER_WIDEN || step->action == HITL_LADDER_REASSIGN;
	Oid			role = step->role != NULL ? get_role_oid(step->role, true) : InvalidOid;
	const char *action = needs_role && !OidIsValid(role) ? "no_role" : words[step->action];

	if (!store_timer_fire(timer, action, step->role, now))
		return;
	audit_timer(interrupt, timer, "escalated", action, step->role);
	switch (step->action)
	{
		case HITL_LADDER_NOTIFY:
			(void) outbox_note(interrupt->interrupt_id, "escalated", step->role != NULL ? list_make1(step->role) : NIL, dedup_key(timer));
			break;
		case HITL_LADDER_WIDEN:
		case HITL_LADDER_REASSIGN:
			if (!OidIsValid(role))
				break;
			store_audience_add(interrupt, role, step->action == HITL_LADDER_REASSIGN);
			(void) outbox_note(interrupt->interrupt_id, "escalated", list_make1(step->role), dedup_key(timer));
			if (step->action == HITL_LADDER_REASSIGN)
			{
				interrupt->claimed_by = NULL;
				deadline_resume(interrupt->interrupt_id);
			}
			break;
		case HITL_LADDER_PRIORITY:
			/* raised, never lowered: somebody may have raised it further */
			if (step->priority < interrupt->priority)
			{
				interrupt->priority = step->priority;
				store_interrupt_set_priority(interrupt->interrupt_id, step->priority);
			}
			break;
		case HITL_LADDER_DECIDE:
			/* while its audience is there */
			(void) outbox_note(interrupt->interrupt_id, "expired", NIL, dedup_key(timer));
			decision_settle(interrupt, HITL_INTERRUPT_EXPIRED, make_decision(interrupt, answer_parse(step->decision), now),
							HITL_BY_DEADLINE);
			break;
	}
}

/*
 * A repeat keeps to the policy's time; if that cannot be asked now, or takes
 * longer than a node may, to the calendar.
 */
typedef struct NextRound
{
	const HitlPolicy *policy;
	const HitlTimer *timer;
	HitlDeadlineClock clock;
	TimestampTz now;
	HitlTimer  *next;
} NextRound;

static bool
plan_next_round(void *arg)
{
	NextRound  *round = arg;

	round->next = ladder_next(round->policy, round->timer, round->now, deadline_clock, &round->clock);
	return true;
}

static void
repeat(const HitlInterrupt *interrupt, const HitlPolicy *policy, const HitlTimer *timer, TimestampTz now)
{
	NextRound	round = {.policy = policy, .timer = timer, .now = now,
	.clock = {.policy = policy, .owner = interrupt->owner}};
	ErrorData  *error = NULL;
	bool		is_timed = false;
	bool		is_late = false;

	if (timer->round >= ladder_step(policy, timer)->n_repeats)
		return;
	if (policy->business_time == NULL)
		round.next = ladder_next(policy, timer, now, NULL, NULL);
	else
	{
		is_timed = timer_start(guc_node_timeout);
		error = subxact_run(plan_next_round, &round);
		is_late = is_timed && timer_has_fired();
		if (is_timed)
			timer_stop();
	}
	if (error != NULL)
	{
		if (!is_late && !lifecycle_error_is_fault(error->sqlerrcode))
			ReThrowError(error);
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("the business time of policy \"%s\" could not be asked for interrupt %lld",
						policy->name, (long long) interrupt->interrupt_id),
				 errdetail("It raised SQLSTATE %s; step %d of the ladder repeats by the calendar.",
						   unpack_sql_state(error->sqlerrcode), timer->step)));
		round.next = ladder_next(policy, timer, now, NULL, NULL);
	}
	if (round.next == NULL)
		return;
	store_timer_insert(list_make1(round.next));
	wake_note_due(clock_to_real(round.next->due_at));
}

/* Fire one timer of an interrupt, which is locked and pending. */
static void
fire(HitlInterrupt *interrupt, const HitlPolicy *policy, const HitlTimer *timer, TimestampTz now)
{
	const HitlLadderStep *step;
	Jsonb	   *decision;

	switch (timer->kind)
	{
		case HITL_TIMER_STEP:
			step = ladder_step(policy, timer);
			take_step(interrupt, timer, step, now);
			if (interrupt->status == HITL_INTERRUPT_PENDING)
				repeat(interrupt, policy, timer, now);
			break;
		case HITL_TIMER_WARN:
			if (!store_timer_fire(timer, "warn", NULL, now))
				break;
			audit_timer(interrupt, timer, "warned", NULL, NULL);
			(void) outbox_note(interrupt->interrupt_id, "warning", NIL, dedup_key(timer));
			break;
		case HITL_TIMER_DUE:
			if (store_timer_fire(timer, "overdue", NULL, now))
				audit_timer(interrupt, timer, "overdue", NULL, NULL);
			break;
		case HITL_TIMER_EXPIRY:
			decision = expiry_decision(interrupt, policy, now);
			if (!store_timer_fire(timer, decision != NULL ? "expire" : "overdue", NULL, now))
				break;
			if (decision == NULL)
			{
				audit_timer(interrupt, timer, "overdue", NULL, NULL);
				break;
			}
			/* while its audience is there */
			(void) outbox_note(interrupt->interrupt_id, "expired", NIL, dedup_key(timer));
			decision_settle(interrupt, HITL_INTERRUPT_EXPIRED, decision, HITL_BY_DEADLINE);
			break;
	}
}

/* -------------------------------------------------------------------- the firing */

static int
compare_timers(const ListCell *a, const ListCell *b)
{
	return ladder_compare(lfirst(a), lfirst(b));
}

/* Fire what is due of an interrupt, which is locked; returns how many timers did. */
static int
fire_due(HitlInterrupt *interrupt, List *timers, TimestampTz now)
{
	const HitlPolicy *policy = deadline_policy(interrupt);
	int			n_fired = 0;
	TimestampTz until;
	ListCell   *cell;

	list_sort(timers, compare_timers);
	/* who may decide it no more holds up nothing */
	if (interrupt->claimed_by != NULL && !rights_is_held(interrupt, policy, now))
		interrupt->claimed_by = NULL;
	foreach(cell, timers)
	{
		const HitlTimer *timer = lfirst(cell);

		switch (ladder_verdict(policy, interrupt, timer, now))
		{
			case HITL_TIMER_FIRES:
				fire(interrupt, policy, timer, now);
				n_fired++;
				break;
			case HITL_TIMER_WAITS:
				until = Min(interrupt->claimed_until, TimestampTzPlusMilliseconds(now, HELD_MS));
				store_timer_move(timer, until);
				wake_note_due(clock_to_real(until));
				break;
			case HITL_TIMER_DROPS:
				/* of one that is settled all are gone */
				store_timer_delete(timer);
				break;
		}
		if (interrupt->status != HITL_INTERRUPT_PENDING)
			break;
	}
	return n_fired;
}

/* some interrupts, locked, with what is due of them */
typedef struct Batch
{
	List	   *interrupts;		/* of HitlInterrupt, by id */
	List	   *timers;			/* of HitlTimer, by interrupt */
	TimestampTz now;
	int			n_fired;
} Batch;

static bool
fire_batch(void *arg)
{
	Batch	   *batch = arg;
	bool		was_timer = audit_set_timer(true);
	ListCell   *interrupt_cell;
	int			i = 0;

	batch->n_fired = 0;
	PG_TRY();
	{
		foreach(interrupt_cell, batch->interrupts)
		{
			HitlInterrupt *interrupt = lfirst(interrupt_cell);
			List	   *due = NIL;

			for (; i < list_length(batch->timers); i++)
			{
				HitlTimer  *timer = list_nth(batch->timers, i);

				if (timer->interrupt_id > interrupt->interrupt_id)
					break;
				if (timer->interrupt_id == interrupt->interrupt_id)
					due = lappend(due, timer);
			}
			CHECK_FOR_INTERRUPTS();
			batch->n_fired += fire_due(interrupt, due, batch->now);
		}
	}
	PG_FINALLY();
	{
		(void) audit_set_timer(was_timer);
	}
	PG_END_TRY();
	return true;
}

/*
 * What is due of an interrupt could not be fired: later, and, unless somebody
 * was only in the way, an operator should know.
 */
static void
put_off(const HitlInterrupt *interrupt, const ErrorData *error, TimestampTz now)
{
	HitlErrorVerdict verdict = lifecycle_error_verdict(error->sqlerrcode);
	int			delay_ms = verdict == HITL_ERROR_FAIL ? FAULT_MS : TROUBLE_MS;
	TimestampTz until = TimestampTzPlusMilliseconds(now, delay_ms);

	store_timer_postpone(interrupt->interrupt_id, now, until);
	wake_note_due(clock_to_real(until));
	if (verdict == HITL_ERROR_RETRY)
		return;
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("the deadlines of interrupt %lld could not be fired", (long long) interrupt->interrupt_id),
			 errdetail("SQLSTATE %s was raised; they are tried again in %d s.",
					   unpack_sql_state(error->sqlerrcode), delay_ms / 1000)));
}

/* Fire a batch in a subtransaction, without waiting for anybody: NULL, or the error. */
static ErrorData *
try_batch(Batch *batch, const char *lock_timeout)
{
	int			level = session_limit_lock(lock_timeout);
	ErrorData  *error = subxact_run(fire_batch, batch);

	session_unlimit_lock(level);
	if (error != NULL && frame_is_cancel(error))
		ReThrowError(error);
	return error;
}

/*
 * Each timer of one interrupt in a subtransaction of its own: what is wrong with
 * a step keeps no question from its end, from when on nobody can answer it.
 */
static int
fire_each(int64 interrupt_id, List *timers, TimestampTz now)
{
	HitlInterrupt *interrupt = store_interrupt_find(interrupt_id);
	List	   *due = NIL;
	ErrorData  *first_error = NULL;
	int			n_fired = 0;
	ListCell   *cell;

	foreach(cell, timers)
		if (((HitlTimer *) lfirst(cell))->interrupt_id == interrupt_id)
			due = lappend(due, lfirst(cell));
	list_sort(due, compare_timers);
	foreach(cell, due)
	{
		Batch		alone = {.interrupts = list_make1(interrupt), .timers = list_make1(lfirst(cell)), .now = now};
		ErrorData  *error = try_batch(&alone, ALONE_LOCK_TIMEOUT);

		if (error == NULL)
			n_fired += alone.n_fired;
		else if (first_error == NULL)
			first_error = error;
		/* as it is: an attempt that failed has changed it */
		interrupt = store_interrupt_find(interrupt_id);
		if (interrupt->status != HITL_INTERRUPT_PENDING)
			return n_fired;
		/* what is in the way of one is in the way of all: wait for it once */
		if (error != NULL && lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL)
			break;
	}
	if (first_error != NULL)
		put_off(interrupt, first_error, now);
	return n_fired;
}

/* All in one subtransaction; if that fails, one by one. */
static int
fire_locked(List *interrupts, TimestampTz now)
{
	Batch		batch = {.interrupts = interrupts, .now = now};
	HitlIds		ids = {.ids = palloc(sizeof(int64) * Max(list_length(interrupts), 1))};
	ErrorData  *error;
	int			n_fired = 0;
	ListCell   *cell;

	foreach(cell, interrupts)
		ids.ids[ids.n++] = ((HitlInterrupt *) lfirst(cell))->interrupt_id;
	batch.timers = store_timer_of(&ids, now);
	error = try_batch(&batch, BATCH_LOCK_TIMEOUT);
	if (error == NULL)
		return batch.n_fired;
	foreach(cell, interrupts)
		n_fired += fire_each(((HitlInterrupt *) lfirst(cell))->interrupt_id, batch.timers, now);
	return n_fired;
}

/* What timers of no interrupt mean: a restore has not got to it yet. */
static void
wait_for_interrupt(int64 interrupt_id, TimestampTz now)
{
	store_timer_postpone(interrupt_id, now, TimestampTzPlusMilliseconds(now, FAULT_MS));
}

static int
compare_interrupts(const ListCell *a, const ListCell *b)
{
	int64		left = ((const HitlInterrupt *) lfirst(a))->interrupt_id;
	int64		right = ((const HitlInterrupt *) lfirst(b))->interrupt_id;

	return left < right ? -1 : left > right;
}

/*
 * Walk over the interrupts with something due; at most so many are fired, those
 * that have waited longest first.  They are read in batches, however few are
 * wanted: most may be another's.  may: whether these rights do, NULL: all.
 * *is_full: there may be more.
 */
static int
walk(int limit, bool (*may) (const HitlTimerPlace *place), bool *is_full)
{
	HitlTimerPlace place = {.due_at = DT_NOBEGIN};
	HitlTimerPlace asked = {.owner = InvalidOid};
	bool		is_mine = false;
	TimestampTz now = clock_now();
	int			n_interrupts = 0;
	int			n_fired = 0;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hitl deadlines", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *places;

	do
	{
		int64		last = 0;
		HitlIds		ids;
		List	   *locked;
		ListCell   *cell;

		places = store_timer_due(now, &place, BATCH);
		ids.n = 0;
		ids.ids = palloc(sizeof(int64) * Max(list_length(places), 1));
		foreach(cell, places)
		{
			place = *(HitlTimerPlace *) lfirst(cell);
			if (!OidIsValid(place.owner))
			{
				if (may == NULL || superuser())
					wait_for_interrupt(place.interrupt_id, now);
			}
			else if (place.interrupt_id != last)
			{
				/* runs of one graph are long */
				if (place.owner != asked.owner || place.graph_id != asked.graph_id)
					is_mine = may == NULL || may(&place);
				asked = place;
				if (is_mine)
					ids.ids[ids.n++] = place.interrupt_id;
			}
			last = place.interrupt_id;
		}
		locked = ids.n > 0 ? store_interrupt_lock_set(&ids, limit - n_interrupts) : NIL;
		list_sort(locked, compare_interrupts);
		if (locked != NIL)
			n_fired += fire_locked(locked, now);
		n_interrupts += list_length(locked);
		*is_full = list_length(places) == BATCH || n_interrupts >= limit;
		MemoryContextReset(context);
	} while (*is_full && n_interrupts < limit);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return n_fired;
}

static bool
may_fire(const HitlTimerPlace *place)
{
	return rights_may(HITL_RIGHT_OPERATOR, place->owner, place->graph_id);
}

/*
 * hitl.tick(): at most so many interrupts, of those that the current user may
 * see to.  While a restore fills the tables nothing fires: what a decision
 * leads to may not be there yet.
 */
int
escalation_tick(int limit)
{
	bool		is_full;
	bool		is_held;

	rights_require_person("fire deadlines");
	if (shmem_is_on())
	{
		shmem_lock();
		is_held = shmem_database_is_held(MyDatabaseId);
		shmem_unlock();
		if (is_held)
			return 0;
	}
	return walk(limit, may_fire, &is_full);
}

/*
 * The dispatcher's: a bounded number in one transaction; *is_full: there may be
 * more.  *next_due: when, by clock_real(), the next timer is due, or when to
 * look again for one that somebody holds; DT_NOEND: none is.
 */
int
escalation_dispatch(int limit, bool *is_full, TimestampTz *next_due)
{
	TimestampTz now;
	bool		is_any_due;
	int			n_fired = walk(limit, NULL, is_full);

	now = clock_now();
	*next_due = store_timer_next_due(now, &is_any_due);
	if (is_any_due)
		*next_due = Min(*next_due, TimestampTzPlusMilliseconds(now, *is_full && n_fired > 0 ? 0 : TROUBLE_MS));
	*next_due = clock_to_real(*next_due);
	return n_fired;
}
