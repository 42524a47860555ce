/*
 * why.c
 *    Why a thread does not move, and what to type next.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "ballot.h"
#include "clock.h"
#include "deadline.h"
#include "errors.h"
#include "frame.h"
#include "graph.h"
#include "guc.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "names.h"
#include "rights.h"
#include "shmem.h"
#include "slot.h"
#include "store_interrupt.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "why.h"
#include "wording.h"

/*
 * What failed because a function had changed needs more than a retry.  The
 * first such thread of a tree is told of.
 */
static void
explain_change(const HitlIds *tree, char **explanation, char **next)
{
	for (int i = 0; i < tree->n; i++)
	{
		HitlThread *thread = store_thread_find(tree->ids[i]);

		if (thread == NULL || thread->counts.failed == 0 ||
			!store_task_has_failed_with(thread->thread_id, thread->step, unpack_sql_state(ERRCODE_HITL_CHANGED)))
			continue;
		*explanation = pstrdup("A function has changed since its version of the graph was compiled.");
		*next = psprintf("SELECT hitl.compile(%s);  -- then SELECT hitl.migrate(%lld);",
						 quote_literal_cstr(graph_get(thread->graph_id, thread->version)->name),
						 (long long) thread->thread_id);
		return;
	}
}

/* how many questions are told of one by one */
#define MAX_QUESTIONS 3

/* What a question waits for: whose votes, in whose hands it is, by when. */
static char *
explain_question(const HitlInterrupt *interrupt)
{
	TimestampTz now = clock_now();
	const HitlPolicy *policy = ballot_policy(interrupt);
	HitlTally	tally = ballot_count(interrupt);
	List	   *roles = NIL;
	bool		is_held;
	TimestampTz put_off_until;
	List	   *impossible = ballot_impossible(interrupt);
	StringInfoData text;
	ListCell   *cell;

	foreach(cell, store_audience(interrupt->interrupt_id))
		roles = lappend(roles, (char *) rights_role_name(lfirst_oid(cell)));
	initStringInfo(&text);
	appendStringInfo(&text, " Node \"%s\" asks%s%s: %s", interrupt->node,
					 interrupt->question.action != NULL ? " for " : "",
					 interrupt->question.action != NULL ? interrupt->question.action : "",
					 tally.missing != NIL ? wording_list(tally.missing, "and") : "a vote");
	/* where groups count, what is missing says of whom */
	if (policy == NULL || policy->quorum != HITL_QUORUM_GROUPS)
		appendStringInfo(&text, ", of %s", wording_list(roles, "or"));
	appendStringInfoChar(&text, '.');
	foreach(cell, impossible)
		appendStringInfo(&text, " %s.", (char *) lfirst(cell));
	if (impossible != NIL)
		appendStringInfoString(&text, " So it cannot pass: GRANT the group to who may decide it. A group that was dropped needs a new version of its policy"
							   " (hitl.create_policy) for what is asked from now on; this question a reject ends, or hitl.cancel() of the thread.");
	is_held = rights_is_held(interrupt, policy, now);
	if (is_held && TIMESTAMP_IS_NOEND(interrupt->claimed_until))
		appendStringInfo(&text, " It is assigned to \"%s\".", interrupt->claimed_by);
	else if (is_held)
		appendStringInfo(&text, " \"%s\" holds it until %s.", interrupt->claimed_by,
						 timestamptz_to_str(interrupt->claimed_until));
	if (interrupt->due_at != DT_NOBEGIN && !TIMESTAMP_IS_NOEND(interrupt->due_at))
		appendStringInfo(&text, interrupt->due_at <= now ? " It is overdue since %s." : " It is due at %s.",
						 timestamptz_to_str(interrupt->due_at));
	if (interrupt->expires_at != DT_NOBEGIN && !TIMESTAMP_IS_NOEND(interrupt->expires_at))
		appendStringInfo(&text, interrupt->expires_at <= now ? " Its time was over at %s." : " It expires at %s.",
						 timestamptz_to_str(interrupt->expires_at));
	put_off_until = deadline_put_off_until(interrupt, now);
	if (put_off_until != DT_NOBEGIN)
		appendStringInfo(&text, " What is due of it could not be fired, as the server's log says; it is tried again at %s.",
						 timestamptz_to_str(put_off_until));
	return text.data;
}

static char *
explain_questions(List *pending)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfo(&text, "It waits for %d decision(s).", list_length(pending));
	foreach(cell, pending)
	{
		if (foreach_current_index(cell) == MAX_QUESTIONS)
			break;
		appendStringInfoString(&text, explain_question(lfirst(cell)));
	}
	return text.data;
}

