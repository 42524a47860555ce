/*
 * store_outbox.c
 *    Rows of hitl.outbox and contact.
 *
 * A message is a row from the commit of its reason until a sender has handed it
 * over; it is claimed by moving its due time, so that a sender that dies loses
 * nothing: the time comes.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_outbox.h"

/*
 * For a role, whoever is reached for it; nobody: the role, so that nothing is
 * lost.  Role by role, as OFFSET 0 has it: the view for all roles is long.
 */
#define TOLD_FOR(roles) \
	" SELECT DISTINCT COALESCE(m.member, g.role)::text FROM (" roles ") g (role)" \
	" LEFT JOIN LATERAL (SELECT r.member FROM hitl._reachable r WHERE r.role = g.role OFFSET 0) m ON true ORDER BY 1"

#define OUTBOX_INSERT \
	"INSERT INTO hitl.outbox (dedup_key, interrupt_id, kind, role, created_at, due_at)" \
	" SELECT $1::text || '/' || $3 || '/' || t.role, $1, $2, t.role, $4, $4 FROM ("

DB_STATEMENT(outbox_insert,
			 OUTBOX_INSERT
			 TOLD_FOR("SELECT u.role::name FROM pg_catalog.unnest($5) u (role)")
			 ") t (role) ON CONFLICT (dedup_key) DO NOTHING",
			 INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTARRAYOID);

/* audience_pkey */
DB_STATEMENT(outbox_insert_audience,
			 OUTBOX_INSERT
			 TOLD_FOR("SELECT p.rolname FROM hitl._audience a JOIN pg_catalog.pg_roles p ON p.oid = a.role WHERE a.interrupt_id = $1")
			 ") t (role) ON CONFLICT (dedup_key) DO NOTHING",
			 INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

/*
 * Messages to these roles, as C strings, about an interrupt; NIL: to its
 * audience.  One that is there already for this reason stays the only one.
 * Returns how many are new.
 */
int
store_outbox_insert(int64 interrupt_id, const char *kind, List *roles, const char *reason, TimestampTz at)
{
	DbCall		call;
	const char **names = palloc(sizeof(char *) * Max(list_length(roles), 1));
	int			n_names = 0;
	int			n;
	ListCell   *cell;

	foreach(cell, roles)
		names[n_names++] = lfirst(cell);
	{
		DbArg		args[] = {db_bigint(interrupt_id), db_text(kind), db_text(reason), db_time(at), db_text_array(names, n_names)};

		db_open(&call);
		n = (int) db_execute(roles != NIL ? &outbox_insert : &outbox_insert_audience, args);
		db_close(&call);
	}
	return n;
}

#define MESSAGE_COLUMNS \
	"o.outbox_id, o.message_id::text, o.interrupt_id, o.kind, o.role, o.attempts, o.created_at," \
	" o.dropped_at IS NOT NULL, o.sent_at IS NOT NULL," \
	" (SELECT pg_catalog.string_agg(m.address, ', ' ORDER BY m.address) FROM hitl._reachable m WHERE m.role = o.role)"

static HitlMessage *
read_message(DbCall *call, uint64 row)
{
	HitlMessage *message = MemoryContextAllocZero(call->caller, sizeof(HitlMessage));

	message->outbox_id = db_get_bigint(row, 1);
	message->message_id = db_get_text(call, row, 2);
	message->interrupt_id = db_get_bigint(row, 3);
	message->kind = db_get_text(call, row, 4);
	message->role = db_get_text(call, row, 5);
	message->attempts = db_get_int(row, 6);
	message->created_at = db_get_time(row, 7);
	message->is_dropped = db_get_bool(row, 8);
	message->is_sent = db_get_bool(row, 9);
	message->address = db_get_text(call, row, 10);
	return message;
}

DB_STATEMENT(outbox_find,
			 "SELECT " MESSAGE_COLUMNS " FROM hitl.outbox o WHERE o.outbox_id = $1",
			 INT8OID);

/* NULL when there is none */
HitlMessage *
store_outbox_find(int64 outbox_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(outbox_id)};
	HitlMessage *message = NULL;

	db_open(&call);
	if (db_execute(&outbox_find, args) > 0)
		message = read_message(&call, 0);
	db_close(&call);
	return message;
}

