/*
 * definition.c
 *    A graph as a document: read it, and tell every fault.
 *
 * A draft and a compiled version are one document each; so is what define()
 * takes.  In full:
 *
 *   {"recursion_limit": 25, "functions": "live" | "pinned",
 *    "channels": {"total": {"reducer": "add", "initial": 0}},
 *    "nodes": {"pay": {"handler": "pay(jsonb)", "suspend": "replay" | "continue", "timeout": 30, "destinations": ["a"],
 *                      "retry": {"max_attempts": 3, "initial_interval": 0.5, "backoff_factor": 2,
 *                                "max_interval": 128, "jitter": true, "retry_on": ["08", "P0001"]},
 *                      "gate": {"action": "refund", "description": "...", "args": "$.refund_args", "skip_when": "$.amount <= 1000",
 *                               "allowed": ["approve", "reject"], "on_reject": "END", "feedback_key": "feedback",
 *                               "on_respond": "output", "policy": "two of finance"}},
 *              "sum": {"sql": "SELECT ..."},
 *              "check": {"subgraph": {"graph": "checks", "version": 3, "input": {"order": "refund_args"},
 *                                     "output": {"risk": "score"}}}},
 *    "edges": [["START", "pay"], ["pay", "END"]],
 *    "joins": [{"sources": ["a", "b"], "target": "c"}],
 *    "conditional_edges": [{"source": "pay", "router": "route(jsonb)", "map": {"yes": "a", "no": "END"}}],
 *    "interrupt_before": ["pay"], "interrupt_after": ["*"]}
 *
 * Short forms are read, and not written by document.c: a node, a channel or a subgraph as a
 * string.  In a compiled document signatures are qualified, and a subgraph has
 * its version.
 *
 * Reading collects every fault instead of stopping at the first.  Retry's words
 * and defaults are LangGraph's RetryPolicy.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include <math.h>

#include "definition.h"
#include "gate.h"
#include "json.h"
#include "names.h"
#include "reader.h"

#define DEFAULT_RECURSION_LIMIT 25

static char *
check_name(HitlReader *reader, const char *place, const char *name, bool is_reserved_ok)
{
	if (name == NULL || name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		reader_fault(reader, "%s: a name must have 1 to %d bytes", place, NAMEDATALEN - 1);
	else if (!is_reserved_ok && (strcmp(name, HITL_START) == 0 || strcmp(name, HITL_END) == 0))
		reader_fault(reader, "%s: the name \"%s\" is reserved", place, name);
	return name != NULL ? pstrdup(name) : pstrdup("");
}

static HitlFunction
read_function(HitlReader *reader, const char *place, Jsonb *object, const char *key)
{
	HitlFunction function = {.signature = reader_string(reader, place, object, key, true)};

	return function;
}

/* The members of an object at a key, sorted by jsonb; NIL if it is not there. */
static List *
read_members(HitlReader *reader, Jsonb *document, const char *key, Jsonb **members)
{
	*members = json_get(document, key);
	if (*members == NULL || json_is_null(*members))
		return NIL;
	if (!json_is_object(*members))
	{
		reader_fault(reader, "\"%s\" must be an object", key);
		return NIL;
	}
	return json_keys(*members);
}

static List *
read_list(HitlReader *reader, Jsonb *document, const char *key)
{
	Jsonb	   *list = json_get(document, key);

	if (list == NULL || json_is_null(list))
		return NIL;
	if (!json_is_array(list))
	{
		reader_fault(reader, "\"%s\" must be an array", key);
		return NIL;
	}
	return json_elements(list);
}

static void
read_channel(HitlReader *reader, HitlChannel *channel, Jsonb *json)
{
	char	   *place = psprintf("channel \"%s\"", channel->name);
	char	   *reducer = json_scalar_string(json);

	(void) check_name(reader, place, channel->name, true);
	if (json_is_object(json))
	{
		READER_KEYS(reader, place, json, "reducer", "initial");
		reducer = reader_string(reader, place, json, "reducer", false);
		channel->initial = json_get(json, "initial");
	}
	else if (reducer == NULL)
		reader_fault(reader, "%s must be an object or the name of a reducer", place);

	channel->reducer = HITL_REDUCER_OVERWRITE;
	if (reducer != NULL && !name_find_reducer(reducer, &channel->reducer))
	{
		channel->reducer = HITL_REDUCER_FUNCTION;
		channel->function.signature = reducer;
	}
}

