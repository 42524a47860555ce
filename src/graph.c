/*
 * graph.c
 *    A graph by its name, and its compiled versions in memory.
 *
 * What compile() made never changes, so it can be kept in memory for ever.
 *
 * Layer 3.  Memory: "hitl graphs", for the life of the process.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "db.h"
#include "definition.h"
#include "graph.h"
#include "miscadmin.h"
#include "rights.h"
#include "store_graph.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

static HitlGraph *
check_found(HitlGraph *graph, const char *name, HitlAccess access)
{
	if (graph == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("graph \"%s\" does not exist", name),
				 errdetail("No graph of that name was created in this database."),
				 errhint("SELECT hitl.create_graph(%s);", quote_literal_cstr(name))));
	rights_require_graph(graph, access);
	return graph;
}

/* A graph by name, with which the current user may do that; else an error. */
HitlGraph *
graph_require_for(const char *name, HitlAccess access)
{
	return check_found(store_graph_find(name), name, access);
}

/* The same, of its owner's. */
HitlGraph *
graph_require(const char *name)
{
	return graph_require_for(name, HITL_ACCESS_OWN);
}

/* The same with its row locked: to write the draft, which a person does. */
HitlGraph *
graph_require_locked(const char *name)
{
	rights_require_person("write graphs");
	/* the right first: who may not write must not hold up who may */
	(void) graph_require(name);
	return check_found(store_graph_lock(name), name, HITL_ACCESS_OWN);
}

/* After DROP OWNED: an owner of graphs is still not to be dropped. */
void
graph_keep_owner(Oid role)
{
	if (OidIsValid(role) && OidIsValid(db_relation("graph")) && store_graph_has_owner(role))
		store_graph_mark_owner(role);
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

/* ----------------------------------------------------------------- in memory */

/* A draft or version as structs; faults of its document are added. */
HitlGraphVersion *
graph_read(const HitlVersionRow *row, List **faults)
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

/* What was recorded of a function beside its signature. */
static void
fill_function(HitlFunction *function, List *functions)
{
	ListCell   *cell;

	foreach(cell, functions)
	{
		HitlFunction *recorded = lfirst(cell);

		if (function->signature != NULL && strcmp(recorded->signature, function->signature) == 0)
			*function = *recorded;
	}
}

/* A document names the subgraph, and a name is for ever. */
static void
fill_subgraph(HitlSubgraph *subgraph)
{
	HitlGraph  *graph = store_graph_find(subgraph->graph);

	if (graph == NULL)
		elog(ERROR, "hitl has lost graph \"%s\"", subgraph->graph);
	subgraph->graph_id = graph->graph_id;
}

static HitlGraphVersion *
load_version(int64 graph_id, int version)
{
	HitlVersionRow *row = store_version_find(graph_id, version);
	List	   *faults = NIL;
	HitlGraphVersion *graph;

	if (row == NULL)
		elog(ERROR, "hitl has lost version %d of graph %lld", version, (long long) graph_id);
	graph = graph_read(row, &faults);
	graph->functions = row->functions;
	for (int i = 0; i < graph->n_nodes; i++)
	{
		fill_function(&graph->nodes[i].handler, row->functions);
		if (graph->nodes[i].subgraph != NULL)
			fill_subgraph(graph->nodes[i].subgraph);
	}
	for (int i = 0; i < graph->n_branches; i++)
		fill_function(&graph->branches[i].router, row->functions);
	for (int i = 0; i < graph->n_channels; i++)
		fill_function(&graph->channels[i].function, row->functions);
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
	return graph_read(store_version_find(graph->graph_id, HITL_DRAFT), &faults);
}
