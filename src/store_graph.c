/*
 * store_graph.c
 *    Rows of hitl.graph, graph_version and graph_function.
 *
 * The graph's row is the lock of its draft: add_node(), add_edge(), compile()
 * and the like take turns.  Rows of a version > 0 never change.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "miscadmin.h"
#include "store_graph.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

static HitlGraph *
read_graph(DbCall *call)
{
	HitlGraph  *graph = MemoryContextAllocZero(call->caller, sizeof(HitlGraph));

	graph->graph_id = db_get_bigint(0, 1);
	graph->name = db_get_text(call, 0, 2);
	graph->owner = db_get_oid(0, 3);
	graph->version = db_get_int(0, 4);
	return graph;
}

static HitlGraph *
find_graph(DbStatement *statement, const char *name)
{
	DbCall		call;
	DbArg		args[] = {db_text(name)};
	HitlGraph  *graph = NULL;

	db_open(&call);
	if (db_execute(statement, args) > 0)
		graph = read_graph(&call);
	db_close(&call);
	return graph;
}

/* graph_name_key */
DB_STATEMENT(graph_find,
			 "SELECT graph_id, graph, owner, version FROM hitl.graph WHERE graph = $1",
			 TEXTOID);

/* NULL when there is none of that name */
HitlGraph *
store_graph_find(const char *name)
{
	return find_graph(&graph_find, name);
}

/* graph_pkey */
DB_STATEMENT(graph_name,
			 "SELECT graph FROM hitl.graph WHERE graph_id = $1",
			 INT8OID);

/* NULL when there is none of that id */
char *
store_graph_name(int64 graph_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id)};
	char	   *name = NULL;

	db_open(&call);
	if (db_execute(&graph_name, args) > 0)
		name = db_get_text(&call, 0, 1);
	db_close(&call);
	return name;
}

DB_STATEMENT(graph_lock,
			 "SELECT graph_id, graph, owner, version FROM hitl.graph WHERE graph = $1"
			 " FOR NO KEY UPDATE",
			 TEXTOID);

HitlGraph *
store_graph_lock(const char *name)
{
	return find_graph(&graph_lock, name);
}

DB_STATEMENT(graph_insert,
			 "INSERT INTO hitl.graph (graph, owner) VALUES ($1, $2)"
			 " ON CONFLICT (graph) DO NOTHING RETURNING graph_id",
			 TEXTOID, REGROLEOID);

/* Returns the new id; 0 when the name is taken. */
int64
store_graph_insert(const char *name, Oid owner)
{
	DbCall		call;
	DbArg		args[] = {db_text(name), db_oid(owner)};
	int64		graph_id = 0;

	db_open(&call);
	if (db_execute(&graph_insert, args) > 0)
		graph_id = db_get_bigint(0, 1);
	db_close(&call);
	return graph_id;
}

DB_STATEMENT(graph_owner_is_marked,
			 "SELECT 1 FROM pg_catalog.pg_type t CROSS JOIN LATERAL pg_catalog.aclexplode(t.typacl) a"
			 " WHERE t.oid = 'hitl.graph_owner'::pg_catalog.regtype AND a.grantee = $1",
			 OIDOID);

DB_STATEMENT_NO_ARGS(graph_marker,
					 "SELECT 'hitl.graph_owner'::pg_catalog.regtype");

static bool
owner_is_marked(Oid owner)
{
	DbCall		call;
	DbArg		args[] = {db_oid(owner)};
	bool		is_marked;

	db_open(&call);
	is_marked = db_execute(&graph_owner_is_marked, args) > 0;
	db_close(&call);
	return is_marked;
}

/* short tables, and DROP OWNED is rare */
DB_STATEMENT(graph_has_owner,
			 "SELECT 1 WHERE EXISTS (SELECT FROM hitl.graph WHERE owner = $1)"
			 " OR EXISTS (SELECT FROM hitl.policy WHERE owner = $1)"
			 " OR EXISTS (SELECT FROM hitl.rule WHERE owner = $1 AND dropped_at IS NULL)",
			 REGROLEOID);

/* Does this role own graphs, policies or rules? */
bool
store_graph_has_owner(Oid owner)
{
	DbCall		call;
	DbArg		args[] = {db_oid(owner)};
	bool		has;

	db_open(&call);
	has = db_execute(&graph_has_owner, args) > 0;
	db_close(&call);
	return has;
}

/*
 * Before a role's first graph: give it the marker right that keeps it from
 * being dropped (see sql/20_graph.sql).  GRANT cannot run twice at once on one
 * object, so the first graphs of roles take turns.
 */
