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
 * Who is told for a role: the role, if it has an address; else its members that
 * have one; else, so that nothing is lost, the role.  A superuser is everybody's
 * member, but not meant unless he was made one.
 */
#define TOLD_FOR(roles) \
	" SELECT DISTINCT COALESCE(m.member, g.role) FROM (" roles ") g (role)" \
	" LEFT JOIN LATERAL (" \
	"  SELECT p.rolname::text FROM hitl.contact c JOIN pg_catalog.pg_roles p ON p.oid = c.role" \
	"    JOIN pg_catalog.pg_roles r ON r.rolname = g.role" \
	"  WHERE pg_catalog.pg_has_role(p.oid, r.oid, 'USAGE')" \
	"    AND (p.oid = r.oid OR NOT p.rolsuper" \
	"         OR EXISTS (SELECT FROM pg_catalog.pg_auth_members a WHERE a.roleid = r.oid AND a.member = p.oid))" \
	"    AND (p.oid = r.oid OR NOT EXISTS (SELECT FROM hitl.contact o WHERE o.role = r.oid))" \
	" ) m (member) ON true"

#define OUTBOX_INSERT \
	"INSERT INTO hitl.outbox (dedup_key, interrupt_id, kind, role, created_at, due_at)" \
	" SELECT $1::text || '/' || $3 || '/' || t.role, $1, $2, t.role, $4, $4 FROM ("

DB_STATEMENT(outbox_insert,
			 OUTBOX_INSERT
			 TOLD_FOR("SELECT u.role FROM pg_catalog.unnest($5) u (role)")
			 ") t (role) ON CONFLICT (dedup_key) DO NOTHING",
			 INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTARRAYOID);

/* audience_pkey */
DB_STATEMENT(outbox_insert_audience,
			 OUTBOX_INSERT
			 TOLD_FOR("SELECT p.rolname::text FROM hitl.audience a JOIN pg_catalog.pg_roles p ON p.oid = a.role WHERE a.interrupt_id = $1")
			 ") t (role) ON CONFLICT (dedup_key) DO NOTHING",
			 INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

/*
 * Messages to these roles, as C strings, about an interrupt; NIL: to its
 * audience.  One that is there already for this reason stays the only one.
 */
void
store_outbox_insert(int64 interrupt_id, const char *kind, List *roles, const char *reason, TimestampTz at)
{
	DbCall		call;
	const char **names = palloc(sizeof(char *) * Max(list_length(roles), 1));
	int			n_names = 0;
	ListCell   *cell;

	foreach(cell, roles)
		names[n_names++] = lfirst(cell);
	{
		DbArg		args[] = {db_bigint(interrupt_id), db_text(kind), db_text(reason), db_time(at), db_text_array(names, n_names)};

		db_open(&call);
		(void) db_execute(roles != NIL ? &outbox_insert : &outbox_insert_audience, args);
		db_close(&call);
	}
}
