/*
 * view.c
 *    Look at a thread: its state, what invoke() returns, a picture; wait for it.
 *
 * Nothing here changes a row.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/xact.h"
#include "checkpoint.h"
#include "clock.h"
#include "errors.h"
#include "frontier.h"
#include "graph.h"
#include "interrupt.h"
#include "json.h"
#include "mermaid.h"
#include "names.h"
#include "store_queue.h"
#include "store_task.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/timestamp.h"
#include "view.h"
#include "wake.h"

/*
 * The state at a checkpoint; -1: at the latest one, as it is now, also behind a
 * wait() in the same statement.
 */
Jsonb *
view_state(int64 thread_id, int checkpoint)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_READ);

	return checkpoint_state(thread_id, thread_require_checkpoint(thread, checkpoint));
}

/* What invoke() and resume() return. */
Jsonb *
view_document(int64 thread_id)
{
	HitlThread *thread = store_thread_find(thread_id);
	HitlThreadStatus status = tree_status(thread);
	HitlIds		tree = tree_live(thread);
	TimestampTz due_at;
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "thread_id", thread_id);
	json_add_string(&b, "status", name_thread_status(status));
	json_add_jsonb(&b, "state", checkpoint_state(thread_id, thread->checkpoint));
	json_add_jsonb(&b, "interrupts", interrupt_documents(&tree));
	if (status == HITL_THREAD_FAILED)
		json_add_jsonb(&b, "error", store_task_error(&tree));
	if (status == HITL_THREAD_RUNNING && store_queue_next_due(&tree, &due_at))
		json_add_time(&b, "due_at", due_at);
	return json_end(&b);
}

/*
 * A graph as a Mermaid flowchart; has_thread: with where this thread is.
 */
char *
view_mermaid(const char *graph_name, bool has_thread, int64 thread_id)
{
	HitlGraph  *graph = graph_require_for(graph_name, HITL_ACCESS_WATCH);
	HitlThread *thread;
	List	   *targets = NIL;

	if (!has_thread)
		return mermaid_draw(graph_draft_or_latest(graph), NIL);
	thread = thread_require_for(thread_id, HITL_ACCESS_WATCH);
	if (thread->graph_id != graph->graph_id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("thread %lld does not run graph \"%s\"", (long long) thread_id, graph_name),
				 errdetail("It is of another graph."),
				 errhint("SELECT graph FROM hitl.threads WHERE thread_id = %lld;", (long long) thread_id)));
	return mermaid_draw(graph_get(thread->graph_id, thread->version),
						store_task_list(thread_id, thread->step, &targets));
}

static void
refuse_wait(int64 thread_id, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_UNCOMMITTED),
			 errmsg("cannot wait for thread %lld in this transaction", (long long) thread_id),
			 errdetail_internal("%s", detail),
			 errhint("Commit first, then wait in a transaction of its own at READ COMMITTED.")));
}

/*
 * Wait until a thread is settled: done, failed, cancelled or interrupted.
 * Returns false when the time is up.
 */
bool
view_wait(int64 thread_id, TimestampTz until, HitlThreadStatus *status)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_WATCH);
	HitlIds		tree = tree_live(thread);
	bool		is_settled = false;

	if (IsolationUsesXactSnapshot())
		refuse_wait(thread_id, "Its isolation level is above READ COMMITTED, so it would never see the thread move.");
	if (thread->is_ours || store_queue_is_ours(&tree))
		refuse_wait(thread_id, "It has itself started, decided or steered the thread, which nobody else can see before it commits.");

	/* what happens in a tree wakes those who wait for its root */
	wake_wait_begin(thread->root_id);
	for (;;)
	{
		TimestampTz now;

		thread = store_thread_find(thread_id);
		if (thread == NULL)
			break;
		*status = tree_status(thread);
		is_settled = *status != HITL_THREAD_RUNNING;
		now = clock_real();
		if (is_settled || now >= until)
			break;
		thread_note_missing_workers();
		wake_wait(TimestampDifferenceMilliseconds(now, until) + 1);
	}
	wake_wait_end();
	return is_settled;
}
