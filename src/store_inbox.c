/*
 * store_inbox.c
 *    What is in the inboxes of some roles, page by page.
 *
 * The audience is ordered by role, then as an inbox is.  A page of the inbox
 * of several roles is merged from the next rows of each; the cost is that of
 * the page, however many millions are pending.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_inbox.h"

static uint64
run(DbStatement *statement, const DbArg *args, HitlSnapshot snapshot)
{
	return snapshot == HITL_SNAPSHOT_STATEMENT ? db_execute_in_snapshot(statement, args) : db_execute(statement, args);
}

/* audience_inbox, from one role to the next: as many probes as there are roles */
DB_STATEMENT_NO_ARGS(inbox_roles,
					 "WITH RECURSIVE r (role) AS ("
					 " (SELECT a.role::oid FROM hitl.audience a ORDER BY a.role LIMIT 1)"
					 " UNION ALL"
					 " SELECT (SELECT a.role::oid FROM hitl.audience a WHERE a.role > r.role ORDER BY a.role LIMIT 1)"
					 " FROM r WHERE r.role IS NOT NULL)"
					 " SELECT r.role FROM r WHERE r.role IS NOT NULL");

/* The roles that may decide anything, as Oid. */
List *
store_inbox_roles(HitlSnapshot snapshot)
{
	DbCall		call;
	List	   *roles = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = run(&inbox_roles, NULL, snapshot);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		roles = lappend_oid(roles, db_get_oid(i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return roles;
}

/*
 * $7: what somebody holds is not wanted, and little is asked about it.  Most of
 * it: who claimed it is in its audience by himself, or is no role.  Of the rest
 * the reader finds out (rights_is_held).
 */
#define IS_PASSED_OVER \
	"CASE WHEN $7 AND i.claimed_until > $6 THEN COALESCE(" \
	" (SELECT EXISTS (SELECT FROM hitl._audience h WHERE h.interrupt_id = a.interrupt_id AND pg_catalog.pg_has_role(p.oid, h.role, 'USAGE')" \
	"                 AND NOT EXISTS (SELECT FROM hitl.delegation d WHERE d.interrupt_id = h.interrupt_id AND d.role = h.role AND d.is_added))" \
	"  FROM pg_catalog.pg_roles p WHERE p.rolname = i.claimed_by), i.claimed_until < 'infinity') ELSE false END"

/*
 * audience_inbox, a range per role; then primary keys for the rows of the page
 * alone: OFFSET 0 keeps the join behind the LIMIT.  The LIMITs are constants:
 * for an unknown one the planner reckons with a tenth of all that is pending.
 *
 * What counts for nothing (the view _audience) is in the page, and said to be so.
 */
#define INBOX_PAGE(limit) \
	"SELECT a.priority, a.opened_at, a.interrupt_id, a.role," \
	"  CASE WHEN NOT i.is_passed_over THEN (SELECT d.delegator FROM hitl.delegation d" \
	"   WHERE d.interrupt_id = a.interrupt_id AND d.role = a.role AND d.is_added ORDER BY d.interrupt_id, d.delegator LIMIT 1) END," \
	"  CASE WHEN i.is_passed_over THEN true" \
	"   ELSE EXISTS (SELECT FROM hitl.snooze s WHERE s.interrupt_id = a.interrupt_id AND s.person = $5 AND s.until_at > $6)" \
	"        OR COALESCE((SELECT NOT v.is_withdrawal FROM hitl.vote v" \
	"                     WHERE v.interrupt_id = a.interrupt_id AND " VOTER_NOW(v) " = $5 AND v.revision = i.revision" \
	"                     ORDER BY v.interrupt_id DESC, v.vote_id DESC LIMIT 1), false) END," \
	"  EXISTS (SELECT FROM hitl.audience b WHERE b.interrupt_id = a.interrupt_id AND b.role = a.role AND b.is_granted" \
	"          AND NOT EXISTS (SELECT FROM hitl.grant g WHERE g.\"right\" = 'reviewer' AND g.role = b.role AND g.graph_id IN (0, i.graph_id)))," \
	"  i.graph_id, i.policy_id, i.policy_version, i.claimed_by, i.claimed_until," \
	"  CASE WHEN i.policy_id IS NOT NULL AND NOT i.is_passed_over THEN" \
	"   (SELECT root.starter FROM hitl.thread t JOIN hitl.thread root ON root.thread_id = COALESCE(t.root_id, t.thread_id)" \
	"    WHERE t.thread_id = i.thread_id) END," \
	"  i.reopens IS NOT NULL" \
	" FROM (SELECT n.priority, n.opened_at, n.interrupt_id, n.role" \
	"       FROM pg_catalog.unnest($1) r (role)" \
	"            CROSS JOIN LATERAL (SELECT a.priority, a.opened_at, a.interrupt_id, a.role FROM hitl.audience a" \
	"                                WHERE a.role = r.role AND (a.priority, a.opened_at, a.interrupt_id) > ($2, $3, $4)" \
	"                                ORDER BY a.priority, a.opened_at, a.interrupt_id LIMIT " limit ") n" \
	"       ORDER BY n.priority, n.opened_at, n.interrupt_id, n.role LIMIT " limit ") a" \
	"      CROSS JOIN LATERAL (SELECT i.thread_id, i.graph_id, i.policy_id, i.policy_version, i.revision, i.claimed_by, i.claimed_until, i.reopens," \
	"                                 " IS_PASSED_OVER " AS is_passed_over" \
	"                          FROM hitl.interrupt i WHERE i.interrupt_id = a.interrupt_id OFFSET 0) i" \
	" ORDER BY a.priority, a.opened_at, a.interrupt_id, a.role"
#define INBOX_PAGE_TYPES OIDARRAYOID, INT2OID, TIMESTAMPTZOID, INT8OID, TEXTOID, TIMESTAMPTZOID, BOOLOID

DB_STATEMENT(inbox_first_page, INBOX_PAGE("32"), INBOX_PAGE_TYPES);
DB_STATEMENT(inbox_page, INBOX_PAGE("1024"), INBOX_PAGE_TYPES);

/*
 * The next rows of these roles (Oid) behind a place, as HitlInboxRow in order:
 * a row for each role that an interrupt has of them.  *is_last: there are no
 * more; else the page may end among the rows of an interrupt.
 */
List *
store_inbox_page(List *roles, const HitlInboxKey *after, bool is_first, const char *person, TimestampTz now,
				 bool only_free, HitlSnapshot snapshot, bool *is_last)
{
	DbCall		call;
	Oid		   *oids = palloc(sizeof(Oid) * Max(list_length(roles), 1));
	int			n_oids = 0;
	List	   *rows = NIL;
	uint64		n;
	ListCell   *cell;
	MemoryContext old;

	foreach(cell, roles)
		oids[n_oids++] = lfirst_oid(cell);
	{
		DbArg		args[] = {
			db_oid_array(oids, n_oids), db_smallint(after->priority), db_time(after->opened_at),
			db_bigint(after->interrupt_id), db_text(person), db_time(now), db_bool(only_free)
		};

		db_open(&call);
		n = run(is_first ? &inbox_first_page : &inbox_page, args, snapshot);
	}
	*is_last = n < (is_first ? 32 : 1024);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlInboxRow *row = palloc(sizeof(HitlInboxRow));

		row->key.priority = db_get_smallint(i, 1);
		row->key.opened_at = db_get_time(i, 2);
		row->key.interrupt_id = db_get_bigint(i, 3);
		row->role = db_get_oid(i, 4);
		row->delegator = db_get_text(&call, i, 5);
		row->is_aside = db_get_bool(i, 6);
		row->is_void = db_get_bool(i, 7);
		row->graph_id = db_get_bigint(i, 8);
		row->policy_id = db_get_bigint(i, 9);
		row->policy_version = db_get_int(i, 10);
		row->claimed_by = db_get_text(&call, i, 11);
		row->claimed_until = db_get_time(i, 12);
		row->starter = db_get_text(&call, i, 13);
		row->is_reopened = db_get_bool(i, 14);
		rows = lappend(rows, row);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return rows;
}
