/*
 * store_task.c
 *    Rows of hitl.task: one node to run in one super-step.
 *
 * The row lock of a task is the claim, and only executors take it: skipping
 * what others hold, released by a crash.  All other writers (cancel, retry)
 * leave claimed rows alone.
 *
 * Layer 2.  The primary key is (thread_id, step, task_id): what one step costs
 * does not grow with the steps before it.
 */
#include "postgres.h"

#include "db.h"
#include "json.h"
#include "names.h"
#include "store_task.h"
#include "utils/elog.h"

DB_STATEMENT(task_insert,
			 "INSERT INTO hitl.task (thread_id, task_id, step, node, status, created_at)"
			 " VALUES ($1, pg_catalog.nextval('hitl.task_id_seq'), $2, $3, 'ready', $4)"
			 " RETURNING task_id",
			 INT8OID, INT4OID, TEXTOID, TIMESTAMPTZOID);

/* Insert a ready task; returns its task_id. */
int64
store_task_insert(int64 thread_id, int step, const char *node, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_text(node), db_time(at)};
	int64		task_id;

	db_open(&call);
	(void) db_execute(&task_insert, args);
	task_id = db_get_bigint(0, 1);
	db_close(&call);
	return task_id;
}

DB_STATEMENT(task_claim,
			 "SELECT node, status, attempt, has_asked FROM hitl.task"
			 " WHERE thread_id = $1 AND step = $2 AND task_id = $3 FOR UPDATE SKIP LOCKED",
			 INT8OID, INT4OID, INT8OID);

DB_STATEMENT(task_exists,
			 "SELECT 1 FROM hitl.task WHERE thread_id = $1 AND step = $2 AND task_id = $3",
			 INT8OID, INT4OID, INT8OID);

/*
 * Claim a task.  NULL when another executor has it (is_there), or when it is
 * not there at all.
 */
HitlTask *
store_task_claim(int64 thread_id, int step, int64 task_id, bool *is_there)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_bigint(task_id)};
	HitlTask   *task = NULL;

	*is_there = true;
	db_open(&call);
	if (db_execute(&task_claim, args) > 0)
	{
		task = MemoryContextAllocZero(call.caller, sizeof(HitlTask));
		task->thread_id = thread_id;
		task->task_id = task_id;
		task->step = step;
		task->node = db_get_text(&call, 0, 1);
		task->status = name_to_task_status(db_get_text(&call, 0, 2));
		task->attempt = db_get_int(0, 3);
		task->has_asked = db_get_bool(0, 4);
	}
	else
		*is_there = db_execute(&task_exists, args) > 0;
	db_close(&call);
	return task;
}

static Jsonb *
error_document(const HitlError *error)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "sqlstate", unpack_sql_state(error->sqlerrcode));
	json_add_string(&b, "message", error->message);
	json_add_string(&b, "detail", error->detail);
	json_add_string(&b, "hint", error->hint);
	json_add_string(&b, "context", error->context);
	return json_end(&b);
}

DB_STATEMENT(task_move,
			 "UPDATE hitl.task SET status = $4, attempt = $5, has_asked = $6, \"update\" = $7, error = $8, ended_at = $9"
			 " WHERE thread_id = $1 AND step = $2 AND task_id = $3",
			 INT8OID, INT4OID, INT8OID, TEXTOID, INT4OID, BOOLOID, JSONBOID, JSONBOID, TIMESTAMPTZOID);

/* Write a task back; the caller has claimed it.  error: NULL for none. */
void
store_task_move(const HitlTask *task, const HitlError *error, TimestampTz at)
{
	DbCall		call;
	bool		has_ended = task->status == HITL_TASK_DONE ||
		task->status == HITL_TASK_FAILED || task->status == HITL_TASK_CANCELLED;
	DbArg		args[] = {db_bigint(task->thread_id), db_int(task->step), db_bigint(task->task_id),
		db_text(name_task_status(task->status)), db_int(task->attempt), db_bool(task->has_asked),
		db_jsonb(task->update), db_jsonb(error != NULL ? error_document(error) : NULL),
	has_ended ? db_time(at) : db_null()};

	db_open(&call);
	(void) db_execute(&task_move, args);
	db_close(&call);
}

