/*
 * draft.c
 *    Write a graph and compile it.
 *
 * The draft is version 0; add_node() and the like add to its document and check
 * only what they see.  compile() looks at the whole and reports every fault at
 * once.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "check.h"
#include "clock.h"
#include "code.h"
#include "db.h"
#include "definition.h"
#include "document.h"
#include "draft.h"
#include "errors.h"
#include "frontier.h"
#include "function.h"
#include "gate.h"
#include "graph.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "rights.h"
#include "session.h"
#include "shadow.h"
#include "store_graph.h"
#include "store_policy.h"
#include "subxact.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

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

	rights_require_author("create graphs");
	check_name("graph", name);
	store_graph_mark_owner(GetUserId());
	graph_id = store_graph_insert(name, GetUserId());
	if (graph_id != 0)
		put_draft(graph_id, draft);
	return graph_id;
}

/* Make an empty graph of the current user; returns its id. */
int64
draft_create(const char *name, int recursion_limit, const char *functions)
{
	HitlGraphVersion empty = {.recursion_limit = recursion_limit};
	int64		graph_id;

	if (recursion_limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the recursion limit of a graph must be positive"),
				 errdetail("It is %d.", recursion_limit),
				 errhint("Leave it out for 25.")));
	if (!definition_read_pinned(functions, &empty.is_pinned))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the functions of a graph are live or pinned"),
				 errdetail("They cannot be \"%s\".", functions),
				 errhint("Leave it out for live.")));
	graph_id = insert_graph(name, document_write(&empty));
	if (graph_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("graph \"%s\" already exists", name),
				 errdetail("Names of graphs are unique in a database."),
				 errhint("Choose another name, or add to the graph that is there and compile it again.")));
	return graph_id;
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

/* A node in continue mode: can it go on?  If its function is not there yet, compile() asks. */
static void
check_node(const char *name, Jsonb *json)
{
	char	   *suspend = json_get_string(json, "suspend");
	char	   *handler = json_get_string(json, "handler");
	Oid			function;
	List	   *faults;
	StringInfoData detail;
	ListCell   *cell;

	if (suspend == NULL || strcmp(suspend, "continue") != 0 || handler == NULL)
		return;
	function = function_find_handler(handler);
	faults = OidIsValid(function) ? check_faults(function, psprintf("node \"%s\"", name), NULL) : NIL;
	if (faults == NIL)
		return;
	initStringInfo(&detail);
	foreach(cell, faults)
		appendStringInfo(&detail, "%s%s.", detail.len > 0 ? "\n" : "", (char *) lfirst(cell));
	ereport(ERROR,
			(errcode(ERRCODE_HITL_CANNOT_CONTINUE),
			 errmsg("node \"%s\" cannot be in continue mode", name),
			 errdetail_internal("%s", detail.data),
			 errhint("Mend what the detail lists, or take suspend => 'replay'; SELECT * FROM hitl.check_node(%s);",
					 quote_literal_cstr(format_procedure_qualified(function)))));
}

/*
 * Add a node or a channel: a named member of an object in the draft.  kind:
 * "nodes" or "channels".
 */
void
draft_add_member(const char *graph_name, const char *kind, const char *name, Jsonb *json)
{
	HitlGraph  *graph = graph_require_locked(graph_name);
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
	if (strcmp(kind, "nodes") == 0)
		check_node(name, json);
	put_draft(graph->graph_id, json_set(draft, kind, json_set(members, name, json)));
}

void
draft_add_edge(const char *graph_name, const char *source, const char *target)
{
	if (strcmp(source, HITL_END) == 0 || strcmp(target, HITL_START) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an edge cannot leave END or lead to START"),
				 errdetail("The edge is from \"%s\" to \"%s\".", source, target),
				 errhint("Turn it round.")));
	draft_add_element(graph_name, "edges", json_string_list(list_make2((char *) source, (char *) target)));
}

/*
 * Add an edge, a join or a conditional edge: an element of an array in the
 * draft.  kind: "edges", "joins" or "conditional_edges".
 */