static void
read_retry(HitlReader *reader, const char *place, HitlRetry *retry, Jsonb *json)
{
	Jsonb	   *codes;
	ListCell   *cell;

	retry->max_attempts = 1;
	retry->initial_interval = 0.5;
	retry->backoff_factor = 2;
	retry->max_interval = 128;
	retry->jitter = true;
	if (json == NULL || json_is_null(json))
		return;
	if (!json_is_object(json))
	{
		reader_fault(reader, "%s: \"retry\" must be an object", place);
		return;
	}
	READER_KEYS(reader, place, json, "max_attempts", "initial_interval", "backoff_factor",
			   "max_interval", "jitter", "retry_on");
	retry->max_attempts = reader_integer(reader, place, json, "max_attempts", 3, 1, 1000);
	retry->initial_interval = reader_number(reader, place, json, "initial_interval", 0.5, 0, 86400);
	retry->backoff_factor = reader_number(reader, place, json, "backoff_factor", 2, 1, 100);
	retry->max_interval = reader_number(reader, place, json, "max_interval", 128, 0, 86400 * 30);
	if (json_get(json, "jitter") != NULL && !json_is_null(json_get(json, "jitter")) && !json_get_bool(json_get(json, "jitter"), &retry->jitter))
		reader_fault(reader, "%s: \"jitter\" must be true or false", place);
	codes = json_get(json, "retry_on");
	if (codes == NULL || json_is_null(codes))
		return;
	if (!json_is_array(codes))
	{
		reader_fault(reader, "%s: \"retry_on\" must be an array of SQLSTATEs", place);
		return;
	}
	foreach(cell, json_elements(codes))
	{
		char	   *code = json_scalar_string(lfirst(cell));

		if (code == NULL || (strlen(code) != 5 && strlen(code) != 2) ||
			strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(code))
			reader_fault(reader, "%s: \"retry_on\" must hold SQLSTATEs of five, or classes of two, digits and capitals", place);
		else
			retry->retry_on = lappend(retry->retry_on, code);
	}
}

static HitlGate *
read_gate(HitlReader *reader, const char *node_place, const char *node, Jsonb *json)
{
	HitlGate   *gate;
	char	   *place = psprintf("%s, gate", node_place);
	char	   *on_respond;

	if (json == NULL || json_is_null(json))
		return NULL;
	if (!json_is_object(json))
	{
		reader_fault(reader, "%s: \"gate\" must be an object", node_place);
		return NULL;
	}
	READER_KEYS(reader, place, json, "action", "description", "args", "skip_when", "allowed",
			   "on_reject", "feedback_key", "on_respond", "policy");
	gate = palloc0(sizeof(HitlGate));
	gate->action = reader_string(reader, place, json, "action", false);
	if (gate->action == NULL)
		gate->action = pstrdup(node);
	gate->description = reader_string(reader, place, json, "description", false);
	gate->args = reader_string(reader, place, json, "args", false);
	if (gate->args == NULL)
		gate->args = pstrdup("$");
	gate->path = gate_path(gate->args);
	if (gate->path != NIL && linitial(gate->path) == NULL)
		reader_fault(reader, "%s: \"args\" must be a path of keys, such as $.order", place);
	gate->skip_when = reader_string(reader, place, json, "skip_when", false);
	gate->allowed = reader_decisions(reader, place, json, "allowed");
	gate->on_reject = reader_string(reader, place, json, "on_reject", false);
	gate->on_reject = gate->on_reject == NULL ? pstrdup(HITL_END) : check_name(reader, place, gate->on_reject, true);
	gate->feedback_key = reader_string(reader, place, json, "feedback_key", false);
	if (gate->feedback_key == NULL)
		gate->feedback_key = pstrdup("feedback");
	gate->policy = reader_string(reader, place, json, "policy", false);
	on_respond = reader_string(reader, place, json, "on_respond", false);
	gate->runs_on_respond = on_respond != NULL && strcmp(on_respond, "run") == 0;
	if (on_respond != NULL && !gate->runs_on_respond && strcmp(on_respond, "output") != 0)
		reader_fault(reader, "%s: \"on_respond\" must be output or run", place);
	return gate;
}

/* Which key becomes which: NULL where it is not said. */
static Jsonb *
read_map(HitlReader *reader, const char *place, Jsonb *object, const char *key)
{
	Jsonb	   *map = json_get(object, key);
	bool		is_map = json_is_object(map);
	ListCell   *cell;

	if (map == NULL || json_is_null(map))
		return NULL;
	if (is_map)
		foreach(cell, json_keys(map))
			is_map &= json_get_string(map, lfirst(cell)) != NULL;
	if (!is_map)
		reader_fault(reader, "%s: \"%s\" must be an object of keys to keys, such as {\"here\": \"there\"}", place, key);
	return is_map ? map : NULL;
}

