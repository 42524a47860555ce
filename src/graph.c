/*
 * graph.c
 *    Write a graph, compile it, and have it in memory.
 *
 * The draft is version 0; add_node() and the like add to its document and check
 * only what they see.  compile() looks at the whole and reports every fault at
 * once; what it makes never changes, so it can be kept in memory for ever.
 *
 * A function is kept as text, qualified, with its owner:
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
#include "definition.h"
#include "frontier.h"
#include "graph.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "rights.h"
#include "session.h"
#include "store_graph.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
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

static void
put_draft(int64 graph_id, Jsonb *definition)
{
	HitlVersionRow row = {.graph_id = graph_id, .version = HITL_DRAFT, .definition = definition};

	store_version_put(&row, NULL, 0);
}

static int64
insert_graph(const char *name, Jsonb *draft)
{
	int64		graph_id;

	check_name("graph", name);
	store_graph_mark_owner(GetUserId());
	graph_id = store_graph_insert(name, GetUserId());
	if (graph_id != 0)
		put_draft(graph_id, draft);
	return graph_id;
}

/* Make an empty graph of the current user; returns its id. */
int64
graph_create(const char *name, int recursion_limit)
{
	HitlGraphVersion empty = {.recursion_limit = recursion_limit};
	int64		graph_id;

	if (recursion_limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the recursion limit of a graph must be positive"),
				 errdetail("It is %d.", recursion_limit),
				 errhint("Leave it out for 25.")));
	graph_id = insert_graph(name, definition_document(&empty));
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

/* What is added is read as a document with nothing else in it. */
static void
check_addition(const char *kind, Jsonb *addition)
{
	List	   *faults = NIL;

	(void) definition_parse(json_set(json_empty_object(), kind, addition), &faults);
	if (faults != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this cannot be added to the graph"),
				 errdetail("%s.", (char *) linitial(faults)),
				 errhint("Mend that and call it again; \\df+ hitl.* shows the manual.")));
}

/*
 * Add a node or a channel: a named member of an object in the draft.  kind:
 * "nodes" or "channels".
 */
void
graph_add_member(const char *graph_name, const char *kind, const char *name, Jsonb *json)
{
	HitlGraph  *graph = require_for_writing(graph_name);
	Jsonb	   *draft = store_version_find(graph->graph_id, HITL_DRAFT)->definition;
	Jsonb	   *members = json_get(draft, kind);

	check_name(strcmp(kind, "nodes") == 0 ? "node" : "channel", name);
	if (strcmp(kind, "nodes") == 0 && (strcmp(name, HITL_START) == 0 || strcmp(name, HITL_END) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("the name \"%s\" is reserved", name),
				 errdetail("START and END are the entry and the exit of every graph."),
				 errhint("Choose another name for the node.")));
	check_addition(kind, json_set(json_empty_object(), name, json));
	if (json_get(members, name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("graph \"%s\" has a %s \"%s\" already", graph_name,
						strcmp(kind, "nodes") == 0 ? "node" : "channel", name),
				 errdetail("The names of %s are unique in a graph.", kind),
				 errhint("Choose another name, or give the whole graph anew by hitl.define().")));
	put_draft(graph->graph_id, json_set(draft, kind, json_set(members, name, json)));
}

void
graph_add_edge(const char *graph_name, const char *source, const char *target)
{
	if (strcmp(source, HITL_END) == 0 || strcmp(target, HITL_START) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an edge cannot leave END or lead to START"),
				 errdetail("The edge is from \"%s\" to \"%s\".", source, target),
				 errhint("Turn it round.")));
	graph_add_element(graph_name, "edges", json_string_list(list_make2((char *) source, (char *) target)));
}

/*
 * Add an edge, a join or a conditional edge: an element of an array in the
 * draft.  kind: "edges", "joins" or "conditional_edges".
 */
void
graph_add_element(const char *graph_name, const char *kind, Jsonb *json)
{
	HitlGraph  *graph = require_for_writing(graph_name);
	Jsonb	   *draft = store_version_find(graph->graph_id, HITL_DRAFT)->definition;
	List	   *elements = json_elements(json_get(draft, kind));
	ListCell   *cell;

	check_addition(kind, json_list(list_make1(json)));
	foreach(cell, elements)
		if (json_equal(lfirst(cell), json))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("graph \"%s\" has this among its %s already", graph_name, kind),
					 errdetail("There is one at most between the same nodes."),
					 errhint("Leave it as it is.")));
	put_draft(graph->graph_id, json_set(draft, kind, json_list(lappend(elements, json))));
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

