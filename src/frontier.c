/*
 * frontier.c
 *    A graph as a thing to walk: what runs next, and is it well formed.
 *
 * A super-step runs every node that the last one leads to, once each, and one
 * task per send (LangGraph, after Pregel: Malewicz et al., SIGMOD 2010).  What
 * a task leads to: its edges, the joins that it completes, and the targets
 * that its command and its conditional edges said when it ran.  The thread is
 * done when nothing is led to.
 *
 * Layer 1: pure.  Nodes are sorted by name, tasks come in the order of their
 * ids; so every result is in a fixed order, whoever finished first.
 */
#include "postgres.h"

#include "frontier.h"
#include "json.h"
#include "names.h"

static int
node_index(const HitlGraphVersion *graph, const char *name)
{
	int			low = 0;
	int			high = graph->n_nodes - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(name, graph->nodes[middle].name);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/* NULL when there is no such node */
const HitlNode *
frontier_find_node(const HitlGraphVersion *graph, const char *name)
{
	int			i = node_index(graph, name);

	return i >= 0 ? &graph->nodes[i] : NULL;
}

bool
frontier_has_branch(const HitlGraphVersion *graph, const char *source)
{
	for (int i = 0; i < graph->n_branches; i++)
		if (strcmp(graph->branches[i].source, source) == 0)
			return true;
	return false;
}

/* ---------------------------------------------------------------------- next */

/*
 * A join's name in the document that is kept with the checkpoint: its target
 * and its sources, so that it means the same in every version of the graph.
 */
static char *
join_key(const HitlJoin *join)
{
	List	   *names = list_make1(join->target);
	Jsonb	   *key;

	for (int i = 0; i < join->n_sources; i++)
		names = lappend(names, join->sources[i]);
	key = json_string_list(names);
	return JsonbToCString(NULL, &key->root, VARSIZE(key));
}

/* Has a part of its sources run?  joins: that document, or NULL. */
bool
frontier_join_waits(const HitlJoin *join, Jsonb *joins)
{
	return joins != NULL && json_get(joins, join_key(join)) != NULL;
}

/* Are all joins of that document there?  Not after a change of the version. */
bool
frontier_knows_joins(const HitlGraphVersion *graph, Jsonb *joins)
{
	List	   *keys = joins != NULL ? json_keys(joins) : NIL;
	ListCell   *cell;

	foreach(cell, keys)
	{
		bool		is_known = false;

		for (int i = 0; i < graph->n_joins; i++)
			is_known |= strcmp(join_key(&graph->joins[i]), lfirst(cell)) == 0;
		if (!is_known)
			return false;
	}
	return true;
}

/* Has this source run, by the sources that the document names for its join? */
static bool
is_seen(Jsonb *seen, const char *source)
{
	ListCell   *cell;

	if (!json_is_array(seen))
		return false;
	foreach(cell, json_elements(seen))
		if (strcmp(json_scalar_string(lfirst(cell)), source) == 0)
			return true;
	return false;
}

static bool
has_task(List *tasks, const char *node)
{
	ListCell   *cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);

		if (!task->is_diverted && strcmp(task->node, node) == 0)
			return true;
	}
	return false;
}

/* Count the step's tasks towards the joins; a complete one fires and is reset. */
static Jsonb *
advance_joins(const HitlGraphVersion *graph, List *tasks, Jsonb *joins, bool *is_next)
{
	Jsonb	   *result = json_empty_object();

	for (int i = 0; i < graph->n_joins; i++)
	{
		const HitlJoin *join = &graph->joins[i];
		char	   *key = join_key(join);
		Jsonb	   *before = json_get(joins, key);
		List	   *seen = NIL;

		for (int j = 0; j < join->n_sources; j++)
			if (has_task(tasks, join->sources[j]) || is_seen(before, join->sources[j]))
				seen = lappend(seen, join->sources[j]);
		if (list_length(seen) == join->n_sources)
		{
			int			target = node_index(graph, join->target);

			if (target >= 0)
				is_next[target] = true;
		}
		else if (seen != NIL)
			result = json_set(result, key, json_string_list(seen));
	}
	return result;
}

static HitlTarget *
make_target(const char *node, Jsonb *input)
{
	HitlTarget *target = palloc(sizeof(HitlTarget));

	target->node = pstrdup(node);
	target->input = input;
	return target;
}

/*
 * What runs after the tasks of a super-step (START's pseudo-task for the
 * first): nodes with the state, each once, by name; then the sends in the
 * order of the tasks.  Empty: the thread is done.  *joins: which joins wait
 * for what, before and after.
 */
