/*
 * store_draft.c
 *    Rows of hitl.draft.
 *
 * Written under the lock of the interrupt's row.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_draft.h"

/* by primary key */
DB_STATEMENT(draft_put,
			 "INSERT INTO hitl.draft (interrupt_id, person, action_no, revision, decision, drafted_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6)"
			 " ON CONFLICT (interrupt_id, person, action_no) DO UPDATE"
			 " SET revision = EXCLUDED.revision, decision = EXCLUDED.decision, drafted_at = EXCLUDED.drafted_at",
			 INT8OID, TEXTOID, INT4OID, INT4OID, JSONBOID, TIMESTAMPTZOID);

void
store_draft_put(int64 interrupt_id, const char *person, int action_no, int revision,
				Jsonb *decision, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), db_int(action_no), db_int(revision),
	db_jsonb(decision), db_time(at)};

	db_open(&call);
	(void) db_execute(&draft_put, args);
	db_close(&call);
}

/* a range of the primary key */
DB_STATEMENT(draft_list,
			 "SELECT decision FROM hitl.draft WHERE interrupt_id = $1 AND person = $2 AND revision = $3"
			 " ORDER BY interrupt_id, person, action_no",
			 INT8OID, TEXTOID, INT4OID);

/* What a person has drafted for this revision: the decisions, as Jsonb, by action. */
List *
store_drafts(int64 interrupt_id, const char *person, int revision)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), db_int(revision)};
	List	   *decisions = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&draft_list, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		decisions = lappend(decisions, db_get_jsonb(&call, i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return decisions;
}

/* a range of the primary key */
DB_STATEMENT(draft_delete,
			 "DELETE FROM hitl.draft WHERE interrupt_id = $1 AND person = $2 AND (action_no = $3 OR $3 = 0)",
			 INT8OID, TEXTOID, INT4OID);

/* action_no: 0 for all that the person has.  Returns how many there were. */
int
store_draft_delete(int64 interrupt_id, const char *person, int action_no)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(person), db_int(action_no)};
	int			n;

	db_open(&call);
	n = (int) db_execute(&draft_delete, args);
	db_close(&call);
	return n;
}

/* a range of the primary key */
DB_STATEMENT(draft_drop,
			 "DELETE FROM hitl.draft WHERE interrupt_id = $1",
			 INT8OID);

/* Everybody's: the interrupt is settled. */
void
store_draft_drop(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};

	db_open(&call);
	(void) db_execute(&draft_drop, args);
	db_close(&call);
}