static HitlSubgraph *
read_subgraph(HitlReader *reader, const char *node_place, Jsonb *json)
{
	HitlSubgraph *subgraph;
	char	   *place = psprintf("%s, subgraph", node_place);

	if (json == NULL || json_is_null(json))
		return NULL;
	subgraph = palloc0(sizeof(HitlSubgraph));
	subgraph->graph = json_scalar_string(json);
	if (json_is_object(json))
	{
		READER_KEYS(reader, place, json, "graph", "version", "input", "output");
		subgraph->graph = reader_string(reader, place, json, "graph", true);
		subgraph->version = reader_integer(reader, place, json, "version", 0, 1, PG_INT32_MAX);
		subgraph->input = read_map(reader, place, json, "input");
		subgraph->output = read_map(reader, place, json, "output");
	}
	else if (subgraph->graph == NULL)
		reader_fault(reader, "%s: \"subgraph\" must be an object or the name of a graph", node_place);
	return subgraph;
}

static void
read_node(HitlReader *reader, HitlNode *node, Jsonb *json)
{
	char	   *place = psprintf("node \"%s\"", node->name);
	Jsonb	   *destinations;
	char	   *suspend;
	ListCell   *cell;

	(void) check_name(reader, place, node->name, false);
	read_retry(reader, place, &node->retry, NULL);
	if (json_scalar_string(json) != NULL)
	{
		node->handler.signature = json_scalar_string(json);
		return;
	}
	if (!json_is_object(json))
	{
		reader_fault(reader, "%s must be an object or the signature of a function", place);
		return;
	}
	READER_KEYS(reader, place, json, "handler", "sql", "subgraph", "retry", "timeout", "gate", "destinations", "suspend");
	node->subgraph = read_subgraph(reader, place, json_get(json, "subgraph"));
	node->sql = reader_string(reader, place, json, "sql", false);
	if (node->subgraph != NULL)
	{
		if (node->sql != NULL || reader_has(json, "handler"))
			reader_fault(reader, "%s has a subgraph, and a handler or sql", place);
		if (reader_has(json, "retry") || reader_has(json, "timeout"))
			reader_fault(reader, "%s: a subgraph has no retry and no timeout, the nodes in it have", place);
	}
	else if (node->sql == NULL && json_get(json, "handler") == NULL)
		reader_fault(reader, "%s has neither a handler nor sql nor a subgraph", place);
	else if (node->sql == NULL)
		node->handler = read_function(reader, place, json, "handler");
	else if (json_get(json, "handler") != NULL)
		reader_fault(reader, "%s has both a handler and sql", place);
	read_retry(reader, place, &node->retry, json_get(json, "retry"));
	if (json_get(json, "timeout") != NULL && !json_is_null(json_get(json, "timeout")))
		node->timeout_ms = (int) rint(1000 * reader_number(reader, place, json, "timeout", 1, 0.001, 86400));
	node->gate = read_gate(reader, place, node->name, json_get(json, "gate"));
	suspend = reader_string(reader, place, json, "suspend", false);
	node->continues = suspend != NULL && strcmp(suspend, "continue") == 0;
	if (suspend != NULL && !node->continues && strcmp(suspend, "replay") != 0)
		reader_fault(reader, "%s: \"suspend\" must be replay or continue", place);
	if (node->continues && node->handler.signature == NULL)
		reader_fault(reader, "%s: only a function in PL/pgSQL can continue", place);
	destinations = json_get(json, "destinations");
	if (destinations == NULL || json_is_null(destinations))
		return;
	if (!json_is_array(destinations))
	{
		reader_fault(reader, "%s: \"destinations\" must be an array of names", place);
		return;
	}
	foreach(cell, json_elements(destinations))
		node->destinations = lappend(node->destinations,
									 check_name(reader, place, json_scalar_string(lfirst(cell)), true));
}

static int
compare_edges(const ListCell *a, const ListCell *b)
{
	const HitlEdge *x = lfirst(a);
	const HitlEdge *y = lfirst(b);
	int			order = strcmp(x->source, y->source);

	return order != 0 ? order : strcmp(x->target, y->target);
}

