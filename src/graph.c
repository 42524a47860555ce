/*
 * graph.c
 *    Write a graph, compile it, and have it in memory.
 *
 * The draft is version 0; add_node() and add_edge() write it and check only
 * what they see.  compile() looks at the whole and reports every fault at
 * once; what it makes never changes, so it can be kept in memory for ever.
 *
 * A handler is kept as text, qualified, with the owner of its function:
 * a regprocedure column would stop pg_upgrade.  It is looked up by the whole
 * signature, so nobody can put another function in its place by a schema
 * earlier in some path; a function of another owner under the same signature
 * is refused when the node runs.
 *
 * Layer 3.  Memory: "hitl graphs", for the life of the process.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "audit.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "clock.h"
#include "compat.h"
#include "db.h"
#include "frontier.h"
#include "graph.h"
#include "lib/stringinfo.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "rights.h"
#include "store_graph.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

/* ------------------------------------------------------------------ writing */

/* Names are shown in lists and in messages: not empty, at most as long as
 * PostgreSQL's own. */
static void
check_name(const char *kind, const char *name)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a %s must have 1 to %d bytes", kind, NAMEDATALEN - 1),
				 errdetail("It has %zu.", strlen(name)),
				 errhint("Choose another name.")));
}

static bool
is_reserved(const char *name)
{
	return strcmp(name, HITL_START) == 0 || strcmp(name, HITL_END) == 0;
}

static HitlGraph *
check_found(HitlGraph *graph, const char *name)
{
	if (graph == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("graph \"%s\" does not exist", name),
				 errdetail("No graph of that name was created in this database."),
				 errhint("SELECT hitl.create_graph(%s);", quote_literal_cstr(name))));
	rights_require_graph(graph);
	return graph;
}

/* A graph by name, which the current user may use; else an error. */
HitlGraph *
graph_require(const char *name)
{
	return check_found(store_graph_find(name), name);
}

/* The same with its row locked: to write the draft. */
static HitlGraph *
require_for_writing(const char *name)
{
	/* the right first: who may not write must not hold up who may */
	(void) graph_require(name);
	return check_found(store_graph_lock(name), name);
}

/* Make an empty graph of the current user; returns its id. */
int64
graph_create(const char *name)
{
	int64		graph_id;

	check_name("graph", name);
	store_graph_mark_owner(GetUserId());
	graph_id = store_graph_insert(name, GetUserId());
	if (graph_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("graph \"%s\" already exists", name),
				 errdetail("Names of graphs are unique in a database."),
				 errhint("Choose another name, or add to the graph that is there and compile it again.")));
	return graph_id;
}

/* After DROP OWNED: an owner of graphs is still not to be dropped. */
void
graph_keep_owner(Oid role)
{
	if (OidIsValid(role) && OidIsValid(db_relation("graph")) && store_graph_has_owner(role))
		store_graph_mark_owner(role);
}

void
graph_add_node(const char *graph_name, const char *node_name, const char *handler)
{
	HitlGraph  *graph = require_for_writing(graph_name);
	HitlNode	node = {.name = (char *) node_name, .handler = (char *) handler};

	check_name("node", node_name);
	if (is_reserved(node_name))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("the name \"%s\" is reserved", node_name),
				 errdetail("START and END are the entry and the exit of every graph."),
				 errhint("Choose another name for the node.")));
	if (!store_node_insert(graph->graph_id, HITL_DRAFT, &node))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("graph \"%s\" has a node \"%s\" already", graph_name, node_name),
				 errdetail("The names of nodes are unique in a graph."),
				 errhint("Choose another name for the node.")));
}

void
graph_add_edge(const char *graph_name, const char *source, const char *target)
{
	HitlGraph  *graph = require_for_writing(graph_name);
	HitlEdge	edge = {.source = (char *) source, .target = (char *) target};

	check_name("node", source);
	check_name("node", target);
	if (strcmp(source, HITL_END) == 0 || strcmp(target, HITL_START) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an edge cannot leave END or lead to START"),
				 errdetail("The edge is from \"%s\" to \"%s\".", source, target),
				 errhint("Turn it round.")));
	if (!store_edge_insert(graph->graph_id, HITL_DRAFT, &edge))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("graph \"%s\" has an edge from \"%s\" to \"%s\" already", graph_name, source, target),
				 errdetail("There is one edge at most between two nodes."),
				 errhint("Leave it as it is.")));
}

/* ---------------------------------------------------------------- compiling */

/*
 * Find a function by a signature as an author writes it.  InvalidOid and the
 * reason when there is none; a signature that cannot be read is a reason too,
 * so that compile() can go on and report the rest.
 */