List *
frontier_next(const HitlGraphVersion *graph, List *tasks, Jsonb **joins)
{
	bool	   *is_next = palloc0(sizeof(bool) * Max(graph->n_nodes, 1));
	List	   *next = NIL;
	List	   *sends = NIL;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);
		ListCell   *target_cell;

		for (int i = 0; i < graph->n_edges && !task->is_diverted; i++)
		{
			int			target;

			if (strcmp(graph->edges[i].source, task->node) != 0)
				continue;
			target = node_index(graph, graph->edges[i].target);
			if (target >= 0)
				is_next[target] = true;
		}
		foreach(target_cell, task->targets)
		{
			HitlTarget *target = lfirst(target_cell);
			int			index = node_index(graph, target->node);

			if (index < 0)
				continue;		/* END */
			if (target->input != NULL)
				sends = lappend(sends, target);
			else
				is_next[index] = true;
		}
	}
	*joins = advance_joins(graph, tasks, *joins, is_next);

	for (int i = 0; i < graph->n_nodes; i++)
		if (is_next[i])
			next = lappend(next, make_target(graph->nodes[i].name, NULL));
	return list_concat(next, sends);
}

/* ------------------------------------------------------------------- targets */

static const char *const name_a_node = "Name a node of the graph, or END.";

static void
refuse_target(const HitlGraphVersion *graph, const char *who, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s of graph \"%s\" leads nowhere", who, graph->name),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

static HitlTarget *
check_target(const HitlGraphVersion *graph, const char *who, const char *name, Jsonb *input)
{
	if (name == NULL)
		refuse_target(graph, who, "What it says is no name of a node.", name_a_node);
	if (strcmp(name, HITL_END) != 0 && node_index(graph, name) < 0)
		refuse_target(graph, who, psprintf("There is no node \"%s\".", name), name_a_node);
	if (strcmp(name, HITL_END) == 0)
		input = NULL;
	return make_target(name, input);
}

/* Is it what hitl.send() makes?  Then the target that it names. */
static bool
is_send(Jsonb *json, const char **node, Jsonb **input)
{
	Jsonb	   *send = json_get(json, HITL_SEND_KEY);

	if (send == NULL)
		return false;
	*node = json_get_string(send, "node");
	*input = json_get(send, "input");
	return true;
}

static HitlTarget *
read_target(const HitlGraphVersion *graph, const char *who, Jsonb *map, Jsonb *json)
{
	const char *node;
	Jsonb	   *input = NULL;

	if (!is_send(json, &node, &input))
	{
		node = json_scalar_string(json);
		if (map != NULL && node != NULL)
		{
			const char *mapped = json_get_string(map, node);

			if (mapped == NULL)
				refuse_target(graph, who, psprintf("Its map has no \"%s\".", node),
							  "Add it to the map, or return what the map has.");
			node = mapped;
		}
	}
	return check_target(graph, who, node, input);
}

/*
 * What a router returned, as jsonb: a name, a send, or an array of them; NULL
 * and the empty array lead nowhere, on purpose.
 */
List *
targets_from_route(const HitlGraphVersion *graph, const HitlBranch *branch, Jsonb *result)
{
	const char *who = psprintf("the router after \"%s\"", branch->source);
	List	   *targets = NIL;
	ListCell   *cell;

	if (result == NULL || json_is_null(result))
		return NIL;
	if (!json_is_array(result))
		return list_make1(read_target(graph, who, branch->map, result));
	foreach(cell, json_elements(result))
		targets = lappend(targets, read_target(graph, who, branch->map, lfirst(cell)));
	return targets;
}

/*
 * What a node returned: a plain object is the update; hitl.command() holds an
 * update and targets.
 */
List *
targets_from_command(const HitlGraphVersion *graph, const HitlNode *node, Jsonb *result, Jsonb **update)
{
	Jsonb	   *command = json_get(result, HITL_COMMAND_KEY);
	Jsonb	   *gotos;
	const char *who;
	List	   *targets = NIL;
	ListCell   *cell;

	*update = result;
	if (command == NULL)
		return NIL;
	*update = json_get(command, "update");
	if (json_is_null(*update))
		*update = NULL;
	gotos = json_get(command, "goto");
	if (!json_is_array(gotos))
		return NIL;
	who = psprintf("the command of node \"%s\"", node->name);
	foreach(cell, json_elements(gotos))
	{
		HitlTarget *target = read_target(graph, who, NULL, lfirst(cell));
		bool		is_declared = node->destinations == NIL;
		ListCell   *name;

		foreach(name, node->destinations)
			is_declared |= strcmp(lfirst(name), target->node) == 0;
		if (!is_declared)
			refuse_target(graph, who, psprintf("\"%s\" is not among its destinations.", target->node),
						  "Add it to the node's destinations, or go to one of them.");
		targets = lappend(targets, target);
	}
	return targets;
}