/* Has the function the shape that its place asks for?  NULL, or what is asked. */
static const char *
shape_fault(Form_pg_proc row, HitlFunctionKind kind)
{
	int			n_args = kind == HITL_FUNCTION_REDUCER ? 2 : 1;
	bool		fits = row->prokind == PROKIND_FUNCTION && !row->proretset && row->pronargs == n_args;

	for (int i = 0; fits && i < n_args; i++)
		fits = row->proargtypes.values[i] == JSONBOID;
	switch (kind)
	{
		case HITL_FUNCTION_HANDLER:
			return fits && row->prorettype == JSONBOID ? NULL
				: "it is not a function f(state jsonb) returns jsonb";
		case HITL_FUNCTION_ROUTER:
			return fits && (row->prorettype == TEXTOID || row->prorettype == TEXTARRAYOID ||
							row->prorettype == JSONBOID || row->prorettype == JSONBARRAYOID) ? NULL
				: "it is not a function f(state jsonb) returns text, text[], jsonb or jsonb[]";
		case HITL_FUNCTION_REDUCER:
			return fits && row->prorettype == JSONBOID ? NULL
				: "it is no reducer of hitl's, and not a function f(current jsonb, update jsonb) returns jsonb";
	}
	return NULL;
}

/*
 * What keeps a function from its place in a graph of this owner?  NULL when
 * nothing does.  Asked at compile and before every run.
 */
static char *
function_fault(Oid function, HitlFunctionKind kind, Oid owner, Oid *function_owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	const char *shape;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("the function does not exist");
	row = (Form_pg_proc) GETSTRUCT(tuple);
	*function_owner = row->proowner;

	shape = shape_fault(row, kind);
	if (shape != NULL)
		fault = pstrdup(shape);
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

/* Resolve a function of a draft in place; notes it, or its fault. */
static void
resolve_function(const HitlGraphVersion *graph, HitlFunction *function, HitlFunctionKind kind,
				 const char *what, List **functions, List **faults)
{
	const char *arguments = kind == HITL_FUNCTION_REDUCER ? "pg_catalog.jsonb, pg_catalog.jsonb" : "pg_catalog.jsonb";
	char	   *signature = function->signature;
	char	   *fault;
	Oid			oid;

	if (signature == NULL)
		return;					/* a fault of the document, noted already */
	if (strchr(signature, '(') == NULL)
		signature = psprintf("%s(%s)", signature, arguments);
	oid = find_function(signature, &fault);
	if (fault == NULL)
		fault = function_fault(oid, kind, graph->owner, &function->owner);
	if (fault != NULL)
	{
		*faults = lappend(*faults, psprintf("%s, %s: %s", what, function->signature, fault));
		return;
	}
	function->signature = format_procedure_qualified(oid);
	*functions = lappend(*functions, function);
}

/* something that may raise: what it says is wrong, or NULL */
typedef const char *(*FaultCheck) (const HitlGraphVersion *graph, const char *text);

/* Run a check in a subtransaction that is rolled back: an error is a fault. */
static char *
caught_fault(FaultCheck check, const HitlGraphVersion *graph, const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	const char *volatile fault = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		fault = check(graph, text);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL)
			ReThrowError(error);
		fault = error->message;
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return fault != NULL ? pstrdup(fault) : NULL;
}

/*
 * What keeps a node's statement from being run?  It is prepared as it will be
 * run, as the owner and in his path: analysis alone may call his functions.
 */
static const char *
sql_fault(const HitlGraphVersion *graph, const char *sql)
{
	const char *fault;
	int			level;

	if (!rights_may_run_here(graph->owner))
		return "its statement can only be checked in a session of the graph's owner";
	level = session_enter_node(graph->search_path);
	fault = db_author_fault(sql);
	session_leave_node(level);
	return fault;
}

/* Is it a predicate?  Strict, as the gate will read it. */
static const char *
predicate_fault(const HitlGraphVersion *graph pg_attribute_unused(), const char *path)
{
	(void) DirectFunctionCall1(jsonpath_in, CStringGetDatum(psprintf("strict %s", path)));
	return NULL;
}

