/*
 * store_graph.c
 *    Rows of hitl.graph, graph_version, node and edge.
 *
 * The graph's row is the lock of its draft: add_node(), add_edge() and
 * compile() of one graph take turns.  Rows of a version > 0 never change.
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

/* a short table, and DROP OWNED is rare */
DB_STATEMENT(graph_has_owner,
			 "SELECT 1 FROM hitl.graph WHERE owner = $1 LIMIT 1",
			 REGROLEOID);

/* Does this role own graphs? */
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

DB_STATEMENT(node_insert,
			 "INSERT INTO hitl.node (graph_id, version, node, handler, handler_owner)"
			 " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			 INT8OID, INT4OID, TEXTOID, TEXTOID, REGROLEOID);

/* false: it is there already */
bool
store_node_insert(int64 graph_id, int version, const HitlNode *node)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_int(version), db_text(node->name),
	db_text(node->handler), OidIsValid(node->handler_owner) ? db_oid(node->handler_owner) : db_null()};
	bool		is_new;

	db_open(&call);
	is_new = db_execute(&node_insert, args) > 0;
	db_close(&call);
	return is_new;
}

DB_STATEMENT(edge_insert,
			 "INSERT INTO hitl.edge (graph_id, version, source, target)"
			 " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
			 INT8OID, INT4OID, TEXTOID, TEXTOID);

/* false: it is there already */
bool
store_edge_insert(int64 graph_id, int version, const HitlEdge *edge)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_int(version), db_text(edge->source), db_text(edge->target)};
	bool		is_new;

	db_open(&call);
	is_new = db_execute(&edge_insert, args) > 0;
	db_close(&call);
	return is_new;
}

/* by primary keys; the draft has no row in graph_version */
DB_STATEMENT(version_find,
			 "SELECT g.graph, g.owner, v.search_path, v.xmin"
			 " FROM hitl.graph g LEFT JOIN hitl.graph_version v"
			 "      ON v.graph_id = g.graph_id AND v.version = $2"
			 " WHERE g.graph_id = $1",
			 INT8OID, INT4OID);

/* C order, as frontier.c searches */
DB_STATEMENT(version_nodes,
			 "SELECT node, handler, handler_owner FROM hitl.node"
			 " WHERE graph_id = $1 AND version = $2 ORDER BY node COLLATE \"C\"",
			 INT8OID, INT4OID);

DB_STATEMENT(version_edges,
			 "SELECT source, target FROM hitl.edge"
			 " WHERE graph_id = $1 AND version = $2 ORDER BY source COLLATE \"C\", target COLLATE \"C\"",
			 INT8OID, INT4OID);

/*
 * A version (or the draft) whole, in one allocation context: the caller's.
 * NULL when there is no such graph or version.
 */
HitlGraphVersion *
store_version_find(int64 graph_id, int version)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_int(version)};
	HitlGraphVersion *graph = NULL;

	db_open(&call);
	if (db_execute(&version_find, args) > 0 &&
		(version == HITL_DRAFT || !db_is_null(0, 3)))
	{
		graph = MemoryContextAllocZero(call.caller, sizeof(HitlGraphVersion));
		graph->graph_id = graph_id;
		graph->version = version;
		graph->name = db_get_text(&call, 0, 1);
		graph->owner = db_get_oid(0, 2);
		graph->search_path = db_get_text(&call, 0, 3);
		/* an xid as a Datum is like an oid */
		graph->is_ours = !db_is_null(0, 4) &&
			TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(0, 4));

		graph->n_nodes = db_execute(&version_nodes, args);
		graph->nodes = MemoryContextAllocZero(call.caller, sizeof(HitlNode) * Max(graph->n_nodes, 1));
		for (int i = 0; i < graph->n_nodes; i++)
		{
			graph->nodes[i].name = db_get_text(&call, i, 1);
			graph->nodes[i].handler = db_get_text(&call, i, 2);
			graph->nodes[i].handler_owner = db_get_oid(i, 3);
		}

		graph->n_edges = db_execute(&version_edges, args);
		graph->edges = MemoryContextAllocZero(call.caller, sizeof(HitlEdge) * Max(graph->n_edges, 1));
		for (int i = 0; i < graph->n_edges; i++)
		{
			graph->edges[i].source = db_get_text(&call, i, 1);
			graph->edges[i].target = db_get_text(&call, i, 2);
		}
	}
	db_close(&call);
	return graph;
}

DB_STATEMENT(version_insert,
			 "INSERT INTO hitl.graph_version (graph_id, version, search_path, compiled_at, compiled_by)"
			 " VALUES ($1, $2, $3, $4, $5)",
			 INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID, TEXTOID);

/* Write a compiled version; the caller holds the graph's row. */
void
store_version_insert(const HitlGraphVersion *graph, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph->graph_id), db_int(graph->version),
	db_text(graph->search_path), db_time(at), db_text(by)};

	db_open(&call);
	(void) db_execute(&version_insert, args);
	db_close(&call);
	for (int i = 0; i < graph->n_nodes; i++)
		(void) store_node_insert(graph->graph_id, graph->version, &graph->nodes[i]);
	for (int i = 0; i < graph->n_edges; i++)
		(void) store_edge_insert(graph->graph_id, graph->version, &graph->edges[i]);
}