void
draft_add_element(const char *graph_name, const char *kind, Jsonb *json)
{
	HitlGraph  *graph = graph_require_locked(graph_name);
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

/* something that may raise: what it says is wrong, or NULL */
typedef const char *(*FaultCheck) (const HitlGraphVersion *graph, const char *text);

/* a check that is made, and what it said */
typedef struct FaultSearch
{
	FaultCheck	check;
	const HitlGraphVersion *graph;
	const char *text;
	const char *fault;
} FaultSearch;

static bool
search_fault(void *arg)
{
	FaultSearch *search = arg;

	search->fault = search->check(search->graph, search->text);
	return false;
}

/* Make a check in a subtransaction that is rolled back: an error is a fault. */
static char *
caught_fault(FaultCheck check, const HitlGraphVersion *graph, const char *text)
{
	FaultSearch search = {.check = check, .graph = graph, .text = text};
	ErrorData  *error = subxact_run(search_fault, &search);

	if (error != NULL && !lifecycle_error_is_fault(error->sqlerrcode))
		ReThrowError(error);
	if (error != NULL)
		return error->message;
	return search.fault != NULL ? pstrdup(search.fault) : NULL;
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

/* Is it a predicate, and one that fails closed? */
static const char *
predicate_fault(const HitlGraphVersion *graph pg_attribute_unused(), const char *predicate)
{
	return gate_check_predicate(predicate);
}

/*
 * Fix the version of a subgraph: the latest, if the author has not.  So a
 * version of a graph fixes those of its subgraphs, which were there before it:
 * none can be within itself.
 */
static void
resolve_subgraph(const HitlGraphVersion *graph, HitlSubgraph *subgraph, const char *what, List **faults)
{
	HitlGraph  *child;
	char	   *fault = NULL;

	if (subgraph->graph == NULL)
		return;					/* a fault of the document, noted already */
	child = store_graph_find(subgraph->graph);
	if (child == NULL)
		fault = psprintf("graph \"%s\" does not exist", subgraph->graph);
	else if (child->graph_id == graph->graph_id)
		fault = pstrdup("a graph cannot be its own subgraph");
	else if (child->owner != graph->owner)
		fault = psprintf("graph \"%s\" belongs to \"%s\" and not to the owner of this one",
						 subgraph->graph, rights_role_name(child->owner));
	else if (child->version == HITL_DRAFT)
		fault = psprintf("graph \"%s\" is not compiled", subgraph->graph);
	else if (subgraph->version > child->version)
		fault = psprintf("graph \"%s\" has no version %d", subgraph->graph, subgraph->version);
	if (fault != NULL)
		*faults = lappend(*faults, psprintf("%s, subgraph: %s", what, fault));
	else if (subgraph->version == 0)
		subgraph->version = child->version;
}

/*
 * A handler in continue mode: can it go on where it pauses?  It and the functions
 * from which it may pause are noted: a paused thread goes on with their code.
 */
static void
check_continues(const HitlFunction *handler, const char *what, List **functions, List **continues, List **faults)
{
	List	   *callees;
	ListCell   *cell;

	if (handler->code_hash == NULL)
		return;					/* not found: a fault already */
	*faults = list_concat(*faults, check_faults(function_find(handler->signature), what, &callees));
	*continues = lappend(*continues, unconstify(HitlFunction *, handler));
	foreach(cell, callees)
	{
		HitlFunction *callee = palloc0(sizeof(HitlFunction));

		callee->signature = format_procedure_qualified(lfirst_oid(cell));
		callee->owner = code_owner(lfirst_oid(cell));
		callee->code_hash = pstrdup(code_hash(lfirst_oid(cell)));
		*functions = lappend(*functions, callee);
		*continues = lappend(*continues, callee);
	}
}

/*
 * Resolve all functions and subgraphs of a draft in place; returns the functions.
 * *continues: those of them that are kept as they are for threads that have
 * paused in them.
 */
static List *
resolve_functions(HitlGraphVersion *graph, List **continues, List **faults)
{
	List	   *functions = NIL;

	for (int i = 0; i < graph->n_nodes; i++)
	{
		HitlNode   *node = &graph->nodes[i];
		char	   *what = psprintf("node \"%s\"", node->name);
		char	   *fault;

		if (node->subgraph != NULL)
			resolve_subgraph(graph, node->subgraph, what, faults);
		else if (node->sql == NULL)
		{
			function_resolve(graph, &node->handler, HITL_FUNCTION_HANDLER, what, &functions, faults);
			if (node->continues)
				check_continues(&node->handler, what, &functions, continues, faults);
		}
		else if ((fault = caught_fault(sql_fault, graph, node->sql)) != NULL)
			*faults = lappend(*faults, psprintf("%s: %s", what, fault));
		if (node->gate != NULL && node->gate->skip_when != NULL &&
			(fault = caught_fault(predicate_fault, graph, node->gate->skip_when)) != NULL)
			*faults = lappend(*faults, psprintf("%s, gate, skip_when: %s", what, fault));
		/* a policy's name is for ever: what is there now is there at each run */
		if (node->gate != NULL && node->gate->policy != NULL && store_policy_find(node->gate->policy) == NULL)
			*faults = lappend(*faults, psprintf("%s, gate: policy \"%s\" does not exist", what, node->gate->policy));
	}
	for (int i = 0; i < graph->n_branches; i++)
		function_resolve(graph, &graph->branches[i].router, HITL_FUNCTION_ROUTER,
						 psprintf("conditional edge from \"%s\"", graph->branches[i].source), &functions, faults);
	for (int i = 0; i < graph->n_channels; i++)
		if (graph->channels[i].reducer == HITL_REDUCER_FUNCTION)
			function_resolve(graph, &graph->channels[i].function, HITL_FUNCTION_REDUCER,
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

/* NULL is equal to NULL only. */
static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Are the functions of two versions of one document the same, code and all? */
static bool
are_functions_same(List *before, List *after)
{
	ListCell   *cell;
	ListCell   *other;

	foreach(cell, after)
	{
		const HitlFunction *function = lfirst(cell);
		bool		is_found = false;

		foreach(other, before)
		{
			const HitlFunction *old = lfirst(other);

			if (strcmp(old->signature, function->signature) == 0)
				is_found = old->owner == function->owner && strcmp(old->code_hash, function->code_hash) == 0 &&
					is_same_text(old->shadow, function->shadow);
		}
		if (!is_found)
			return false;
	}
	return true;
}

/*
 * Make a draft a version; returns its number.  The graph's row is locked.
 * faults: what is known to be wrong with the draft already.
 */
static int
compile_version(const HitlGraph *graph, HitlGraphVersion *draft, List *faults)
{
	int			level = NewGUCNestLevel();
	HitlVersionRow version = {.graph_id = graph->graph_id, .version = graph->version + 1};
	HitlVersionRow *last;
	List	   *schemas;
	List	   *continues = NIL;
	ListCell   *cell;
	const char *why;
	char	   *remedy;

	/* what is recorded is compared: names are written in one way */
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	version.search_path = draft->search_path = record_search_path(&schemas);
	faults = list_concat(faults, frontier_faults(draft));
	version.functions = resolve_functions(draft, &continues, &faults);
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

	foreach(cell, draft->is_pinned ? version.functions : continues)
		shadow_make(draft, lfirst(cell));
	version.definition = document_write(draft);
	last = graph->version != HITL_DRAFT ? store_version_find(graph->graph_id, graph->version) : NULL;
	if (last != NULL && json_equal(last->definition, version.definition) &&
		strcmp(last->search_path, version.search_path) == 0 &&
		are_functions_same(last->functions, version.functions))
		version.version = graph->version;
	else
	{
		store_version_put(&version, audit_person(), clock_now());
		store_graph_set_version(graph->graph_id, version.version);
	}
	AtEOXact_GUC(true, level);
	return version.version;
}

int
draft_compile(const char *name)
{
	HitlGraph  *graph = graph_require_locked(name);
	List	   *faults = NIL;
	HitlGraphVersion *draft = graph_read(store_version_find(graph->graph_id, HITL_DRAFT), &faults);

	return compile_version(graph, draft, faults);
}

/*
 * hitl.define(): make or replace the draft of the graph that the document
 * names, and compile it.  The same document again gives the same version.
 */
int
draft_define(Jsonb *definition)
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

	document = document_write(draft);
	if (store_graph_find(name) == NULL)
		(void) insert_graph(name, document);
	graph = graph_require_locked(name);
	put_draft(graph->graph_id, document);
	/* what could be read is compiled in any case, so that all faults are told */
	draft->graph_id = graph->graph_id;
	draft->name = graph->name;
	draft->owner = graph->owner;
	return compile_version(graph, draft, faults);
}
