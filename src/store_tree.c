/*
 * store_tree.c
 *    Threads and the threads of their subgraphs, as a tree.
 *
 * A thread that has ended has nothing below it that lives, and one without
 * waiting tasks has nothing below it at all that does: so the way down leads
 * over waiting threads only, and ends where they end.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "names.h"
#include "store_tree.h"

/* thread_parent: a step down is one range of it */
DB_STATEMENT(tree_live,
			 "WITH RECURSIVE tree AS ("
			 "  SELECT t.thread_id, t.depth, t.n_waiting FROM hitl.thread t WHERE t.thread_id = $1"
			 "  UNION ALL"
			 "  SELECT d.thread_id, d.depth, d.n_waiting FROM tree t JOIN hitl.thread d ON d.parent_id = t.thread_id"
			 "  WHERE t.n_waiting > 0 AND d.status NOT IN ('done', 'cancelled'))"
			 " SELECT thread_id FROM tree ORDER BY depth, thread_id",
			 INT8OID);

/* A thread and what lives below it, downwards. */
HitlIds
store_tree_live(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	HitlIds		ids;

	db_open(&call);
	ids.n = (int) db_execute(&tree_live, args);
	ids.ids = MemoryContextAllocHuge(call.caller, sizeof(int64) * Max(ids.n, 1));
	for (int i = 0; i < ids.n; i++)
		ids.ids[i] = db_get_bigint(i, 1);
	db_close(&call);
	return ids;
}

/* by primary key; the view looks at the thread and what is below it at once */
DB_STATEMENT(tree_status,
			 "SELECT status FROM hitl._status WHERE thread_id = $1",
			 INT8OID);

/* What a thread that is there is shown as. */
HitlThreadStatus
store_tree_status(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	HitlThreadStatus status;

	db_open(&call);
	if (db_execute(&tree_status, args) == 0)
		elog(ERROR, "hitl has lost thread %lld", (long long) thread_id);
	status = name_to_thread_status(db_get_text(&call, 0, 1));
	db_close(&call);
	return status;
}
