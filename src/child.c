/*
 * child.c
 *    A subgraph as it runs: a thread of its own, for which a task waits.
 *
 * The task of a subgraph's node runs twice.  The first run passes the gate and
 * makes the child; the task waits, in the same commit.  The child runs like any
 * thread: what it asks parks it alone, and its answer runs its node alone.  Its
 * end queues the task again (thread.c), and the second run makes the child's
 * state the node's update and asks the node's routers.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "checkpoint.h"
#include "child.h"
#include "graph.h"
#include "subgraph.h"
#include "thread.h"

/* Make the child of a task; returns its id. */
int64
child_start(const HitlThread *parent, const HitlTask *task, const HitlSubgraph *subgraph, Jsonb *input)
{
	HitlThread	child = {
		.graph_id = subgraph->graph_id,
		.version = subgraph->version,
		.owner = parent->owner,
		.root_id = parent->root_id,
		.parent_id = parent->thread_id,
		.parent_step = task->step,
		.parent_task_id = task->task_id,
		.depth = parent->depth + 1,
		.frame = lappend(list_copy(parent->frame), task->node)
	};

	return thread_make(&child, &input, 1)[0];
}

/* What the task's node returns once the child is done. */
Jsonb *
child_output(const HitlThread *child, const HitlSubgraph *subgraph)
{
	Jsonb	   *before = NULL;

	/* with a map it does not matter what has changed */
	if (subgraph->output == NULL)
		before = checkpoint_state(child->thread_id,
										thread_is_staged(graph_get(child->graph_id, child->version)) ? 1 : 0);
	return subgraph_output(subgraph, before, checkpoint_state(child->thread_id, child->checkpoint));
}