/*
 * outbox_due: those whose time has come, oldest first, that nobody is taking.
 * What asks somebody to act on a question is dropped once that is settled; what
 * tells of its end is not.
 */
DB_STATEMENT(outbox_claim,
			 "WITH due AS ("
			 " SELECT o.outbox_id, i.status <> 'pending' AND o.kind NOT IN ('expired', 'decided') AS is_useless"
			 " FROM hitl.outbox o JOIN hitl.interrupt i ON i.interrupt_id = o.interrupt_id"
			 " WHERE o.sent_at IS NULL AND o.dropped_at IS NULL AND o.due_at <= $4"
			 "   AND ($2 OR pg_catalog.pg_has_role($1, i.owner, 'USAGE')"
			 "        OR EXISTS (SELECT FROM hitl.grant g WHERE g.\"right\" = 'operator' AND g.graph_id IN (0, i.graph_id)"
			 "                   AND pg_catalog.pg_has_role($1, g.role, 'USAGE')))"
			 " ORDER BY o.due_at, o.outbox_id LIMIT $3 FOR UPDATE OF o SKIP LOCKED),"
			 " claimed AS ("
			 " UPDATE hitl.outbox o SET due_at = $5, attempts = o.attempts + CASE WHEN d.is_useless THEN 0 ELSE 1 END,"
			 "   dropped_at = CASE WHEN d.is_useless THEN $4 END"
			 " FROM due d WHERE o.outbox_id = d.outbox_id RETURNING o.*)"
			 " SELECT " MESSAGE_COLUMNS " FROM claimed o ORDER BY o.outbox_id",
			 OIDOID, BOOLOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

/*
 * Take up to max messages until then; user: whose graphs, or those he operates,
 * they are about; is_owner: all of them.  Dropped ones are among them.
 */
List *
store_outbox_claim(Oid user, bool is_owner, int max, TimestampTz now, TimestampTz until)
{
	DbCall		call;
	DbArg		args[] = {db_oid(user), db_bool(is_owner), db_int(max), db_time(now), db_time(until)};
	List	   *messages = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&outbox_claim, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		messages = lappend(messages, read_message(&call, i));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return messages;
}

DB_STATEMENT(outbox_sent,
			 "UPDATE hitl.outbox SET sent_at = $2, dropped_at = NULL, error = NULL WHERE outbox_id = $1 AND sent_at IS NULL",
			 INT8OID, TIMESTAMPTZOID);

/* It was handed over.  False: it had been before. */
bool
store_outbox_sent(int64 outbox_id, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(outbox_id), db_time(at)};
	bool		is_news;

	db_open(&call);
	is_news = db_execute(&outbox_sent, args) > 0;
	db_close(&call);
	return is_news;
}

DB_STATEMENT(outbox_failed,
			 "UPDATE hitl.outbox SET error = $2, due_at = $3 WHERE outbox_id = $1 AND sent_at IS NULL AND dropped_at IS NULL",
			 INT8OID, TEXTOID, TIMESTAMPTZOID);

/* It could not be, and is due again then.  False: it is not to be sent any more. */
bool
store_outbox_failed(int64 outbox_id, const char *error, TimestampTz due_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(outbox_id), db_text(error), db_time(due_at)};
	bool		is_open;

	db_open(&call);
	is_open = db_execute(&outbox_failed, args) > 0;
	db_close(&call);
	return is_open;
}

/* ------------------------------------------------------------------ contacts */

DB_STATEMENT(contact_set,
			 "INSERT INTO hitl.contact (role, address, set_by, set_at) VALUES ($1, $2, $3, $4)"
			 " ON CONFLICT (role) DO UPDATE SET address = EXCLUDED.address, set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at",
			 REGROLEOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

void
store_contact_set(Oid role, const char *address, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role), db_text(address), db_text(by), db_time(at)};

	db_open(&call);
	(void) db_execute(&contact_set, args);
	db_close(&call);
}

DB_STATEMENT(contact_delete,
			 "DELETE FROM hitl.contact WHERE role = $1",
			 REGROLEOID);

/* False: there was none. */
bool
store_contact_delete(Oid role)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role)};
	bool		was_there;

	db_open(&call);
	was_there = db_execute(&contact_delete, args) > 0;
	db_close(&call);
	return was_there;
}
