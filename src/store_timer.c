/*
 * store_timer.c
 *    Rows of hitl.timer and escalation: what is to be done when, and what was.
 *
 * The rows of an interrupt are written by who holds its row.  A timer fires by
 * becoming a row of the escalation table, whose key lets it do so once.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "names.h"
#include "store_timer.h"
#include "utils/timestamp.h"

DB_STATEMENT(timer_insert,
			 "INSERT INTO hitl.timer (interrupt_id, kind, step, round, planned_at, due_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6)",
			 INT8OID, TEXTOID, INT2OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

/* timers: of HitlTimer; an interrupt has a handful. */
void
store_timer_insert(List *timers)
{
	DbCall		call;
	ListCell   *cell;

	if (timers == NIL)
		return;
	db_open(&call);
	foreach(cell, timers)
	{
		const HitlTimer *timer = lfirst(cell);
		DbArg		args[] = {db_bigint(timer->interrupt_id), db_text(name_timer_kind(timer->kind)), db_smallint(timer->step),
		db_int(timer->round), db_time(timer->planned_at), db_time(timer->due_at)};

		(void) db_execute(&timer_insert, args);
	}
	db_close(&call);
}

/*
 * timer_due, from a place on; nothing is locked.  Two probes for each row: of a
 * join the planner, who does not know the limit, would make one with all
 * interrupts.
 */
DB_STATEMENT(timer_due,
			 "SELECT t.due_at, t.interrupt_id,"
			 " (SELECT i.owner FROM hitl.interrupt i WHERE i.interrupt_id = t.interrupt_id),"
			 " (SELECT i.graph_id FROM hitl.interrupt i WHERE i.interrupt_id = t.interrupt_id)"
			 " FROM hitl.timer t"
			 " WHERE t.due_at <= $1 AND (t.due_at, t.interrupt_id) OPERATOR(pg_catalog.>) ($2, $3)"
			 " ORDER BY t.due_at, t.interrupt_id LIMIT $4",
			 TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID);

/*
 * Interrupts with timers that are due, those that have waited longest first, as
 * HitlTimerPlace; after a place.  One with several may come several times.
 */
List *
store_timer_due(TimestampTz now, const HitlTimerPlace *after, int limit)
{
	DbCall		call;
	DbArg		args[] = {db_time(now), db_time(after->due_at), db_bigint(after->interrupt_id), db_bigint(limit)};
	List	   *places = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&timer_due, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlTimerPlace *place = palloc(sizeof(HitlTimerPlace));

		place->due_at = db_get_time(i, 1);
		place->interrupt_id = db_get_bigint(i, 2);
		place->owner = db_is_null(i, 3) ? InvalidOid : db_get_oid(i, 3);
		place->graph_id = db_get_bigint(i, 4);
		places = lappend(places, place);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return places;
}

/* a range of the primary key for each, as OFFSET 0 has it */
DB_STATEMENT(timer_of,
			 "SELECT t.interrupt_id, t.kind, t.step, t.round, t.planned_at, t.due_at"
			 " FROM pg_catalog.unnest($1) u (interrupt_id)"
			 " CROSS JOIN LATERAL (SELECT * FROM hitl.timer t WHERE t.interrupt_id = u.interrupt_id OFFSET 0) t"
			 " WHERE t.due_at <= $2 ORDER BY t.interrupt_id",
			 INT8ARRAYOID, TIMESTAMPTZOID);

/* The timers of some interrupts that are due, as HitlTimer, by interrupt. */
List *
store_timer_of(const HitlIds *interrupts, TimestampTz now)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(interrupts->ids, interrupts->n), db_time(now)};
	List	   *timers = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&timer_of, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlTimer  *timer = palloc(sizeof(HitlTimer));

		timer->interrupt_id = db_get_bigint(i, 1);
		timer->kind = name_to_timer_kind(db_get_text(&call, i, 2));
		timer->step = db_get_smallint(i, 3);
		timer->round = db_get_int(i, 4);
		timer->planned_at = db_get_time(i, 5);
		timer->due_at = db_get_time(i, 6);
		timers = lappend(timers, timer);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return timers;
}

/* both by primary key: a timer that is gone does nothing */
DB_STATEMENT(timer_fire,
			 "WITH fired AS (DELETE FROM hitl.timer WHERE interrupt_id = $1 AND kind = $2 AND step = $3 AND round = $4"
			 "  RETURNING planned_at)"
			 " INSERT INTO hitl.escalation (interrupt_id, kind, step, round, planned_at, fired_at, action, role)"
			 " SELECT $1, $2, $3, $4, f.planned_at, $5, $6, $7 FROM fired f",
			 INT8OID, TEXTOID, INT2OID, INT4OID, TIMESTAMPTZOID, TEXTOID, TEXTOID);

/*
 * A timer fires: on record, and gone.  False: it was gone already.  action: a
 * word; role: whom it is about, or NULL.
 */
