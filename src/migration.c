/*
 * migration.c
 *    May a thread go on with another version of its graph?
 *
 * What the thread has before it must mean something there: the nodes that are
 * to run, the edges and targets of those that have run in this super-step, the
 * joins and subgraphs that wait.  A person's answer at a gate must find its
 * gate: a node without one would run on a reject too.  What a node in C has kept
 * for its next phase must find its function.
 *
 * What a node asks itself need not be looked at: when it runs again, another
 * question is asked anew, and a reject, an edit or a response that it does not
 * ask for any more fails it (interrupt.c).
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "frontier.h"
#include "migration.h"

static bool
has_place(const HitlGraphVersion *graph, const char *name)
{
	return strcmp(name, HITL_START) == 0 || strcmp(name, HITL_END) == 0 ||
		frontier_find_node(graph, name) != NULL;
}

static bool
is_open(const HitlTask *task)
{
	return task->status != HITL_TASK_DONE && task->status != HITL_TASK_CANCELLED;
}

/*
 * Would this open task lose its gate?  Then it may go over only if nothing was
 * asked there.
 */
bool
migration_drops_gate(const HitlGraphVersion *from, const HitlGraphVersion *to, const HitlTask *task)
{
	const HitlNode *before = frontier_find_node(from, task->node);
	const HitlNode *after = frontier_find_node(to, task->node);

	return is_open(task) && before != NULL && before->gate != NULL &&
		after != NULL && after->gate == NULL;
}

static bool
are_joins_equal(const HitlJoin *a, const HitlJoin *b)
{
	if (strcmp(a->target, b->target) != 0 || a->n_sources != b->n_sources)
		return false;
	for (int i = 0; i < a->n_sources; i++)
		if (strcmp(a->sources[i], b->sources[i]) != 0)
			return false;
	return true;
}

static bool
has_join(const HitlGraphVersion *graph, const HitlJoin *join)
{
	for (int i = 0; i < graph->n_joins; i++)
		if (are_joins_equal(&graph->joins[i], join))
			return true;
	return false;
}

/* A task that has a child goes on with what comes of it: a subgraph it stays. */
static bool
has_subgraph_of(const HitlGraphVersion *from, const HitlGraphVersion *to, const HitlTask *task)
{
	const HitlNode *here = frontier_find_node(from, task->node);
	const HitlNode *there = frontier_find_node(to, task->node);

	if (task->child_id == 0 || task->status == HITL_TASK_DONE)
		return true;
	return here != NULL && here->subgraph != NULL && there != NULL && there->subgraph != NULL &&
		strcmp(here->subgraph->graph, there->subgraph->graph) == 0;
}

/*
 * What a node in C has kept for its next phase only its own function can read,
 * which goes on from what it did before.
 */
static bool
has_phase_of(const HitlGraphVersion *from, const HitlGraphVersion *to, const HitlTask *task)
{
	const HitlNode *here = frontier_find_node(from, task->node);
	const HitlNode *there = frontier_find_node(to, task->node);

	if (task->phase == 0 || task->status == HITL_TASK_DONE)
		return true;
	return here != NULL && here->handler.signature != NULL && there != NULL && there->handler.signature != NULL &&
		strcmp(here->handler.signature, there->handler.signature) == 0;
}

/*
 * All that keeps a thread from going over, a sentence each.  tasks: those of
 * its super-step, with their targets; gated: names of nodes that have asked at
 * a gate that they would lose; joins: as kept with its checkpoint.
 */
List *
migration_faults(const HitlGraphVersion *from, const HitlGraphVersion *to, List *tasks,
				 List *gated, Jsonb *joins)
{
	List	   *faults = NIL;
	ListCell   *cell;
	ListCell   *target_cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);

		if (task->status == HITL_TASK_CANCELLED)
			continue;
		/* a breakpoint knows where the thread goes: its targets */
		if (task->kind != HITL_TASK_BREAKPOINT && !has_place(to, task->node))
			faults = lappend(faults, task->status == HITL_TASK_DONE
							 ? psprintf("Node \"%s\" has run in this super-step, and without it its edges would be lost", task->node)
							 : psprintf("Node \"%s\" is to run and is not there", task->node));
		else if (!has_subgraph_of(from, to, task))
			faults = lappend(faults, psprintf("Node \"%s\" has begun its subgraph and is not one of the same graph there", task->node));
		else if (!has_phase_of(from, to, task))
			faults = lappend(faults, psprintf("Node \"%s\" goes on in phase %d, and is not the same function there",
											  task->node, task->phase));
		foreach(target_cell, task->targets)
		{
			const HitlTarget *target = lfirst(target_cell);

			if (!has_place(to, target->node))
				faults = lappend(faults, psprintf("Node \"%s\" has led to \"%s\", which is not there",
												  task->node, target->node));
		}
	}
	foreach(cell, gated)
		faults = lappend(faults, psprintf("Node \"%s\" has asked at its gate and has none there", (char *) lfirst(cell)));
	for (int i = 0; i < from->n_joins; i++)
		if (frontier_join_waits(&from->joins[i], joins) && !has_join(to, &from->joins[i]))
			faults = lappend(faults, psprintf("The join to \"%s\" waits and is not there with the same sources",
											  from->joins[i].target));
	return faults;
}