static void
read_edges(HitlReader *reader, HitlGraphVersion *graph, Jsonb *document)
{
	List	   *edges = NIL;
	ListCell   *cell;

	foreach(cell, read_list(reader, document, "edges"))
	{
		List	   *ends = json_is_array(lfirst(cell)) ? json_elements(lfirst(cell)) : NIL;
		HitlEdge   *edge = palloc0(sizeof(HitlEdge));

		if (list_length(ends) != 2 || json_scalar_string(linitial(ends)) == NULL ||
			json_scalar_string(lsecond(ends)) == NULL)
		{
			reader_fault(reader, "an edge must be an array of two names");
			continue;
		}
		edge->source = check_name(reader, "edge", json_scalar_string(linitial(ends)), true);
		edge->target = check_name(reader, "edge", json_scalar_string(lsecond(ends)), true);
		if (strcmp(edge->source, HITL_END) == 0 || strcmp(edge->target, HITL_START) == 0)
			reader_fault(reader, "the edge from \"%s\" to \"%s\" leaves END or leads to START", edge->source, edge->target);
		edges = lappend(edges, edge);
	}
	list_sort(edges, compare_edges);
	graph->edges = palloc0(sizeof(HitlEdge) * Max(list_length(edges), 1));
	foreach(cell, edges)
	{
		HitlEdge   *edge = lfirst(cell);

		if (graph->n_edges > 0 &&
			strcmp(graph->edges[graph->n_edges - 1].source, edge->source) == 0 &&
			strcmp(graph->edges[graph->n_edges - 1].target, edge->target) == 0)
			continue;
		graph->edges[graph->n_edges++] = *edge;
	}
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
read_joins(HitlReader *reader, HitlGraphVersion *graph, Jsonb *document)
{
	List	   *joins = read_list(reader, document, "joins");
	ListCell   *cell;

	graph->joins = palloc0(sizeof(HitlJoin) * Max(list_length(joins), 1));
	foreach(cell, joins)
	{
		HitlJoin   *join = &graph->joins[graph->n_joins];
		Jsonb	   *json = lfirst(cell);
		Jsonb	   *sources = json_get(json, "sources");
		ListCell   *source;

		if (json_is_object(json))
		{
			READER_KEYS(reader, "join", json, "sources", "target");
			join->target = check_name(reader, "join", reader_string(reader, "join", json, "target", true), true);
		}
		if (!json_is_object(json) || !json_is_array(sources))
		{
			reader_fault(reader, "a join must be an object with an array of \"sources\" and a \"target\"");
			continue;
		}
		join->sources = palloc0(sizeof(char *) * Max(list_length(json_elements(sources)), 1));
		foreach(source, json_elements(sources))
			join->sources[join->n_sources++] = check_name(reader, "join", json_scalar_string(lfirst(source)), false);
		if (join->n_sources == 0)
			reader_fault(reader, "the join to \"%s\" has no sources", join->target);
		qsort(join->sources, join->n_sources, sizeof(char *), compare_strings);
		for (int i = 1; i < join->n_sources; i++)
			if (strcmp(join->sources[i - 1], join->sources[i]) == 0)
				reader_fault(reader, "the join to \"%s\" names the source \"%s\" twice", join->target, join->sources[i]);
		graph->n_joins++;
	}
}

static void
read_branches(HitlReader *reader, HitlGraphVersion *graph, Jsonb *document)
{
	List	   *branches = read_list(reader, document, "conditional_edges");
	ListCell   *cell;

	graph->branches = palloc0(sizeof(HitlBranch) * Max(list_length(branches), 1));
	foreach(cell, branches)
	{
		HitlBranch *branch = &graph->branches[graph->n_branches];
		Jsonb	   *json = lfirst(cell);
		char	   *place;
		ListCell   *key;

		if (!json_is_object(json))
		{
			reader_fault(reader, "a conditional edge must be an object with \"source\" and \"router\"");
			continue;
		}
		branch->source = check_name(reader, "conditional edge", reader_string(reader, "conditional edge", json, "source", true), true);
		place = psprintf("conditional edge from \"%s\"", branch->source);
		READER_KEYS(reader, place, json, "source", "router", "map");
		if (strcmp(branch->source, HITL_END) == 0)
			reader_fault(reader, "%s: nothing leaves END", place);
		branch->router = read_function(reader, place, json, "router");
		branch->map = json_get(json, "map");
		if (json_is_null(branch->map))
			branch->map = NULL;
		if (branch->map != NULL && !json_is_object(branch->map))
		{
			reader_fault(reader, "%s: \"map\" must be an object", place);
			branch->map = NULL;
		}
		else if (branch->map != NULL)
			foreach(key, json_keys(branch->map))
				if (json_get_string(branch->map, lfirst(key)) == NULL)
				{
					reader_fault(reader, "%s: the map must lead to names of nodes", place);
					branch->map = NULL;
					break;
				}
		graph->n_branches++;
	}
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Breakpoints: names of nodes, or "*" for all; sorted, each once. */
static List *
read_breakpoints(HitlReader *reader, Jsonb *document, const char *key)
{
	List	   *names = NIL;
	List	   *unique = NIL;
	ListCell   *cell;

	foreach(cell, read_list(reader, document, key))
	{
		char	   *name = json_scalar_string(lfirst(cell));

		if (name == NULL)
			reader_fault(reader, "\"%s\" must hold names of nodes, or \"*\"", key);
		else
			names = lappend(names, name);
	}
	list_sort(names, compare_names);
	foreach(cell, names)
		if (unique == NIL || strcmp(llast(unique), lfirst(cell)) != 0)
			unique = lappend(unique, lfirst(cell));
	return unique;
}

static bool
is_among(List *breakpoints, const char *node)
{
	ListCell   *cell;

	foreach(cell, breakpoints)
		if (strcmp(lfirst(cell), HITL_ALL_NODES) == 0 || strcmp(lfirst(cell), node) == 0)
			return true;
	return false;
}

static int
compare_channels(const void *a, const void *b)
{
	return strcmp(((const HitlChannel *) a)->name, ((const HitlChannel *) b)->name);
}

static int
compare_nodes(const void *a, const void *b)
{
	return strcmp(((const HitlNode *) a)->name, ((const HitlNode *) b)->name);
}

/* How a graph takes its functions; false: it is no such word. */
bool
definition_read_pinned(const char *word, bool *is_pinned)
{
	*is_pinned = strcmp(word, "pinned") == 0;
	return *is_pinned || strcmp(word, "live") == 0;
}

/*
 * Read a document.  Always returns a graph, with what could be read; adds a
 * sentence to *faults for each thing that could not.
 */
HitlGraphVersion *
definition_parse(Jsonb *document, List **faults)
{
	HitlGraphVersion *graph = palloc0(sizeof(HitlGraphVersion));
	HitlReader	reader = {*faults};
	Jsonb	   *members;
	char	   *functions;
	List	   *names;
	ListCell   *cell;

	if (!json_is_object(document))
	{
		reader_fault(&reader, "a definition must be an object, and this is %s", json_type(document));
		document = json_empty_object();
	}
	READER_KEYS(&reader, "definition", document, "graph", "recursion_limit", "functions", "channels", "nodes",
			   "edges", "joins", "conditional_edges", "interrupt_before", "interrupt_after");
	graph->recursion_limit = reader_integer(&reader, "definition", document, "recursion_limit",
										  DEFAULT_RECURSION_LIMIT, 1, 1000000000);

	functions = reader_string(&reader, "definition", document, "functions", false);
	if (functions != NULL && !definition_read_pinned(functions, &graph->is_pinned))
		reader_fault(&reader, "definition: \"functions\" must be live or pinned");

	names = read_members(&reader, document, "channels", &members);
	graph->channels = palloc0(sizeof(HitlChannel) * Max(list_length(names), 1));
	foreach(cell, names)
	{
		HitlChannel *channel = &graph->channels[graph->n_channels++];

		channel->name = lfirst(cell);
		read_channel(&reader, channel, json_get(members, channel->name));
	}
	/* jsonb sorts keys by length first; we search by strcmp */
	qsort(graph->channels, graph->n_channels, sizeof(HitlChannel), compare_channels);

	names = read_members(&reader, document, "nodes", &members);
	graph->nodes = palloc0(sizeof(HitlNode) * Max(list_length(names), 1));
	foreach(cell, names)
	{
		HitlNode   *node = &graph->nodes[graph->n_nodes++];

		node->name = lfirst(cell);
		read_node(&reader, node, json_get(members, node->name));
	}
	qsort(graph->nodes, graph->n_nodes, sizeof(HitlNode), compare_nodes);

	read_edges(&reader, graph, document);
	read_joins(&reader, graph, document);
	read_branches(&reader, graph, document);
	graph->interrupt_before = read_breakpoints(&reader, document, "interrupt_before");
	graph->interrupt_after = read_breakpoints(&reader, document, "interrupt_after");
	for (int i = 0; i < graph->n_nodes; i++)
	{
		graph->nodes[i].stops_before = is_among(graph->interrupt_before, graph->nodes[i].name);
		graph->nodes[i].stops_after = is_among(graph->interrupt_after, graph->nodes[i].name);
	}
	*faults = reader.faults;
	return graph;
}