void
store_graph_mark_owner(Oid owner)
{
	DbCall		call;

	if (owner == db_owner() || owner_is_marked(owner))
		return;
	db_open(&call);
	(void) db_execute(&graph_marker, NULL);
	LockDatabaseObject(TypeRelationId, db_get_oid(0, 1), 0, ShareUpdateExclusiveLock);
	db_close(&call);
	if (!owner_is_marked(owner))
		db_utility(psprintf("GRANT USAGE ON DOMAIN hitl.graph_owner TO %s",
							quote_identifier(GetUserNameFromId(owner, false))));
}

DB_STATEMENT(graph_set_version,
			 "UPDATE hitl.graph SET version = $2 WHERE graph_id = $1",
			 INT8OID, INT4OID);

void
store_graph_set_version(int64 graph_id, int version)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_int(version)};

	db_open(&call);
	(void) db_execute(&graph_set_version, args);
	db_close(&call);
}

/* by primary keys */
DB_STATEMENT(version_find,
			 "SELECT g.graph, g.owner, v.definition, v.search_path, v.xmin"
			 " FROM hitl.graph g JOIN hitl.graph_version v ON v.graph_id = g.graph_id"
			 " WHERE g.graph_id = $1 AND v.graph_id = $1 AND v.version = $2",
			 INT8OID, INT4OID);

DB_STATEMENT(version_functions,
			 "SELECT signature, owner, code_hash, shadow FROM hitl.graph_function WHERE graph_id = $1 AND version = $2",
			 INT8OID, INT4OID);

/* A version, or the draft.  NULL when there is no such graph or version. */
HitlVersionRow *
store_version_find(int64 graph_id, int version)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_int(version)};
	HitlVersionRow *row = NULL;

	db_open(&call);
	if (db_execute(&version_find, args) > 0)
	{
		MemoryContext old;
		uint64		n;

		row = MemoryContextAllocZero(call.caller, sizeof(HitlVersionRow));
		row->graph_id = graph_id;
		row->version = version;
		row->name = db_get_text(&call, 0, 1);
		row->owner = db_get_oid(0, 2);
		row->definition = db_get_jsonb(&call, 0, 3);
		row->search_path = db_get_text(&call, 0, 4);
		/* an xid as a Datum is like an oid */
		row->is_ours = TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(0, 5));

		n = db_execute(&version_functions, args);
		old = MemoryContextSwitchTo(call.caller);
		for (uint64 i = 0; i < n; i++)
		{
			HitlFunction *function = palloc0(sizeof(HitlFunction));

			function->signature = db_get_text(&call, i, 1);
			function->owner = db_get_oid(i, 2);
			function->code_hash = db_get_text(&call, i, 3);
			function->shadow = db_get_text(&call, i, 4);
			row->functions = lappend(row->functions, function);
		}
		MemoryContextSwitchTo(old);
	}
	db_close(&call);
	return row;
}

DB_STATEMENT(version_put,
			 "INSERT INTO hitl.graph_version (graph_id, version, definition, search_path, compiled_at, compiled_by)"
			 " VALUES ($1, $2, $3, $4, $5, $6)"
			 " ON CONFLICT (graph_id, version) DO UPDATE SET definition = EXCLUDED.definition",
			 INT8OID, INT4OID, JSONBOID, TEXTOID, TIMESTAMPTZOID, TEXTOID);

DB_STATEMENT(function_insert,
			 "INSERT INTO hitl.graph_function (graph_id, version, signature, owner, code_hash, shadow) VALUES ($1, $2, $3, $4, $5, $6)"
			 " ON CONFLICT DO NOTHING",
			 INT8OID, INT4OID, TEXTOID, REGROLEOID, TEXTOID, TEXTOID);

/*
 * Write a compiled version, or the draft, which alone may be there already.
 * The caller holds the graph's row.
 */
void
store_version_put(const HitlVersionRow *row, const char *by, TimestampTz at)
{
	DbCall		call;
	bool		is_draft = row->version == HITL_DRAFT;
	DbArg		args[] = {db_bigint(row->graph_id), db_int(row->version), db_jsonb(row->definition),
		db_text(row->search_path), is_draft ? db_null() : db_time(at),
	is_draft ? db_null() : db_text(by)};
	ListCell   *cell;

	db_open(&call);
	(void) db_execute(&version_put, args);
	foreach(cell, row->functions)
	{
		HitlFunction *function = lfirst(cell);
		DbArg		function_args[] = {db_bigint(row->graph_id), db_int(row->version),
		db_text(function->signature), db_oid(function->owner), db_text(function->code_hash), db_text(function->shadow)};

		(void) db_execute(&function_insert, function_args);
	}
	db_close(&call);
}
