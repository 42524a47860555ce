/*
 * audit.c
 *    Note what happened, in the transaction in which it happened.
 *
 * The actor comes from the session, never from a payload: the person
 * (identity.c), the current user beside it, and whether a person's session, a node, a
 * deadline or a background executor acted.  Details hold ids and words, no payload.
 *
 * Layer 3.  The only caller of store_audit.c.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "frame.h"
#include "identity.h"
#include "json.h"
#include "miscadmin.h"
#include "slot.h"
#include "store_audit.h"

/* Who does something, for a row that names one: the session user, or whom a
 * proxy names. */
const char *
audit_person(void)
{
	return identity_doer()->person;
}

const char *
audit_session_user(void)
{
	return GetUserNameFromId(GetSessionUserId(), false);
}

const char *
audit_current_user(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

/* deadlines are being fired: what happens is their doing */
static bool is_timer = false;

/* Says so, or not any more; returns what was so far, to be put back. */
bool
audit_set_timer(bool is_it)
{
	bool		was_timer = is_timer;

	is_timer = is_it;
	return was_timer;
}

static void
fill_actor(HitlAudit *audit)
{
	audit->actor = audit_session_user();
	audit->login = NULL;
	audit->role = audit_current_user();
	if (is_timer)
		audit->actor_kind = "timer";
	else if (frame_is_open())
		audit->actor_kind = "node";
	else if (slot_mine() != NULL)
		audit->actor_kind = "executor";
	else
	{
		const HitlActor *doer = identity_doer();

		audit->actor_kind = "person";
		audit->actor = doer->person;
		audit->login = doer->is_asserted ? doer->login : NULL;
	}
}

static void
append(HitlAudit *audit)
{
	fill_actor(audit);
	store_audit_append(audit, clock_now());
}

/* The same event of many threads. */
void
audit_threads(const int64 *thread_ids, int n, const char *event)
{
	HitlAudit	audit = {.event = event};

	fill_actor(&audit);
	store_audit_append_many(&audit, thread_ids, n, clock_now());
}

void
audit_thread(int64 thread_id, const char *event, Jsonb *detail)
{
	HitlAudit	audit = {.thread_id = thread_id, .event = event, .detail = detail};

	append(&audit);
}

/* Something befell the step of a thread as a whole. */
void
audit_step(const HitlThread *thread, const char *event, int sqlerrcode)
{
	JsonBuilder b;
	HitlAudit	audit = {.thread_id = thread->thread_id, .event = event, .step = thread->step};

	json_begin(&b);
	json_add_string(&b, "sqlstate", unpack_sql_state(sqlerrcode));
	audit.detail = json_end(&b);
	append(&audit);
}

void
audit_task(const HitlTask *task, const char *event, Jsonb *detail)
{
	HitlAudit	audit = {
		.thread_id = task->thread_id, .event = event, .step = task->step,
		.node = task->node, .task_id = task->task_id, .detail = detail
	};

	append(&audit);
}

/*
 * The run of a task that began then has ended its process.  It did that in an
 * executor or in a session that is gone; who finds it has no part in it.
 */
void
audit_crash(const HitlTask *task, TimestampTz since)
{
	JsonBuilder b;
	HitlAudit	audit = {
		.thread_id = task->thread_id, .event = "crashed", .step = task->step,
		.node = task->node, .task_id = task->task_id
	};

	json_begin(&b);
	json_add_int64(&b, "crashes", task->crashes);
	json_add_time(&b, "since", since);
	audit.detail = json_end(&b);
	fill_actor(&audit);
	audit.actor_kind = "executor";
	store_audit_append(&audit, clock_now());
}

void
audit_interrupt(const HitlInterrupt *interrupt, const char *event, Jsonb *detail)
{
	HitlAudit	audit = {
		.thread_id = interrupt->thread_id, .event = event, .step = interrupt->step,
		.node = interrupt->node, .task_id = interrupt->task_id,
		.interrupt_id = interrupt->interrupt_id, .detail = detail
	};

	append(&audit);
}