/* Resolve all functions of a draft in place; returns them. */
static List *
resolve_functions(HitlGraphVersion *graph, List **faults)
{
	List	   *functions = NIL;

	for (int i = 0; i < graph->n_nodes; i++)
	{
		HitlNode   *node = &graph->nodes[i];
		char	   *what = psprintf("node \"%s\"", node->name);
		char	   *fault;

		if (node->sql == NULL)
			resolve_function(graph, &node->handler, HITL_FUNCTION_HANDLER, what, &functions, faults);
		else if ((fault = caught_fault(sql_fault, graph, node->sql)) != NULL)
			*faults = lappend(*faults, psprintf("%s: %s", what, fault));
		if (node->gate != NULL && node->gate->skip_when != NULL &&
			(fault = caught_fault(predicate_fault, graph, node->gate->skip_when)) != NULL)
			*faults = lappend(*faults, psprintf("%s, gate, skip_when: %s", what, fault));
	}
	for (int i = 0; i < graph->n_branches; i++)
		resolve_function(graph, &graph->branches[i].router, HITL_FUNCTION_ROUTER,
						 psprintf("conditional edge from \"%s\"", graph->branches[i].source), &functions, faults);
	for (int i = 0; i < graph->n_channels; i++)
		if (graph->channels[i].reducer == HITL_REDUCER_FUNCTION)
			resolve_function(graph, &graph->channels[i].function, HITL_FUNCTION_REDUCER,
							 psprintf("channel \"%s\"", graph->channels[i].name), &functions, faults);
	return functions;
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

static void
report_faults(const char *name, List *faults)
{
	StringInfoData detail;
	ListCell   *cell;

	initStringInfo(&detail);
	foreach(cell, faults)
	{
		char	   *line = psprintf("%s.", (char *) lfirst(cell));

		/* the same may be wrong in several places: say it once */
		if (strstr(detail.data, line) == NULL)
			appendStringInfo(&detail, "%s%s", detail.len > 0 ? "\n" : "", line);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 name != NULL ? errmsg("graph \"%s\" cannot be compiled", name)
			 : errmsg("this definition cannot be compiled"),
			 errdetail_internal("%s", detail.data),
			 errhint("Mend what the detail lists, then compile it again.")));
}

/* A draft or version as structs; faults of its document are added. */
static HitlGraphVersion *
read_version(const HitlVersionRow *row, List **faults)
{
	HitlGraphVersion *graph = definition_parse(row->definition, faults);

	graph->graph_id = row->graph_id;
	graph->version = row->version;
	graph->name = row->name;
	graph->owner = row->owner;
	graph->search_path = row->search_path;
	graph->is_ours = row->is_ours;
	return graph;
}

/*
 * Make a draft a version; returns its number.  The graph's row is locked.
 * faults: what is known to be wrong with the draft already.
 */
static int
compile_draft(const HitlGraph *graph, HitlGraphVersion *draft, List *faults)
{
	HitlVersionRow version = {.graph_id = graph->graph_id, .version = graph->version + 1};
	HitlVersionRow *last;
	List	   *schemas;
	const char *why;
	char	   *remedy;

	version.search_path = draft->search_path = record_search_path(&schemas);
	faults = list_concat(faults, frontier_faults(draft));
	version.functions = resolve_functions(draft, &faults);
	if (superuser_arg(draft->owner))
		faults = list_concat(faults, rights_search_path_faults(schemas));
	if (faults != NIL)
		report_faults(graph->name, faults);

	if (!rights_can_connect(draft->owner, &why, &remedy))
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("no executor can run the nodes of graph \"%s\"", graph->name),
				 errdetail("They run as role \"%s\": %s.", GetUserNameFromId(draft->owner, false), why),
				 errhint("%s", remedy)));

	version.definition = definition_document(draft);
	last = graph->version != HITL_DRAFT ? store_version_find(graph->graph_id, graph->version) : NULL;
	if (last != NULL && json_equal(last->definition, version.definition) &&
		strcmp(last->search_path, version.search_path) == 0)
		return graph->version;

	store_version_put(&version, audit_session_user(), clock_now());
	store_graph_set_version(graph->graph_id, version.version);
	return version.version;
}

int
graph_compile(const char *name)
{
	HitlGraph  *graph = require_for_writing(name);
	List	   *faults = NIL;
	HitlGraphVersion *draft = read_version(store_version_find(graph->graph_id, HITL_DRAFT), &faults);

	return compile_draft(graph, draft, faults);
}

/*
 * hitl.define(): make or replace the draft of the graph that the document
 * names, and compile it.  The same document again gives the same version.
 */