/* Targets as a document, as kept with the task; NULL for none. */
Jsonb *
targets_document(List *targets)
{
	List	   *elements = NIL;
	ListCell   *cell;

	if (targets == NIL)
		return NULL;
	foreach(cell, targets)
	{
		HitlTarget *target = lfirst(cell);
		JsonBuilder b;

		if (target->input == NULL)
		{
			elements = lappend(elements, json_string(target->node));
			continue;
		}
		json_begin(&b);
		json_add_string(&b, "node", target->node);
		json_add_jsonb(&b, "input", target->input);
		elements = lappend(elements, json_end(&b));
	}
	return json_list(elements);
}

List *
targets_parse(Jsonb *document)
{
	List	   *targets = NIL;
	ListCell   *cell;

	if (document == NULL)
		return NIL;
	foreach(cell, json_elements(document))
	{
		Jsonb	   *json = lfirst(cell);

		targets = lappend(targets, json_is_object(json)
						  ? make_target(json_get_string(json, "node"), json_get(json, "input"))
						  : make_target(json_scalar_string(json), NULL));
	}
	return targets;
}

/* -------------------------------------------------------------------- faults */

/*
 * Where one can come from each place in one super-step: places 0 to n - 1 are
 * the nodes, then START and END.
 */
typedef struct Reach
{
	const HitlGraphVersion *graph;
	List	  **ahead;			/* of integers */
	List	  **behind;
} Reach;

/* -1: not there, a fault of its own */
static int
place_index(const HitlGraphVersion *graph, const char *name)
{
	if (strcmp(name, HITL_START) == 0)
		return graph->n_nodes;
	if (strcmp(name, HITL_END) == 0)
		return graph->n_nodes + 1;
	return node_index(graph, name);
}

static void
add_step(Reach *reach, const char *from, const char *to)
{
	int			a = place_index(reach->graph, from);
	int			b = place_index(reach->graph, to);

	if (a < 0 || b < 0)
		return;
	reach->ahead[a] = lappend_int(reach->ahead[a], b);
	reach->behind[b] = lappend_int(reach->behind[b], a);
}

static void
fill_reach(Reach *reach, const HitlGraphVersion *graph)
{
	ListCell   *cell;

	reach->graph = graph;
	reach->ahead = palloc0(sizeof(List *) * (graph->n_nodes + 2));
	reach->behind = palloc0(sizeof(List *) * (graph->n_nodes + 2));
	for (int i = 0; i < graph->n_edges; i++)
		add_step(reach, graph->edges[i].source, graph->edges[i].target);
	for (int i = 0; i < graph->n_joins; i++)
		for (int j = 0; j < graph->joins[i].n_sources; j++)
			add_step(reach, graph->joins[i].sources[j], graph->joins[i].target);
	for (int i = 0; i < graph->n_branches; i++)
	{
		const HitlBranch *branch = &graph->branches[i];

		if (branch->map != NULL)
			foreach(cell, json_keys(branch->map))
				add_step(reach, branch->source, json_get_string(branch->map, lfirst(cell)));
		else
		{
			/* it may name any node */
			for (int j = 0; j < graph->n_nodes; j++)
				add_step(reach, branch->source, graph->nodes[j].name);
			add_step(reach, branch->source, HITL_END);
		}
	}
	for (int i = 0; i < graph->n_nodes; i++)
	{
		const HitlNode *node = &graph->nodes[i];

		if (node->gate != NULL)
			add_step(reach, node->name, node->gate->on_reject);
		foreach(cell, node->destinations)
			add_step(reach, node->name, lfirst(cell));
	}
}

/* Mark all places that can be reached over these steps. */
static bool *
mark_reached(const Reach *reach, List *const *steps, const char *from)
{
	bool	   *reached = palloc0(sizeof(bool) * (reach->graph->n_nodes + 2));
	List	   *todo = list_make1_int(place_index(reach->graph, from));

	while (todo != NIL)
	{
		int			here = llast_int(todo);
		ListCell   *cell;

		todo = list_delete_last(todo);
		foreach(cell, steps[here])
		{
			int			there = lfirst_int(cell);

			if (reached[there])
				continue;
			reached[there] = true;
			todo = lappend_int(todo, there);
		}
	}
	return reached;
}

static void
check_named(const HitlGraphVersion *graph, const char *what, const char *name, List **faults)
{
	if (strcmp(name, HITL_START) != 0 && strcmp(name, HITL_END) != 0 && node_index(graph, name) < 0)
		*faults = lappend(*faults, psprintf("%s names \"%s\", which is not there", what, name));
}

