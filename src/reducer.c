/*
 * reducer.c
 *    What the nodes of a super-step wrote, as one change of the state.
 *
 * Every channel (key of the state) is overwritten.  Two nodes that write the
 * same channel in one super-step have no order between them, so that is an
 * error which names both (LangGraph's InvalidUpdateError).
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "json.h"
#include "reducer.h"

/*
 * tasks: HitlTask* of one super-step, all done.  Returns an object: the
 * channels that changed with their new values.  The result does not depend on
 * the order of the list.
 */
Jsonb *
reducer_apply(List *tasks)
{
	Jsonb	   *delta = json_empty_object();
	ListCell   *cell;

	foreach(cell, tasks)
	{
		const HitlTask *task = lfirst(cell);
		ListCell   *key_cell;

		if (task->update == NULL)
			continue;
		foreach(key_cell, json_keys(task->update))
		{
			const char *channel = lfirst(key_cell);
			ListCell   *other_cell;

			if (json_get(delta, channel) == NULL)
				continue;
			foreach(other_cell, tasks)
			{
				const HitlTask *other = lfirst(other_cell);

				if (other != task && json_get(other->update, channel) != NULL)
					ereport(ERROR,
							(errcode(ERRCODE_CARDINALITY_VIOLATION),
							 errmsg("two nodes wrote one channel in the same super-step"),
							 errdetail("Nodes \"%s\" and \"%s\" both wrote channel \"%s\".",
									   strcmp(other->node, task->node) < 0 ? other->node : task->node,
									   strcmp(other->node, task->node) < 0 ? task->node : other->node,
									   channel),
							 errhint("Let them write different channels, or run one after the other.")));
			}
		}
		delta = json_merge(delta, task->update);
	}
	return delta;
}