static Oid
find_function(const char *signature, char **reason)
{
	volatile Oid function = InvalidOid;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	*reason = NULL;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		function = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL)
			ReThrowError(error);
		*reason = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return function;
}

/*
 * What keeps a function from being a handler of a graph of this owner?  NULL
 * when nothing does.  Asked at compile and before every run.
 */
static char *
handler_fault(Oid function, Oid owner, Oid *function_owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("the function does not exist");
	row = (Form_pg_proc) GETSTRUCT(tuple);
	*function_owner = row->proowner;

	if (row->prokind != PROKIND_FUNCTION || row->proretset ||
		row->prorettype != JSONBOID || row->pronargs != 1 ||
		row->proargtypes.values[0] != JSONBOID)
		fault = pstrdup("it is not a function f(state jsonb) returns jsonb");
	else if (compat_function_aclcheck(function, owner, ACL_EXECUTE) != ACLCHECK_OK)
		fault = psprintf("role \"%s\", the owner of the graph, may not execute it",
						 GetUserNameFromId(owner, false));
	else if (compat_schema_aclcheck(row->pronamespace, owner, ACL_USAGE) != ACLCHECK_OK)
		fault = psprintf("role \"%s\", the owner of the graph, has no USAGE on its schema",
						 GetUserNameFromId(owner, false));
	else if (superuser_arg(owner) && !superuser_arg(row->proowner))
		fault = psprintf("the graph belongs to a superuser and the function to \"%s\", who is none",
						 GetUserNameFromId(row->proowner, false));
	ReleaseSysCache(tuple);
	return fault;
}

/* Resolve the handlers of a draft in place; returns the faults. */
static List *
resolve_handlers(HitlGraphVersion *graph)
{
	List	   *faults = NIL;

	for (int i = 0; i < graph->n_nodes; i++)
	{
		HitlNode   *node = &graph->nodes[i];
		char	   *signature = node->handler;
		char	   *fault;
		Oid			function;

		if (strchr(signature, '(') == NULL)
			signature = psprintf("%s(pg_catalog.jsonb)", signature);
		function = find_function(signature, &fault);
		if (fault == NULL)
			fault = handler_fault(function, graph->owner, &node->handler_owner);
		if (fault != NULL)
			faults = lappend(faults, psprintf("node \"%s\", handler %s: %s", node->name, node->handler, fault));
		else
			node->handler = format_procedure_qualified(function);
	}
	return faults;
}

/*
 * The search_path of the session as its nodes will have it: the schemas that
 * are there, without "$user" and the like, pg_temp last so that nothing
 * temporary hides anything.
 */
static char *
record_search_path(List **schemas)
{
	StringInfoData path;
	ListCell   *cell;

	initStringInfo(&path);
	*schemas = fetch_search_path(false);
	foreach(cell, *schemas)
	{
		Oid			schema = lfirst_oid(cell);

		/* pg_catalog is not listed, so that it comes first whatever was set */
		if (!isAnyTempNamespace(schema) && schema != PG_CATALOG_NAMESPACE)
			appendStringInfo(&path, "%s, ", quote_identifier(get_namespace_name(schema)));
	}
	appendStringInfoString(&path, "pg_temp");
	return path.data;
}

static bool
is_same_string(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_version(const HitlGraphVersion *a, const HitlGraphVersion *b)
{
	if (a->n_nodes != b->n_nodes || a->n_edges != b->n_edges ||
		!is_same_string(a->search_path, b->search_path))
		return false;
	for (int i = 0; i < a->n_nodes; i++)
		if (!is_same_string(a->nodes[i].name, b->nodes[i].name) ||
			!is_same_string(a->nodes[i].handler, b->nodes[i].handler) ||
			a->nodes[i].handler_owner != b->nodes[i].handler_owner)
			return false;
	for (int i = 0; i < a->n_edges; i++)
		if (!is_same_string(a->edges[i].source, b->edges[i].source) ||
			!is_same_string(a->edges[i].target, b->edges[i].target))
			return false;
	return true;
}

static void
report_faults(const char *name, List *faults)
{
	StringInfoData detail;
	ListCell   *cell;

	initStringInfo(&detail);
	foreach(cell, faults)
		appendStringInfo(&detail, "%s%s.", detail.len > 0 ? "\n" : "", (char *) lfirst(cell));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("graph \"%s\" cannot be compiled", name),
			 errdetail_internal("%s", detail.data),
			 errhint("Mend what the detail lists, then SELECT hitl.compile(%s); again.", quote_literal_cstr(name))));
}

