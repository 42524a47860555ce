/*
 * mermaid.c
 *    A graph as a Mermaid flowchart.
 *
 * Nodes are boxes, those of subgraphs with a double edge; plain edges and joins are solid arrows, what a router or a
 * command may choose is dotted.  The tasks of a thread's current step colour
 * their nodes by status.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "frontier.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "mermaid.h"
#include "names.h"

/* Mermaid's ids are plain words: a node is n and its place. */
static char *
place_of(const HitlGraphVersion *graph, const char *name)
{
	const HitlNode *node = frontier_find_node(graph, name);

	if (node != NULL)
		return psprintf("n%d", (int) (node - graph->nodes));
	return pstrdup(strcmp(name, HITL_START) == 0 ? "START" : "END_");
}

/* A label within quotes: what Mermaid or HTML would read is written as entities. */
static char *
label(const char *text)
{
	StringInfoData escaped;

	initStringInfo(&escaped);
	for (const char *p = text; *p != '\0'; p++)
	{
		if (strchr("\"<>&#;`", *p) != NULL)
			appendStringInfo(&escaped, "#%d;", (unsigned char) *p);
		else
			appendStringInfoChar(&escaped, (unsigned char) *p < ' ' ? ' ' : *p);
	}
	return escaped.data;
}

static void
draw_choice(StringInfo chart, const HitlGraphVersion *graph, const char *source, const char *target, const char *word)
{
	if (word != NULL)
		appendStringInfo(chart, "  %s -. \"%s\" .-> %s\n", place_of(graph, source), label(word), place_of(graph, target));
	else
		appendStringInfo(chart, "  %s -.-> %s\n", place_of(graph, source), place_of(graph, target));
}

static void
draw_branch(StringInfo chart, const HitlGraphVersion *graph, const HitlBranch *branch)
{
	ListCell   *cell;

	if (branch->map == NULL)
	{
		/* it may name any node */
		for (int i = 0; i < graph->n_nodes; i++)
			draw_choice(chart, graph, branch->source, graph->nodes[i].name, NULL);
		draw_choice(chart, graph, branch->source, HITL_END, NULL);
		return;
	}
	foreach(cell, json_keys(branch->map))
		draw_choice(chart, graph, branch->source, json_get_string(branch->map, lfirst(cell)), lfirst(cell));
}

/* Which status of its tasks should a node show? */
static int
badness(HitlTaskStatus status)
{
	switch (status)
	{
		case HITL_TASK_FAILED:
			return 4;
		case HITL_TASK_INTERRUPTED:
			return 3;
		case HITL_TASK_READY:
		case HITL_TASK_WAITING:
			return 2;
		case HITL_TASK_CANCELLED:
			return 1;
		case HITL_TASK_DONE:
			break;
	}
	return 0;
}

/* tasks: HitlTask of the step that a thread is in; NIL for the graph alone. */
char *
mermaid_draw(const HitlGraphVersion *graph, List *tasks)
{
	StringInfoData chart;
	ListCell   *cell;

	initStringInfo(&chart);
	appendStringInfoString(&chart, "flowchart TD\n  START([START])\n  END_([END])\n");
	for (int i = 0; i < graph->n_nodes; i++)
		appendStringInfo(&chart, graph->nodes[i].subgraph != NULL ? "  n%d[[\"%s\"]]\n" : "  n%d[\"%s\"]\n",
						 i, label(graph->nodes[i].name));
	for (int i = 0; i < graph->n_edges; i++)
		appendStringInfo(&chart, "  %s --> %s\n", place_of(graph, graph->edges[i].source),
						 place_of(graph, graph->edges[i].target));
	for (int i = 0; i < graph->n_joins; i++)
		for (int j = 0; j < graph->joins[i].n_sources; j++)
			appendStringInfo(&chart, "  %s -- \"join\" --> %s\n", place_of(graph, graph->joins[i].sources[j]),
							 place_of(graph, graph->joins[i].target));
	for (int i = 0; i < graph->n_branches; i++)
		draw_branch(&chart, graph, &graph->branches[i]);
	for (int i = 0; i < graph->n_nodes; i++)
		foreach(cell, graph->nodes[i].destinations)
			draw_choice(&chart, graph, graph->nodes[i].name, lfirst(cell), NULL);
	if (tasks != NIL)
		appendStringInfoString(&chart,
							   "  classDef ready fill:#cfe2ff\n  classDef waiting fill:#cfe2ff\n  classDef interrupted fill:#fff3cd\n"
							   "  classDef failed fill:#f8d7da\n  classDef done fill:#d1e7dd\n"
							   "  classDef cancelled fill:#e2e3e5\n");
	/* one line per node, however many tasks it has: the worst first */
	for (int i = 0; i < graph->n_nodes; i++)
	{
		HitlTaskStatus worst = HITL_TASK_DONE;
		bool		has_task = false;

		foreach(cell, tasks)
		{
			const HitlTask *task = lfirst(cell);

			if (strcmp(task->node, graph->nodes[i].name) != 0)
				continue;
			if (!has_task || badness(task->status) > badness(worst))
				worst = task->status;
			has_task = true;
		}
		if (has_task)
			appendStringInfo(&chart, "  class n%d %s\n", i, name_task_status(worst));
	}
	return chart.data;
}