bool
store_timer_fire(const HitlTimer *timer, const char *action, const char *role, TimestampTz now)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(timer->interrupt_id), db_text(name_timer_kind(timer->kind)), db_smallint(timer->step),
	db_int(timer->round), db_time(now), db_text(action), db_text(role)};
	bool		has_fired;

	db_open(&call);
	has_fired = db_execute(&timer_fire, args) > 0;
	db_close(&call);
	return has_fired;
}

DB_STATEMENT(timer_move,
			 "UPDATE hitl.timer SET due_at = $5 WHERE interrupt_id = $1 AND kind = $2 AND step = $3 AND round = $4",
			 INT8OID, TEXTOID, INT2OID, INT4OID, TIMESTAMPTZOID);

/* It is due later; its plan stays. */
void
store_timer_move(const HitlTimer *timer, TimestampTz due_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(timer->interrupt_id), db_text(name_timer_kind(timer->kind)), db_smallint(timer->step),
	db_int(timer->round), db_time(due_at)};

	db_open(&call);
	(void) db_execute(&timer_move, args);
	db_close(&call);
}

DB_STATEMENT(timer_delete,
			 "DELETE FROM hitl.timer WHERE interrupt_id = $1 AND kind = $2 AND step = $3 AND round = $4",
			 INT8OID, TEXTOID, INT2OID, INT4OID);

/* It has nothing to do any more. */
void
store_timer_delete(const HitlTimer *timer)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(timer->interrupt_id), db_text(name_timer_kind(timer->kind)), db_smallint(timer->step),
	db_int(timer->round)};

	db_open(&call);
	(void) db_execute(&timer_delete, args);
	db_close(&call);
}

DB_STATEMENT(timer_delete_kind,
			 "DELETE FROM hitl.timer WHERE interrupt_id = $1 AND kind = $2",
			 INT8OID, TEXTOID);

/* It is planned anew, or not at all. */
void
store_timer_delete_kind(int64 interrupt_id, HitlTimerKind kind)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(name_timer_kind(kind))};

	db_open(&call);
	(void) db_execute(&timer_delete_kind, args);
	db_close(&call);
}

/* a range of the primary key */
DB_STATEMENT(timer_rounds,
			 "SELECT COALESCE(pg_catalog.max(round), -1) FROM hitl.escalation WHERE interrupt_id = $1 AND kind = $2",
			 INT8OID, TEXTOID);

/* How often has a timer of this kind, not of a step, fired? */
int
store_timer_rounds(int64 interrupt_id, HitlTimerKind kind)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(name_timer_kind(kind))};
	int			n;

	db_open(&call);
	(void) db_execute(&timer_rounds, args);
	n = db_get_int(0, 1) + 1;
	db_close(&call);
	return n;
}

/* a range of the primary key */
DB_STATEMENT(timer_resume,
			 "WITH resumed AS ("
			 " UPDATE hitl.timer SET due_at = planned_at WHERE interrupt_id = $1 AND due_at > planned_at RETURNING due_at)"
			 " SELECT pg_catalog.min(due_at) FROM resumed",
			 INT8OID);

/* What waited for the end of a claim is due as planned; false: nothing did. */
bool
store_timer_resume(int64 interrupt_id, TimestampTz *due_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};
	bool		found;

	db_open(&call);
	(void) db_execute(&timer_resume, args);
	found = !db_is_null(0, 1);
	*due_at = db_get_time(0, 1);
	db_close(&call);
	return found;
}

/* a range of the primary key; who holds a row decides it himself */
DB_STATEMENT(timer_postpone,
			 "UPDATE hitl.timer SET due_at = $3 WHERE ctid IN"
			 " (SELECT ctid FROM hitl.timer WHERE interrupt_id = $1 AND due_at <= $2 FOR UPDATE SKIP LOCKED)",
			 INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

/* What is due of an interrupt is looked at later. */
void
store_timer_postpone(int64 interrupt_id, TimestampTz now, TimestampTz until)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_time(now), db_time(until)};

	db_open(&call);
	(void) db_execute(&timer_postpone, args);
	db_close(&call);
}

/* timer_due: one probe each */
DB_STATEMENT(timer_next_due,
			 "SELECT (SELECT t.due_at FROM hitl.timer t WHERE t.due_at > $1 ORDER BY t.due_at LIMIT 1),"
			 " EXISTS (SELECT FROM hitl.timer t WHERE t.due_at <= $1)",
			 TIMESTAMPTZOID);

/* When is the next timer due after now?  DT_NOEND: none is.  *is_any_due: one is now. */
TimestampTz
store_timer_next_due(TimestampTz now, bool *is_any_due)
{
	DbCall		call;
	DbArg		args[] = {db_time(now)};
	TimestampTz next_due;

	db_open(&call);
	(void) db_execute(&timer_next_due, args);
	next_due = db_is_null(0, 1) ? DT_NOEND : db_get_time(0, 1);
	*is_any_due = db_get_bool(0, 2);
	db_close(&call);
	return next_due;
}