/* START is only left and END is only led to.  Of edges the definition's reader says so. */
static void
check_place(const HitlGraphVersion *graph, const char *what, const char *name, bool is_target, List **faults)
{
	if (strcmp(name, is_target ? HITL_START : HITL_END) == 0)
		*faults = lappend(*faults, psprintf("%s %s %s", what, is_target ? "leads to" : "leaves", name));
	else
		check_named(graph, what, name, faults);
}

/* A rejection is an object, which a channel of numbers cannot take. */
static void
check_feedback(const HitlGraphVersion *graph, const HitlNode *node, List **faults)
{
	for (int i = 0; i < graph->n_channels; i++)
	{
		const HitlChannel *channel = &graph->channels[i];

		if (strcmp(channel->name, node->gate->feedback_key) == 0 &&
			(channel->reducer == HITL_REDUCER_ADD || channel->reducer == HITL_REDUCER_MIN ||
			 channel->reducer == HITL_REDUCER_MAX))
			*faults = lappend(*faults, psprintf("the gate of node \"%s\" has the feedback_key \"%s\", whose reducer %s takes no objects",
												node->name, channel->name, name_reducer(channel->reducer)));
	}
}

static void
check_breakpoints(const HitlGraphVersion *graph, const char *what, List *names, List **faults)
{
	ListCell   *cell;

	foreach(cell, names)
		if (strcmp(lfirst(cell), HITL_ALL_NODES) != 0 && node_index(graph, lfirst(cell)) < 0)
			*faults = lappend(*faults, psprintf("%s names \"%s\", which is not a node", what, (char *) lfirst(cell)));
}

/*
 * All that is wrong with the shape of a graph, a sentence each.  Empty: nothing
 * is.
 */
List *
frontier_faults(const HitlGraphVersion *graph)
{
	List	   *faults = NIL;
	Reach		reach;
	bool	   *from_start;
	bool	   *to_end;
	bool		is_entered = frontier_has_branch(graph, HITL_START);
	ListCell   *cell;

	if (graph->n_nodes == 0)
		faults = lappend(faults, pstrdup("the graph has no node"));

	for (int i = 0; i < graph->n_edges; i++)
	{
		const HitlEdge *edge = &graph->edges[i];
		char	   *what = psprintf("the edge from \"%s\" to \"%s\"", edge->source, edge->target);

		if (strcmp(edge->source, HITL_START) == 0)
			is_entered = true;
		check_named(graph, what, edge->source, &faults);
		check_named(graph, what, edge->target, &faults);
	}
	for (int i = 0; i < graph->n_joins; i++)
	{
		const HitlJoin *join = &graph->joins[i];
		char	   *what = psprintf("the join to \"%s\"", join->target);

		check_place(graph, what, join->target, true, &faults);
		for (int j = 0; j < join->n_sources; j++)
			check_place(graph, what, join->sources[j], false, &faults);
	}
	for (int i = 0; i < graph->n_branches; i++)
	{
		const HitlBranch *branch = &graph->branches[i];
		char	   *what = psprintf("the conditional edge from \"%s\"", branch->source);

		check_named(graph, what, branch->source, &faults);
		if (branch->map != NULL)
			foreach(cell, json_keys(branch->map))
				check_place(graph, what, json_get_string(branch->map, lfirst(cell)), true, &faults);
	}
	for (int i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].gate != NULL)
			check_place(graph, psprintf("the gate of node \"%s\"", graph->nodes[i].name),
						graph->nodes[i].gate->on_reject, true, &faults);
	for (int i = 0; i < graph->n_nodes; i++)
		foreach(cell, graph->nodes[i].destinations)
			check_place(graph, psprintf("node \"%s\"", graph->nodes[i].name), lfirst(cell), true, &faults);
	for (int i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].gate != NULL)
			check_feedback(graph, &graph->nodes[i], &faults);
	check_breakpoints(graph, "interrupt_before", graph->interrupt_before, &faults);
	check_breakpoints(graph, "interrupt_after", graph->interrupt_after, &faults);
	if (!is_entered && graph->n_nodes > 0)
		faults = lappend(faults, pstrdup("no edge leads from START into the graph"));

	fill_reach(&reach, graph);
	from_start = mark_reached(&reach, reach.ahead, HITL_START);
	to_end = mark_reached(&reach, reach.behind, HITL_END);
	for (int i = 0; i < graph->n_nodes; i++)
	{
		/* a node of that name is a fault already */
		if (place_index(graph, graph->nodes[i].name) != i)
			continue;
		if (!from_start[i])
			faults = lappend(faults, psprintf("node \"%s\" cannot be reached from START", graph->nodes[i].name));
		if (!to_end[i])
			faults = lappend(faults, psprintf("END cannot be reached from node \"%s\"", graph->nodes[i].name));
	}
	return faults;
}
