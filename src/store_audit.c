/*
 * store_audit.c
 *    Rows of hitl.audit: appended, never changed.
 *
 * No update or delete exists here.  Only audit.c calls it.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_audit.h"

DB_STATEMENT(audit_append,
			 "INSERT INTO hitl.audit (thread_id, at, event, step, node, task_id, interrupt_id, actor, login, role, actor_kind, detail)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
			 INT8OID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID, INT8OID, INT8OID,
			 TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID);

void
store_audit_append(const HitlAudit *audit, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(audit->thread_id), db_time(at), db_text(audit->event),
		audit->step != 0 ? db_int(audit->step) : db_null(),
		db_text(audit->node),
		audit->task_id != 0 ? db_bigint(audit->task_id) : db_null(),
		audit->interrupt_id != 0 ? db_bigint(audit->interrupt_id) : db_null(),
		db_text(audit->actor), db_text(audit->login), db_text(audit->role), db_text(audit->actor_kind),
	db_jsonb(audit->detail)};

	db_open(&call);
	(void) db_execute(&audit_append, args);
	db_close(&call);
}

DB_STATEMENT(audit_append_many,
			 "INSERT INTO hitl.audit (thread_id, at, event, actor, login, role, actor_kind)"
			 " SELECT u.thread_id, $2, $3, $4, $5, $6, $7 FROM pg_catalog.unnest($1) AS u (thread_id)",
			 INT8ARRAYOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID);

/* The same event of many threads; of a row, only what is the same for all. */
void
store_audit_append_many(const HitlAudit *audit, const int64 *thread_ids, int n, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(thread_ids, n), db_time(at), db_text(audit->event),
	db_text(audit->actor), db_text(audit->login), db_text(audit->role), db_text(audit->actor_kind)};

	db_open(&call);
	(void) db_execute(&audit_append_many, args);
	db_close(&call);
}

/* a range of the primary key, from its end to the last input */
DB_STATEMENT(audit_input_dropped,
			 "SELECT event = 'dropped' FROM hitl.audit WHERE thread_id = $1 AND event IN ('started', 'enqueued', 'began', 'dropped')"
			 " ORDER BY thread_id DESC, audit_id DESC LIMIT 1",
			 INT8OID);

/* Was the last input that a thread was given dropped before it was taken? */
bool
store_audit_input_dropped(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	bool		is_dropped;

	db_open(&call);
	is_dropped = db_execute(&audit_input_dropped, args) > 0 && db_get_bool(0, 1);
	db_close(&call);
	return is_dropped;
}

/* the end of a range of the primary key */
DB_STATEMENT(audit_last_at,
			 "SELECT at FROM hitl.audit WHERE thread_id = $1 ORDER BY thread_id DESC, audit_id DESC LIMIT 1",
			 INT8OID);

/* When did something happen to a thread last? */
TimestampTz
store_audit_last_at(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	TimestampTz at = DT_NOBEGIN;

	db_open(&call);
	if (db_execute(&audit_last_at, args) > 0)
		at = db_get_time(0, 1);
	db_close(&call);
	return at;
}
