/*
 * store_desk.c
 *    Rows of hitl.delegation, absence, snooze, comment and viewed, and the claim
 *    of an interrupt.
 *
 * All but absences and what was viewed is written by who holds the interrupt's
 * row.  Who is away, and until when, is a comparison with the time that the
 * caller gives: nothing has to happen when an absence or a claim is over.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_desk.h"

static uint64
run(DbStatement *statement, const DbArg *args)
{
	DbCall		call;
	uint64		n;

	db_open(&call);
	n = db_execute(statement, args);
	db_close(&call);
	return n;
}

/* ------------------------------------------------------------------ seats */

/* a range of the primary key */
DB_STATEMENT(delegation_list,
			 "SELECT d.delegator, d.role, d.is_added,"
			 "  d.delegator_role IS NOT NULL AND NOT EXISTS"
			 "   (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = d.delegator_role AND r.rolname::text = d.delegator)"
			 " FROM hitl.delegation d WHERE d.interrupt_id = $1 ORDER BY d.interrupt_id, d.delegator, d.role",
			 INT8OID);

/* Who may decide an interrupt in whose place, as HitlDelegation. */
List *
store_delegations(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *delegations = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&delegation_list, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlDelegation *delegation = palloc(sizeof(HitlDelegation));

		delegation->delegator = db_get_text(&call, i, 1);
		delegation->role = db_get_oid(i, 2);
		delegation->is_added = db_get_bool(i, 3);
		delegation->is_void = db_get_bool(i, 4);
		delegations = lappend(delegations, delegation);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return delegations;
}

/* absence_substitute; a role that has got the name of another one since is not that one */
DB_STATEMENT(absence_absent,
			 "SELECT DISTINCT a.person FROM hitl.absence a"
			 " JOIN pg_catalog.pg_roles p ON p.oid = a.person_role AND p.rolname::text = a.person"
			 " JOIN pg_catalog.pg_roles s ON s.oid = a.substitute_role AND s.rolname::text = a.substitute"
			 " WHERE a.substitute = $1 AND a.revoked_at IS NULL AND a.starts_at <= $2 AND a.ends_at > $2 ORDER BY a.person",
			 TEXTOID, TIMESTAMPTZOID);

/* The persons who are away now and have named this one, as C strings. */
List *
store_absent(const char *substitute, TimestampTz now)
{
	DbCall		call;
	DbArg		args[] = {db_text(substitute), db_time(now)};
	List	   *persons = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&absence_absent, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		persons = lappend(persons, db_get_text(&call, i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return persons;
}

/*
 * A role that is in the audience already keeps a right of its own, unless it is
 * there because of another delegation.
 */
DB_STATEMENT(delegation_insert,
			 "WITH added AS ("
			 " INSERT INTO hitl.audience (role, priority, opened_at, interrupt_id)"
			 " SELECT $3, i.priority, i.opened_at, i.interrupt_id FROM hitl.interrupt i WHERE i.interrupt_id = $1"
			 " ON CONFLICT (interrupt_id, role) DO NOTHING RETURNING role)"
			 " INSERT INTO hitl.delegation AS d (interrupt_id, delegator, delegator_role, role, is_added, delegated_at)"
			 " VALUES ($1, $2, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname::text = $2), $3, EXISTS (SELECT FROM added), $4)"
			 " ON CONFLICT (interrupt_id, delegator, role) DO UPDATE"
			 "  SET delegator_role = EXCLUDED.delegator_role, delegated_at = EXCLUDED.delegated_at"
			 "  WHERE d.delegator_role IS DISTINCT FROM EXCLUDED.delegator_role",
			 INT8OID, TEXTOID, REGROLEOID, TIMESTAMPTZOID);

/* The same again does nothing. */
void
store_delegation_insert(int64 interrupt_id, const char *delegator, Oid role, TimestampTz at)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(delegator), db_oid(role), db_time(at)};

	(void) run(&delegation_insert, args);
}

DB_STATEMENT(absence_insert,
			 "INSERT INTO hitl.absence (person, person_role, substitute, substitute_role, starts_at, ends_at, set_at)"
			 " SELECT $1, p.oid, $2, s.oid, $3, $4, $5 FROM pg_catalog.pg_roles p, pg_catalog.pg_roles s"
			 " WHERE p.rolname = $1::name AND s.rolname = $2::name RETURNING absence_id",
			 TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID);

int64
store_absence_insert(const HitlAbsence *absence, TimestampTz now)
{
	DbCall		call;
	DbArg		args[] = {db_text(absence->person), db_text(absence->substitute),
	db_time(absence->starts_at), db_time(absence->ends_at), db_time(now)};
	int64		absence_id;

	db_open(&call);
	(void) db_execute(&absence_insert, args);
	absence_id = db_get_bigint(0, 1);
	db_close(&call);
	return absence_id;
}