/* Make the draft a version; returns its number. */
int
graph_compile(const char *name)
{
	HitlGraph  *graph = require_for_writing(name);
	HitlGraphVersion *draft = store_version_find(graph->graph_id, HITL_DRAFT);
	List	   *faults = frontier_faults(draft);
	List	   *schemas;
	const char *why;
	char	   *remedy;

	faults = list_concat(faults, resolve_handlers(draft));
	draft->search_path = record_search_path(&schemas);
	if (superuser_arg(draft->owner))
		faults = list_concat(faults, rights_search_path_faults(schemas));
	if (faults != NIL)
		report_faults(name, faults);

	if (!rights_can_connect(draft->owner, &why, &remedy))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("no executor can run the nodes of graph \"%s\"", name),
				 errdetail("They run as role \"%s\": %s.", GetUserNameFromId(draft->owner, false), why),
				 errhint("%s", remedy)));

	if (graph->version != HITL_DRAFT &&
		is_same_version(draft, store_version_find(graph->graph_id, graph->version)))
		return graph->version;

	draft->version = graph->version + 1;
	store_version_insert(draft, audit_session_user(), clock_now());
	store_graph_set_version(graph->graph_id, draft->version);
	return draft->version;
}

/* ----------------------------------------------------------------- in memory */

typedef struct GraphKey
{
	Oid			relation;		/* hitl.graph: another one after DROP and
								 * CREATE EXTENSION */
	int			version;
	int64		graph_id;
} GraphKey;

typedef struct GraphEntry
{
	GraphKey	key;
	HitlGraphVersion *graph;
} GraphEntry;

static MemoryContext graph_context = NULL;
static HTAB *graph_table = NULL;

static void
create_table(void)
{
	HASHCTL		control;

	graph_context = AllocSetContextCreate(TopMemoryContext, "hitl graphs", ALLOCSET_DEFAULT_SIZES);
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(GraphKey);
	control.entrysize = sizeof(GraphEntry);
	control.hcxt = graph_context;
	graph_table = hash_create("hitl graphs", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * A compiled version.  It never changes, so it is kept; but not one that this
 * transaction made itself and may still roll back.
 */
const HitlGraphVersion *
graph_get(int64 graph_id, int version)
{
	GraphKey	key;
	GraphEntry *entry;
	HitlGraphVersion *graph;
	MemoryContext old;

	if (graph_table == NULL)
		create_table();
	memset(&key, 0, sizeof(key));
	key.relation = db_relation("graph");
	key.version = version;
	key.graph_id = graph_id;
	entry = hash_search(graph_table, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->graph;

	graph = store_version_find(graph_id, version);
	if (graph == NULL)
		elog(ERROR, "hitl has lost version %d of graph %lld", version, (long long) graph_id);
	if (graph->is_ours)
		return graph;

	/* read it again where it can stay, and only then enter it */
	old = MemoryContextSwitchTo(graph_context);
	graph = store_version_find(graph_id, version);
	MemoryContextSwitchTo(old);
	entry = hash_search(graph_table, &key, HASH_ENTER, NULL);
	entry->graph = graph;
	return graph;
}

/*
 * The function of a compiled handler, "schema.name(pg_catalog.jsonb)".  Its
 * name is qualified and its argument known, so no path matters.
 */
static Oid
find_handler(const char *handler)
{
	static const Oid argument[] = {JSONBOID};
	char	   *name = pnstrdup(handler, strrchr(handler, '(') - handler);

	return LookupFuncName(compat_qualified_name(name), 1, argument, true);
}

/*
 * The function of a node, checked: it is there, it belongs to whom it belonged
 * at compile, the owner may execute it; and a superuser's path is still safe.
 * Errors are the node's.
 */
Oid
graph_handler(const HitlGraphVersion *graph, const HitlNode *node)
{
	Oid			function = find_handler(node->handler);
	Oid			function_owner = InvalidOid;
	char	   *fault = handler_fault(function, graph->owner, &function_owner);

	if (fault == NULL && function_owner != node->handler_owner)
		fault = psprintf("it belongs to \"%s\" now and belonged to \"%s\" when the graph was compiled",
						 GetUserNameFromId(function_owner, false),
						 rights_role_name(node->handler_owner));
	if (fault != NULL)
		ereport(ERROR,
				(errcode(OidIsValid(function) ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the handler of node \"%s\" cannot be run", node->name),
				 errdetail("%s: %s.", node->handler, fault),
				 errhint("Mend the function, then SELECT hitl.retry(thread_id);")));

	if (superuser_arg(graph->owner))
	{
		List	   *schemas = fetch_search_path(false);
		List	   *faults = rights_search_path_faults(schemas);

		if (faults != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("the search_path of node \"%s\" is not safe any more", node->name),
					 errdetail("%s.", (char *) linitial(faults)),
					 errhint("Revoke CREATE on that schema, then SELECT hitl.retry(thread_id);")));
	}
	return function;
}
