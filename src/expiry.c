/*
 * expiry.c
 *    A run whose question has expired and has no answer for its node.
 *
 * What a policy decides when the time is over goes to the node as every
 * decision does, but for two: "fail" is the end of the task, and "route" sends
 * the thread to another node in its place.  Both are carried out here, before
 * anything of the author's runs.
 *
 * A task that failed so and is retried is ready and no more interrupted: its
 * node, gate or breakpoint then asks anew.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "errors.h"
#include "expiry.h"
#include "frontier.h"
#include "interrupt.h"
#include "json.h"
#include "utils/builtins.h"

/* The task fails, and is not retried by itself: the node has not run. */
static void
fail(HitlRun *run, int sqlerrcode, char *message, char *detail)
{
	run->outcome = HITL_OUTCOME_FAILED;
	run->node = NULL;
	run->error.sqlerrcode = sqlerrcode;
	run->error.message = message;
	run->error.detail = detail;
	run->error.hint = psprintf("SELECT hitl.retry(%lld); asks again, or SELECT hitl.cancel(%lld);",
							   (long long) run->thread->thread_id, (long long) run->thread->root_id);
}

static void
divert(HitlRun *run, const HitlInterrupt *expired, char *node)
{
	HitlTarget *target;

	if (strcmp(node, HITL_END) != 0 && frontier_find_node(run->graph, node) == NULL)
	{
		fail(run, ERRCODE_UNDEFINED_OBJECT,
			 psprintf("interrupt %lld has expired and leads to no node", (long long) expired->interrupt_id),
			 psprintf("Its policy says to go on at node \"%s\", which version %d of graph \"%s\" does not have.",
					  node, run->graph->version, run->graph->name));
		return;
	}
	target = palloc0(sizeof(HitlTarget));
	target->node = node;
	run->targets = list_make1(target);
	run->is_diverted = true;
	run->outcome = HITL_OUTCOME_DONE;
}

/* Is the node of a claimed task not to run for that?  Then the outcome is filled in. */
bool
expiry_stops(HitlRun *run)
{
	const HitlInterrupt *expired = interrupt_ran_out(run->interrupts);
	char	   *node;
	char	   *reason;

	if (expired == NULL || run->task->status != HITL_TASK_INTERRUPTED)
		return false;
	node = json_get_string(expired->decision, "node");
	if (node != NULL)
	{
		divert(run, expired, node);
		return true;
	}
	reason = json_get_string(expired->decision, "reason");
	fail(run, ERRCODE_HITL_EXPIRED,
		 psprintf("interrupt %lld has expired", (long long) expired->interrupt_id),
		 reason != NULL ? psprintf("Nobody has decided it in time, and what its policy then says cannot be done: %s.", reason)
		 : pstrdup("Nobody has decided it in time, and its policy says that the task then fails."));
	return true;
}