int
graph_define(Jsonb *definition)
{
	char	   *name = json_get_string(definition, "graph");
	List	   *faults = NIL;
	HitlGraphVersion *draft = definition_parse(definition, &faults);
	HitlGraph  *graph;
	Jsonb	   *document;

	if (name == NULL || name[0] == '\0' || strlen(name) >= NAMEDATALEN)
	{
		faults = lcons(psprintf("\"graph\" must be a name of 1 to %d bytes", NAMEDATALEN - 1), faults);
		report_faults(NULL, list_concat(faults, frontier_faults(draft)));
	}

	document = definition_document(draft);
	if (store_graph_find(name) == NULL)
		(void) insert_graph(name, document);
	graph = require_for_writing(name);
	put_draft(graph->graph_id, document);
	/* what could be read is compiled in any case, so that all faults are told */
	draft->graph_id = graph->graph_id;
	draft->name = graph->name;
	draft->owner = graph->owner;
	return compile_draft(graph, draft, faults);
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

static void
fill_owner(HitlFunction *function, List *functions)
{
	ListCell   *cell;

	foreach(cell, functions)
	{
		HitlFunction *recorded = lfirst(cell);

		if (function->signature != NULL && strcmp(recorded->signature, function->signature) == 0)
			function->owner = recorded->owner;
	}
}

static HitlGraphVersion *
load_version(int64 graph_id, int version)
{
	HitlVersionRow *row = store_version_find(graph_id, version);
	List	   *faults = NIL;
	HitlGraphVersion *graph;

	if (row == NULL)
		elog(ERROR, "hitl has lost version %d of graph %lld", version, (long long) graph_id);
	graph = read_version(row, &faults);
	for (int i = 0; i < graph->n_nodes; i++)
		fill_owner(&graph->nodes[i].handler, row->functions);
	for (int i = 0; i < graph->n_branches; i++)
		fill_owner(&graph->branches[i].router, row->functions);
	for (int i = 0; i < graph->n_channels; i++)
		fill_owner(&graph->channels[i].function, row->functions);
	return graph;
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

	graph = load_version(graph_id, version);
	if (graph->is_ours)
		return graph;

	/* read it again where it can stay, and only then enter it */
	old = MemoryContextSwitchTo(graph_context);
	graph = load_version(graph_id, version);
	MemoryContextSwitchTo(old);
	entry = hash_search(graph_table, &key, HASH_ENTER, NULL);
	entry->graph = graph;
	return graph;
}

/* What a graph is now: its latest version, or its draft while it has none. */
const HitlGraphVersion *
graph_draft_or_latest(const HitlGraph *graph)
{
	List	   *faults = NIL;

	if (graph->version != HITL_DRAFT)
		return graph_get(graph->graph_id, graph->version);
	return read_version(store_version_find(graph->graph_id, HITL_DRAFT), &faults);
}

/*
 * The function of a compiled signature, "schema.name(pg_catalog.jsonb)".  Its
 * name is qualified and its arguments known, so no path matters.
 */
static Oid
find_compiled(const char *signature, HitlFunctionKind kind)
{
	static const Oid arguments[] = {JSONBOID, JSONBOID};
	char	   *name = pnstrdup(signature, strrchr(signature, '(') - signature);

	return LookupFuncName(compat_qualified_name(name), kind == HITL_FUNCTION_REDUCER ? 2 : 1,
						  arguments, true);
}

/*
 * A function of a compiled graph, checked: it is there, it belongs to whom it
 * belonged at compile, the owner may execute it.  what: names its place in
 * messages.  Errors are the node's.
 */
Oid
graph_function(const HitlGraphVersion *graph, const HitlFunction *function, HitlFunctionKind kind, const char *what)
{
	Oid			oid = find_compiled(function->signature, kind);
	Oid			owner = InvalidOid;
	char	   *fault = function_fault(oid, kind, graph->owner, &owner);

	if (fault == NULL && owner != function->owner)
		fault = psprintf("it belongs to \"%s\" now and belonged to \"%s\" when the graph was compiled",
						 GetUserNameFromId(owner, false), rights_role_name(function->owner));
	if (fault != NULL)
		ereport(ERROR,
				(errcode(OidIsValid(oid) ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function of %s cannot be run", what),
				 errdetail("%s: %s.", function->signature, fault),
				 errhint("Mend the function, then SELECT hitl.retry(thread_id);")));
	return oid;
}

/* A superuser's graph: is the path that is in force still safe? */
void
graph_check_path(const HitlGraphVersion *graph)
{
	List	   *faults;

	if (!superuser_arg(graph->owner))
		return;
	faults = rights_search_path_faults(fetch_search_path(false));
	if (faults != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the search_path of graph \"%s\" is not safe any more", graph->name),
				 errdetail("%s.", (char *) linitial(faults)),
				 errhint("Revoke CREATE on that schema, then SELECT hitl.retry(thread_id);")));
}
