/*
 * migrate.c
 *    Take a parked thread to another version of its graph.
 *
 * A thread keeps the version it started with; somebody says when it goes on
 * with another one, and only while nothing of it runs or is queued, or between
 * its turns.  An answer that is on its way comes first or comes after: it holds
 * its interrupt, and we wait for that.
 *
 * Questions stay as they are.  When a node runs again under the new version, an
 * answer counts for what was asked (P5); where it asks something else, it asks
 * anew, and a reject, an edit or a response that it does not ask for any more
 * fails it.
 *
 * Layer 3.  Lock order: interrupts by id, then the thread.
 */
#include "postgres.h"

#include "answer.h"
#include "audit.h"
#include "errors.h"
#include "frontier.h"
#include "gate.h"
#include "graph.h"
#include "interrupt.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "lifecycle.h"
#include "migrate.h"
#include "migration.h"
#include "names.h"
#include "rights.h"
#include "store_checkpoint.h"
#include "store_interrupt.h"
#include "store_task.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/builtins.h"

/* A root that is done has nothing before it but the turn that more input begins. */
static bool
is_between_turns(const HitlThread *thread)
{
	return thread->status == HITL_THREAD_DONE && thread->parent_id == 0;
}

static void
require_parked(const HitlThread *thread)
{
	if (lifecycle_thread_has_ended(thread->status) && !is_between_turns(thread))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld cannot be migrated", (long long) thread->thread_id),
				 errdetail("It is %s.", name_thread_status(thread->status)),
				 errhint("SELECT * FROM hitl.timeline WHERE thread_id = %lld;", (long long) thread->thread_id)));
	if (tree_status(thread) == HITL_THREAD_RUNNING)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("thread %lld is running", (long long) thread->thread_id),
				 errdetail("Something of it is queued or runs; it can be migrated when it waits for people or has failed."),
				 errhint("SELECT hitl.wait(%lld); then migrate it.", (long long) thread->thread_id)));
}

/* The version that is meant, or the latest. */
static int
find_version(const HitlThread *thread, const char *graph_name, bool has_version, int version)
{
	HitlGraph  *graph = graph_require_for(graph_name, HITL_ACCESS_OPERATE);

	if (!has_version)
		return graph->version;
	if (version <= HITL_DRAFT || version > graph->version)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("graph \"%s\" has no version %d", graph_name, version),
				 errdetail("Its latest one is %d; thread %lld runs %d.",
						   graph->version, (long long) thread->thread_id, thread->version),
				 errhint("SELECT hitl.compile(%s);", quote_literal_cstr(graph_name))));
	return version;
}

/* It is there already: fine, unless that is what it cannot go on with. */
static void
refuse_same_version(const HitlThread *thread, const char *graph_name)
{
	if (!store_task_has_failed_with(thread->thread_id, thread->step, unpack_sql_state(ERRCODE_HITL_CHANGED)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("thread %lld runs version %d already", (long long) thread->thread_id, thread->version),
			 errdetail("A function has changed since that was compiled, so a task of it has failed."),
			 errhint("SELECT hitl.compile(%s); then migrate it, or, if that is no new version, retry it.", quote_literal_cstr(graph_name))));
}

static bool
has_asked_at_gate(const HitlTask *task)
{
	ListCell   *cell;

	foreach(cell, store_interrupt_of_task(task->thread_id, task->task_id))
	{
		const HitlInterrupt *interrupt = lfirst(cell);

		if (strcmp(interrupt->question.key, HITL_GATE_QUESTION) == 0 &&
			(interrupt->status == HITL_INTERRUPT_PENDING || answer_is_given(interrupt)))
			return true;
	}
	return false;
}

static void
check_migration(const HitlThread *thread, const HitlGraphVersion *from, const HitlGraphVersion *to)
{
	List	   *documents = NIL;
	List	   *tasks = store_task_list(thread->thread_id, thread->step, &documents);
	List	   *gated = NIL;
	List	   *faults;
	StringInfoData detail;
	ListCell   *cell;

	foreach(cell, tasks)
	{
		HitlTask   *task = lfirst(cell);

		task->targets = targets_parse(list_nth(documents, foreach_current_index(cell)));
		if (migration_drops_gate(from, to, task) && has_asked_at_gate(task))
			gated = lappend(gated, task->node);
	}
	faults = migration_faults(from, to, tasks, gated,
							  store_checkpoint_joins(thread->thread_id, thread->checkpoint));
	if (faults == NIL)
		return;
	initStringInfo(&detail);
	foreach(cell, faults)
	{
		char	   *line = psprintf("%s.", (char *) lfirst(cell));

		/* ten thousand tasks of one node have one fault */
		if (strstr(detail.data, line) == NULL)
			appendStringInfo(&detail, "%s%s", detail.len > 0 ? "\n" : "", line);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("thread %lld cannot go on with version %d of graph \"%s\"",
					(long long) thread->thread_id, to->version, to->name),
			 errdetail_internal("%s", detail.data),
			 errhint("Compile a version that has what the detail names, or SELECT hitl.cancel(%lld);",
					 (long long) thread->thread_id)));
}

/*
 * Take a thread to a version of its graph, or to the latest; returns it.
 * Tasks that failed because a function had changed are queued again; others
 * that failed wait for retry().
 */
int
migrate_thread(int64 thread_id, bool has_version, int version)
{
	HitlThread *thread = thread_require_for(thread_id, HITL_ACCESS_OPERATE);
	const HitlGraphVersion *from;
	JsonBuilder b;

	rights_refuse_agent("migrate threads");
	(void) tree_lock(thread_id, true);
	/* the look of the lock is older than the lock: what a retry that we waited
	 * for has queued is not in it */
	thread = store_thread_find(thread_id);
	require_parked(thread);

	from = graph_get(thread->graph_id, thread->version);
	version = find_version(thread, from->name, has_version, version);
	if (version == thread->version)
	{
		refuse_same_version(thread, from->name);
		return version;
	}
	if (!is_between_turns(thread))
		check_migration(thread, from, graph_get(thread->graph_id, version));

	store_thread_set_version(thread_id, version);
	json_begin(&b);
	json_add_int64(&b, "from", from->version);
	json_add_int64(&b, "to", version);
	audit_thread(thread_id, "migrated", json_end(&b));
	(void) thread_requeue_failed(thread, unpack_sql_state(ERRCODE_HITL_CHANGED));
	return version;
}