static void
explain(const HitlThread *thread, const char **code, char **explanation, char **next)
{
	int64		thread_id = thread->thread_id;
	HitlThreadStatus status = tree_status(thread);
	HitlIds		tree = tree_live(thread);
	/* the views find a tree by its root */
	const char *key = tree.n > 1 ? "root_id" : "thread_id";
	long long	key_id = tree.n > 1 ? thread->root_id : thread_id;
	long long	id = thread_id;
	TimestampTz due_at = DT_NOBEGIN;
	int			crashes;
	const char *why;
	char	   *remedy;

	*next = psprintf("SELECT * FROM hitl.timeline WHERE thread_id = %lld;", id);
	*code = name_thread_status(status);
	switch (status)
	{
		case HITL_THREAD_DONE:
			*explanation = pstrdup("It has reached END.");
			*next = psprintf("SELECT hitl.get_state(%lld);", id);
			return;
		case HITL_THREAD_CANCELLED:
			*explanation = pstrdup("It was cancelled.");
			return;
		case HITL_THREAD_FAILED:
			*explanation = pstrdup("A node failed, and nothing else of its step can run.");
			*next = psprintf("SELECT * FROM hitl.failed WHERE %s = %lld;  -- then SELECT hitl.retry(%lld);", key, key_id, id);
			explain_change(&tree, explanation, next);
			return;
		case HITL_THREAD_INTERRUPTED:
			*explanation = explain_questions(store_interrupt_pending(&tree, HITL_LOCK_NONE));
			*next = psprintf("SELECT * FROM hitl.pending WHERE %s = %lld;", key, key_id);
			return;
		case HITL_THREAD_RUNNING:
			break;
	}

	if (frame_is_open_for(thread_id))
	{
		*code = "running";
		*explanation = pstrdup("A node of it runs in this session.");
		return;
	}

	/* it is queued: who will take it? */
	(void) store_queue_next_due(&tree, &due_at);
	if (due_at > clock_real())
	{
		*code = "delayed";
		crashes = store_task_crashes(thread_id, thread->step);
		if (crashes > 0)
			*explanation = psprintf("A node of it ended the process that ran it (%d of %d times); it runs again at %s.",
									crashes, guc_max_crashes, timestamptz_to_str(due_at));
		else
			*explanation = psprintf("It was put back and runs again at %s.", timestamptz_to_str(due_at));
		*next = psprintf("SELECT hitl.wait(%lld);", id);
	}
	else if (!shmem_is_on())
	{
		*code = "no_workers";
		*explanation = pstrdup("It is queued, and hitl is not in shared_preload_libraries: no worker will take it.");
		*next = pstrdup("CALL hitl.run_pending();");
	}
	else
	{
		HitlWorkerInfo *workers;
		int			n_workers = slot_workers(&workers);
		bool		has_launcher = false;

		for (int i = 0; i < n_workers; i++)
		{
			if (workers[i].pid != 0 && strcmp(workers[i].process, "launcher") == 0)
				has_launcher = true;
			if (workers[i].dboid == MyDatabaseId && tree_has(&tree, workers[i].thread_id))
			{
				*code = "running";
				*explanation = psprintf("Process %d runs a node of it.", workers[i].pid);
				*next = psprintf("SELECT hitl.wait(%lld);", id);
				return;
			}
		}
		*next = pstrdup("SELECT * FROM hitl.worker_status;");
		if (!rights_can_connect(thread->owner, &why, &remedy))
		{
			*code = "owner_cannot_connect";
			*explanation = psprintf("It is queued, and no executor can run as role \"%s\": %s.",
									rights_role_name(thread->owner), why);
			*next = remedy;
		}
		else if (!has_launcher)
		{
			*code = "no_launcher";
			*explanation = pstrdup("It is queued, and the hitl launcher is not running.");
		}
		else if (guc_max_executors == 0)
		{
			*code = "no_executor";
			*explanation = pstrdup("It is queued, and hitl.max_executors is 0.");
			*next = pstrdup("ALTER SYSTEM SET hitl.max_executors = 4;  -- then SELECT pg_reload_conf();");
		}
		else
		{
			*code = "queued";
			*explanation = pstrdup("It is queued and waits for an executor.");
		}
	}
}

/* Why a thread does not move, and what to type next. */
void
why_explain(int64 thread_id, const char **code, char **explanation, char **next)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_WATCH);

	explain(thread, code, explanation, next);
	if (thread->n_inputs > 0)
		*explanation = psprintf("%s %d more input(s) wait for its end.", *explanation, thread->n_inputs);
}