/* a range of the primary key: the tasks of one super-step */
DB_STATEMENT(task_count,
			 "SELECT status, pg_catalog.count(*)::pg_catalog.int4 FROM hitl.task"
			 " WHERE thread_id = $1 AND step = $2 GROUP BY status",
			 INT8OID, INT4OID);

/*
 * Count the tasks of a super-step by status.  The caller holds the thread and
 * took the lock in an earlier statement: a snapshot from before the lock would
 * not see the sibling that has just finished.
 */
void
store_task_count(int64 thread_id, int step, HitlTaskCounts *counts)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	uint64		n;

	memset(counts, 0, sizeof(*counts));
	db_open(&call);
	n = db_execute(&task_count, args);
	for (uint64 i = 0; i < n; i++)
	{
		int			count = db_get_int(i, 2);

		switch (name_to_task_status(db_get_text(&call, i, 1)))
		{
			case HITL_TASK_READY:
				counts->ready = count;
				break;
			case HITL_TASK_INTERRUPTED:
				counts->interrupted = count;
				break;
			case HITL_TASK_FAILED:
				counts->failed = count;
				break;
			case HITL_TASK_DONE:
				counts->done = count;
				break;
			case HITL_TASK_CANCELLED:
				break;
		}
	}
	db_close(&call);
}

DB_STATEMENT(task_list,
			 "SELECT task_id, node, status, \"update\" FROM hitl.task"
			 " WHERE thread_id = $1 AND step = $2 ORDER BY thread_id, step, task_id",
			 INT8OID, INT4OID);

/* The tasks of a super-step with what they returned, as HitlTask. */
List *
store_task_list(int64 thread_id, int step)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	List	   *tasks = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&task_list, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlTask   *task = palloc0(sizeof(HitlTask));

		task->thread_id = thread_id;
		task->step = step;
		task->task_id = db_get_bigint(i, 1);
		task->node = db_get_text(&call, i, 2);
		task->status = name_to_task_status(db_get_text(&call, i, 3));
		task->update = db_get_jsonb(&call, i, 4);
		tasks = lappend(tasks, task);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return tasks;
}

/* a range of the primary key; a claimed row is its executor's to end */
DB_STATEMENT(task_cancel_thread,
			 "UPDATE hitl.task SET status = 'cancelled', ended_at = $2 WHERE ctid IN"
			 " (SELECT ctid FROM hitl.task WHERE thread_id = $1 AND status IN ('ready', 'interrupted')"
			 "  FOR UPDATE SKIP LOCKED)",
			 INT8OID, TIMESTAMPTZOID);

/* End the tasks of a thread that nobody runs; the caller holds the thread. */
void
store_task_cancel_thread(int64 thread_id, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_time(at)};

	db_open(&call);
	(void) db_execute(&task_cancel_thread, args);
	db_close(&call);
}

/* nobody claims a failed task, so this waits for nobody */
DB_STATEMENT(task_retry,
			 "UPDATE hitl.task SET status = 'ready', error = NULL, ended_at = NULL"
			 " WHERE thread_id = $1 AND step = $2 AND status = 'failed' RETURNING task_id, node",
			 INT8OID, INT4OID);

/*
 * Make the failed tasks of a super-step ready; returns them as HitlTask with
 * id and node.  The caller holds the thread.
 */
List *
store_task_retry(int64 thread_id, int step)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	List	   *tasks = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&task_retry, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlTask   *task = palloc0(sizeof(HitlTask));

		task->thread_id = thread_id;
		task->step = step;
		task->status = HITL_TASK_READY;
		task->task_id = db_get_bigint(i, 1);
		task->node = db_get_text(&call, i, 2);
		tasks = lappend(tasks, task);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return tasks;
}

DB_STATEMENT(task_error,
			 "SELECT pg_catalog.jsonb_build_object('node', node) OPERATOR(pg_catalog.||) error FROM hitl.task"
			 " WHERE thread_id = $1 AND step = $2 AND status = 'failed'"
			 " ORDER BY thread_id, step, task_id LIMIT 1",
			 INT8OID, INT4OID);

/* How the first failed task of a super-step failed; NULL when none did. */
Jsonb *
store_task_error(int64 thread_id, int step)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	Jsonb	   *error = NULL;

	db_open(&call);
	if (db_execute(&task_error, args) > 0)
		error = db_get_jsonb(&call, 0, 1);
	db_close(&call);
	return error;
}
