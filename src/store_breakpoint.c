/*
 * store_breakpoint.c
 *    Rows of hitl.breakpoint: where threads stop, as operators say.
 *
 * Few are in force, read whole and kept by breakpoint.c.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "names.h"
#include "store_breakpoint.h"

DB_STATEMENT_NO_ARGS(breakpoint_list,
					 "SELECT graph_id, node, kind FROM hitl.breakpoint WHERE removed_at IS NULL ORDER BY graph_id, node, kind");

/* Those in force, as HitlBreakpoint. */
List *
store_breakpoint_list(void)
{
	DbCall		call;
	List	   *breakpoints = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&breakpoint_list, NULL);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlBreakpoint *breakpoint = palloc0(sizeof(HitlBreakpoint));

		breakpoint->graph_id = db_get_bigint(i, 1);
		breakpoint->node = db_get_text(&call, i, 2);
		breakpoint->kind = name_to_breakpoint_kind(db_get_text(&call, i, 3));
		breakpoints = lappend(breakpoints, breakpoint);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return breakpoints;
}

/* two who set the same at once: the second waits and is told */
DB_STATEMENT(breakpoint_put,
			 "INSERT INTO hitl.breakpoint (graph_id, node, kind, set_by, set_at) VALUES ($1, $2, $3, $4, $5)"
			 " ON CONFLICT (graph_id, node, kind) WHERE removed_at IS NULL DO NOTHING",
			 INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

DB_STATEMENT(breakpoint_remove,
			 "UPDATE hitl.breakpoint SET removed_by = $4, removed_at = $5"
			 " WHERE graph_id = $1 AND node = $2 AND kind = $3 AND removed_at IS NULL",
			 INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

static bool
write_row(DbStatement *statement, const DbArg *args)
{
	DbCall		call;
	bool		is_changed;

	db_open(&call);
	is_changed = db_execute(statement, args) > 0;
	db_close(&call);
	return is_changed;
}

/* Returns false when it is there already. */
bool
store_breakpoint_put(const HitlBreakpoint *breakpoint, const char *by, TimestampTz at)
{
	DbArg		args[] = {db_bigint(breakpoint->graph_id), db_text(breakpoint->node),
	db_text(name_breakpoint_kind(breakpoint->kind)), db_text(by), db_time(at)};

	return write_row(&breakpoint_put, args);
}

/* The row stays, as a trail.  Returns false when none is in force. */
bool
store_breakpoint_remove(const HitlBreakpoint *breakpoint, const char *by, TimestampTz at)
{
	DbArg		args[] = {db_bigint(breakpoint->graph_id), db_text(breakpoint->node),
	db_text(name_breakpoint_kind(breakpoint->kind)), db_text(by), db_time(at)};

	return write_row(&breakpoint_remove, args);
}

/* an operator's look, not a node's: versions are few */
DB_STATEMENT(breakpoint_has_node,
			 "SELECT 1 FROM hitl.graph_version WHERE ($1 = 0 OR graph_id = $1)"
			 " AND (definition OPERATOR(pg_catalog.->) 'nodes') OPERATOR(pg_catalog.?) $2 LIMIT 1",
			 INT8OID, TEXTOID);

/* Is there a node of that name in any version of a graph (0: of any)? */
bool
store_breakpoint_has_node(int64 graph_id, const char *node)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_text(node)};
	bool		found;

	db_open(&call);
	found = db_execute(&breakpoint_has_node, args) > 0;
	db_close(&call);
	return found;
}
