/*
 * frontier.c
 *    A graph as a thing to walk: what runs next, and is it well formed.
 *
 * A super-step runs every node that an edge of the last one's nodes leads to,
 * once each (LangGraph, after Pregel: Malewicz et al., SIGMOD 2010).  The
 * thread is done when all edges lead to END.
 *
 * Layer 1: pure.  Nodes are sorted by name, edges by source and target; so
 * every result is in a fixed order.
 */
#include "postgres.h"

#include "frontier.h"
#include "miscadmin.h"

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

/*
 * The names of the nodes to run after those in `done` (START for the first
 * super-step), each once, sorted.  Empty: the thread is done.
 */
List *
frontier_next(const HitlGraphVersion *graph, List *done)
{
	bool	   *is_next = palloc0(sizeof(bool) * Max(graph->n_nodes, 1));
	List	   *next = NIL;
	ListCell   *cell;

	foreach(cell, done)
	{
		const char *source = lfirst(cell);

		for (int i = 0; i < graph->n_edges; i++)
		{
			if (strcmp(graph->edges[i].source, source) == 0 &&
				strcmp(graph->edges[i].target, HITL_END) != 0)
			{
				int			target = node_index(graph, graph->edges[i].target);

				if (target >= 0)
					is_next[target] = true;
			}
		}
	}
	for (int i = 0; i < graph->n_nodes; i++)
		if (is_next[i])
			next = lappend(next, graph->nodes[i].name);
	return next;
}

/* Mark all that can be reached over edges from a node, or against them. */
static void
mark_reached(const HitlGraphVersion *graph, const char *from, bool backwards, bool *reached)
{
	check_stack_depth();
	for (int i = 0; i < graph->n_edges; i++)
	{
		const HitlEdge *edge = &graph->edges[i];
		const char *here = backwards ? edge->target : edge->source;
		const char *there = backwards ? edge->source : edge->target;
		int			n;

		if (strcmp(here, from) != 0)
			continue;
		n = node_index(graph, there);
		if (n >= 0 && !reached[n])
		{
			reached[n] = true;
			mark_reached(graph, there, backwards, reached);
		}
	}
}

/*
 * All that is wrong with the shape of a graph, one sentence each, sorted by
 * kind and name.  Empty: nothing is.
 *
 * A cycle is a fault: its edges are taken every time, so it would never end.
 */
List *
frontier_faults(const HitlGraphVersion *graph)
{
	List	   *faults = NIL;
	bool	   *from_start = palloc0(sizeof(bool) * Max(graph->n_nodes, 1));
	bool	   *to_end = palloc0(sizeof(bool) * Max(graph->n_nodes, 1));
	bool		is_entered = false;

	if (graph->n_nodes == 0)
		faults = lappend(faults, pstrdup("the graph has no node"));

	for (int i = 0; i < graph->n_edges; i++)
	{
		const HitlEdge *edge = &graph->edges[i];

		if (strcmp(edge->source, HITL_START) == 0)
			is_entered = true;
		else if (node_index(graph, edge->source) < 0)
			faults = lappend(faults, psprintf("the edge from \"%s\" to \"%s\" leaves a node that is not there",
											  edge->source, edge->target));
		if (strcmp(edge->target, HITL_END) != 0 && node_index(graph, edge->target) < 0)
			faults = lappend(faults, psprintf("the edge from \"%s\" to \"%s\" leads to a node that is not there",
											  edge->source, edge->target));
	}
	if (!is_entered && graph->n_nodes > 0)
		faults = lappend(faults, pstrdup("no edge leads from START into the graph"));

	mark_reached(graph, HITL_START, false, from_start);
	mark_reached(graph, HITL_END, true, to_end);
	for (int i = 0; i < graph->n_nodes; i++)
	{
		const char *name = graph->nodes[i].name;
		bool	   *ahead = palloc0(sizeof(bool) * graph->n_nodes);

		if (!from_start[i])
			faults = lappend(faults, psprintf("node \"%s\" cannot be reached from START", name));
		if (!to_end[i])
			faults = lappend(faults, psprintf("END cannot be reached from node \"%s\"", name));
		mark_reached(graph, name, false, ahead);
		if (ahead[i])
			faults = lappend(faults, psprintf("node \"%s\" is on a cycle, which would never end", name));
		pfree(ahead);
	}
	return faults;
}