/* absence_person */
DB_STATEMENT(absence_revoke,
			 "UPDATE hitl.absence SET revoked_at = $2 WHERE person = $1 AND revoked_at IS NULL AND ends_at > $2",
			 TEXTOID, TIMESTAMPTZOID);

/* A person is back: what stands now or was to come is over.  Returns how many. */
int
store_absence_revoke(const char *person, TimestampTz now)
{
	DbArg		args[] = {db_text(person), db_time(now)};

	return (int) run(&absence_revoke, args);
}

/* ------------------------------------------------------------------ claims */

DB_STATEMENT(claim,
			 "UPDATE hitl.interrupt SET claimed_by = $2, claimed_until = $3 WHERE interrupt_id = $1",
			 INT8OID, TEXTOID, TIMESTAMPTZOID);

/* person NULL: nobody holds it any more. */
void
store_claim(int64 interrupt_id, const char *person, TimestampTz until)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), person != NULL ? db_time(until) : db_null()};

	(void) run(&claim, args);
}

/* ---------------------------------------------------------- snoozes, words */

DB_STATEMENT(snooze_put,
			 "INSERT INTO hitl.snooze (interrupt_id, person, until_at) VALUES ($1, $2, $3)"
			 " ON CONFLICT (interrupt_id, person) DO UPDATE SET until_at = EXCLUDED.until_at",
			 INT8OID, TEXTOID, TIMESTAMPTZOID);

void
store_snooze_put(int64 interrupt_id, const char *person, TimestampTz until)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), db_time(until)};

	(void) run(&snooze_put, args);
}

DB_STATEMENT(snooze_delete,
			 "DELETE FROM hitl.snooze WHERE interrupt_id = $1 AND person = $2",
			 INT8OID, TEXTOID);

/* Returns whether there was one. */
bool
store_snooze_delete(int64 interrupt_id, const char *person)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person)};

	return run(&snooze_delete, args) > 0;
}

DB_STATEMENT(comment_insert,
			 "INSERT INTO hitl.comment (interrupt_id, kind, person, login, text, commented_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6) RETURNING comment_id",
			 INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

int64
store_comment_insert(int64 interrupt_id, HitlCommentKind kind, const char *person,
					 const char *login, const char *text, TimestampTz at)
{
	static const char *const kinds[] = {
		[HITL_COMMENT] = "comment",
		[HITL_COMMENT_ASSIGNED] = "assigned",
		[HITL_COMMENT_DELEGATED] = "delegated",
		[HITL_COMMENT_DISMISSED] = "dismissed",
		[HITL_COMMENT_RELEASED] = "released",
		[HITL_COMMENT_REOPENED] = "reopened",
	};
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(kinds[kind]), db_text(person),
	db_text(login), db_text(text), db_time(at)};
	int64		comment_id;

	db_open(&call);
	(void) db_execute(&comment_insert, args);
	comment_id = db_get_bigint(0, 1);
	db_close(&call);
	return comment_id;
}

DB_STATEMENT(viewed_insert,
			 "INSERT INTO hitl.viewed (interrupt_id, person, revision, viewed_at) VALUES ($1, $2, $3, $4)"
			 " ON CONFLICT (interrupt_id, person, revision) DO NOTHING",
			 INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID);

/* Returns whether it is the first time. */
bool
store_viewed_insert(int64 interrupt_id, const char *person, int revision, TimestampTz at)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), db_int(revision), db_time(at)};

	return run(&viewed_insert, args) > 0;
}

/* a range of the primary key */
DB_STATEMENT(vote_of_person,
			 "SELECT 1 FROM hitl.vote v WHERE v.interrupt_id = $1 AND " VOTER_NOW(v) " = $2 LIMIT 1",
			 INT8OID, TEXTOID);

/* Has a person ever voted on an interrupt? */
bool
store_has_voted(int64 interrupt_id, const char *person)
{
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person)};

	return run(&vote_of_person, args) > 0;
}

/* a range of the primary key */
DB_STATEMENT(comment_list,
			 "SELECT kind, person, text, commented_at FROM hitl.comment WHERE interrupt_id = $1 ORDER BY interrupt_id, comment_id",
			 INT8OID);

/* What was said about an interrupt, as HitlComment, oldest first. */
List *
store_comments(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *comments = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&comment_list, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlComment *comment = palloc(sizeof(HitlComment));

		comment->kind = db_get_text(&call, i, 1);
		comment->person = db_get_text(&call, i, 2);
		comment->text = db_get_text(&call, i, 3);
		comment->commented_at = db_get_time(i, 4);
		comments = lappend(comments, comment);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return comments;
}
