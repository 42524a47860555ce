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

/* a fan-out of ten thousand is one statement; ids in the order of the arrays */
DB_STATEMENT(task_insert,
			 "WITH made AS ("
			 " INSERT INTO hitl.task (thread_id, task_id, step, node, kind, input, status, error, created_at, ended_at)"
			 " SELECT t.thread_id, pg_catalog.nextval('hitl.task_id_seq'), $2, t.node, $8, t.input,"
			 "        CASE WHEN $6 IS NULL THEN 'ready' ELSE 'failed' END, $6, $7, CASE WHEN $6 IS NOT NULL THEN $7 END"
			 " FROM (SELECT * FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($4), pg_catalog.unnest($5)) WITH ORDINALITY"
			 "       AS u (thread_id, node, input, place) ORDER BY u.place) t"
			 " RETURNING thread_id, task_id)"
			 " INSERT INTO hitl.run_queue (owner, due_at, thread_id, step, task_id)"
			 " SELECT $3, $9, m.thread_id, $2, m.task_id FROM made m WHERE $6 IS NULL ORDER BY m.task_id",
			 INT8ARRAYOID, INT4OID, REGROLEOID, TEXTARRAYOID, JSONBARRAYOID, JSONBOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID);

/*
 * Insert n tasks of a kind and a step, and their rows in the run queue: thread,
 * node and input (NULL: the state) of each.  error: they have failed already,
 * and are not queued.
 */
void
store_task_insert(HitlTaskKind kind, const int64 *thread_ids, const char *const *nodes, Jsonb *const *inputs, int n,
				  int step, Oid owner, const HitlError *error, TimestampTz at, TimestampTz due_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(thread_ids, n), db_int(step), db_oid(owner), db_text_array(nodes, n),
		db_jsonb_array(inputs, n), db_jsonb(error != NULL ? error_document(error) : NULL),
	db_time(at), db_text(name_task_kind(kind)), db_time(due_at)};

	db_open(&call);
	(void) db_execute(&task_insert, args);
	db_close(&call);
}

DB_STATEMENT(task_claim,
			 "SELECT node, status, attempt, has_asked, input, conflicts, failures, kind, has_steps, crashes, xmin, child_id, \"update\", phase, saved, phase_interrupt FROM hitl.task"
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
		task->input = db_get_jsonb(&call, 0, 5);
		task->conflicts = db_get_int(0, 6);
		task->failures = db_get_int(0, 7);
		task->kind = name_to_task_kind(db_get_text(&call, 0, 8));
		task->has_steps = db_get_bool(0, 9);
		task->crashes = db_get_int(0, 10);
		/* an xid as a Datum is like an oid */
		task->version = (TransactionId) db_get_oid(0, 11);
		task->child_id = db_get_bigint(0, 12);
		task->update = db_get_jsonb(&call, 0, 13);
		task->phase = db_get_int(0, 14);
		task->saved = db_get_jsonb(&call, 0, 15);
		task->phase_interrupt = db_get_bigint(0, 16);
	}
	else
		*is_there = db_execute(&task_exists, args) > 0;
	db_close(&call);
	return task;
}

DB_STATEMENT(task_move,
			 "UPDATE hitl.task SET status = $4, attempt = $5, has_asked = $6, \"update\" = $7, targets = $10, error = $8, ended_at = $9, conflicts = $11, is_diverted = $12, failures = $13, has_steps = $14, crashes = $15, child_id = $16, phase = $17, saved = $18, phase_interrupt = $19"
			 " WHERE thread_id = $1 AND step = $2 AND task_id = $3",
			 INT8OID, INT4OID, INT8OID, TEXTOID, INT4OID, BOOLOID, JSONBOID, JSONBOID, TIMESTAMPTZOID, JSONBOID, INT4OID, BOOLOID, INT4OID, BOOLOID, INT4OID, INT8OID, INT4OID, JSONBOID, INT8OID);

/*
 * Write a task back; the caller has claimed it.  targets: as a document.
 * error: NULL for none.
 */
void
store_task_move(const HitlTask *task, Jsonb *targets, const HitlError *error, TimestampTz at)
{
	DbCall		call;
	bool		has_ended = task->status == HITL_TASK_DONE ||
		task->status == HITL_TASK_FAILED || task->status == HITL_TASK_CANCELLED;
	DbArg		args[] = {db_bigint(task->thread_id), db_int(task->step), db_bigint(task->task_id),
		db_text(name_task_status(task->status)), db_int(task->attempt), db_bool(task->has_asked),
		db_jsonb(task->update), db_jsonb(error != NULL ? error_document(error) : NULL),
		has_ended ? db_time(at) : db_null(), db_jsonb(targets), db_int(task->conflicts), db_bool(task->is_diverted),
	db_int(task->failures), db_bool(task->has_steps), db_int(task->crashes),
	task->child_id != 0 ? db_bigint(task->child_id) : db_null(),
		db_int(task->phase), db_jsonb(task->saved), task->phase_interrupt != 0 ? db_bigint(task->phase_interrupt) : db_null()};

	db_open(&call);
	(void) db_execute(&task_move, args);
	db_close(&call);
}

/* by primary key; nobody claims it: it is done, and not queued */
DB_STATEMENT(task_insert_done,
			 "INSERT INTO hitl.task (thread_id, task_id, step, node, kind, input, status, \"update\", created_at, ended_at)"
			 " VALUES ($1, pg_catalog.nextval('hitl.task_id_seq'), $2, $3, 'update', $4, 'done', $4, $5, $5)",
			 INT8OID, INT4OID, TEXTOID, JSONBOID, TIMESTAMPTZOID);

/* Insert a task of kind update that is done: as if its node had returned that. */
void
store_task_insert_done(int64 thread_id, int step, const char *node, Jsonb *update, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_text(node), db_jsonb(update), db_time(at)};

	db_open(&call);
	(void) db_execute(&task_insert_done, args);
	db_close(&call);
}

/* a range of the primary key; what update_state() added came after the first */
DB_STATEMENT(task_list_first,
			 "SELECT t.node, t.kind, t.input FROM"
			 " (SELECT k.node, k.kind, k.input, k.task_id, pg_catalog.row_number() OVER (ORDER BY k.task_id) AS place"
			 "  FROM hitl.task k WHERE k.thread_id = $1 AND k.step = $2) t"
			 " WHERE t.kind <> 'update' OR t.place = 1 ORDER BY t.task_id",
			 INT8OID, INT4OID);

/*
 * The tasks with which a super-step began, as HitlTask: node, kind and input.
 */
List *
store_task_list_first(int64 thread_id, int step)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	List	   *tasks = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&task_list_first, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlTask   *task = palloc0(sizeof(HitlTask));

		task->node = db_get_text(&call, i, 1);
		task->kind = name_to_task_kind(db_get_text(&call, i, 2));
		task->input = db_get_jsonb(&call, i, 3);
		tasks = lappend(tasks, task);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return tasks;
}

/* a range of the primary key: the tasks of one super-step */
DB_STATEMENT(task_list,
			 "SELECT task_id, node, status, \"update\", CASE kind WHEN 'breakpoint' THEN input ELSE targets END, is_diverted, child_id, kind, phase FROM hitl.task"
			 " WHERE thread_id = $1 AND step = $2 ORDER BY thread_id, step, task_id",
			 INT8OID, INT4OID);

/*
 * The tasks of a super-step with what they returned, as HitlTask; their
 * targets as documents, in the order of the tasks.
 */
List *
store_task_list(int64 thread_id, int step, List **targets)
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
		*targets = lappend(*targets, db_get_jsonb(&call, i, 5));
		task->is_diverted = db_get_bool(i, 6);
		task->child_id = db_get_bigint(i, 7);
		task->kind = name_to_task_kind(db_get_text(&call, i, 8));
		task->phase = db_get_int(i, 9);
		tasks = lappend(tasks, task);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return tasks;
}

/* a range of the primary key; a claimed row is its executor's to end */
DB_STATEMENT(task_cancel_step,
			 "UPDATE hitl.task SET status = 'cancelled', ended_at = $3 WHERE ctid IN"
			 " (SELECT ctid FROM hitl.task WHERE thread_id = $1 AND step = $2 AND status IN ('ready', 'interrupted', 'waiting', 'failed')"
			 "  FOR UPDATE SKIP LOCKED)",
			 INT8OID, INT4OID, TIMESTAMPTZOID);

/*
 * End the tasks of a step that are not done, as far as nobody runs them; the
 * caller holds the thread, which goes on without them.
 */
void
store_task_cancel_step(int64 thread_id, int step, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_time(at)};

	db_open(&call);
	(void) db_execute(&task_cancel_step, args);
	db_close(&call);
}

/* a range of the primary key; a claimed row is its executor's to end */
DB_STATEMENT(task_cancel_thread,
			 "UPDATE hitl.task SET status = 'cancelled', ended_at = $2 WHERE ctid IN"
			 " (SELECT ctid FROM hitl.task WHERE thread_id = $1 AND status IN ('ready', 'interrupted', 'waiting')"
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
			 "UPDATE hitl.task SET status = 'ready', failures = 0, crashes = 0, error = NULL, ended_at = NULL"
			 " WHERE thread_id = $1 AND step = $2 AND status = 'failed'"
			 " AND ($3 IS NULL OR (error OPERATOR(pg_catalog.->>) 'sqlstate') = $3) RETURNING task_id, node",
			 INT8OID, INT4OID, TEXTOID);

/*
 * Make the failed tasks of a super-step ready, all (NULL) or those that failed
 * with this SQLSTATE; returns them as HitlTask with id and node.  The caller
 * holds the thread.
 */
List *
store_task_retry(int64 thread_id, int step, const char *sqlstate)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_text(sqlstate)};
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

DB_STATEMENT(task_failed_with,
			 "SELECT 1 FROM hitl.task WHERE thread_id = $1 AND step = $2 AND status = 'failed'"
			 " AND (error OPERATOR(pg_catalog.->>) 'sqlstate') = $3 LIMIT 1",
			 INT8OID, INT4OID, TEXTOID);

/* Has a task of a super-step failed with this SQLSTATE? */
bool
store_task_has_failed_with(int64 thread_id, int step, const char *sqlstate)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step), db_text(sqlstate)};
	bool		has;

	db_open(&call);
	has = db_execute(&task_failed_with, args) > 0;
	db_close(&call);
	return has;
}

DB_STATEMENT(task_error,
			 "SELECT pg_catalog.jsonb_build_object('node', k.node) OPERATOR(pg_catalog.||) k.error"
			 " FROM hitl.thread t JOIN hitl.task k ON k.thread_id = t.thread_id AND k.step = t.step"
			 " WHERE t.thread_id = ANY ($1) AND t.n_failed > 0 AND k.status = 'failed'"
			 " ORDER BY t.depth, k.thread_id, k.task_id LIMIT 1",
			 INT8ARRAYOID);

/*
 * How the first failed task of these threads' current steps, downwards, failed;
 * NULL when none did.
 */
Jsonb *
store_task_error(const HitlIds *threads)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(threads->ids, threads->n)};
	Jsonb	   *error = NULL;

	db_open(&call);
	if (db_execute(&task_error, args) > 0)
		error = db_get_jsonb(&call, 0, 1);
	db_close(&call);
	return error;
}

/* a range of the primary key */
DB_STATEMENT(task_crashes,
			 "SELECT pg_catalog.max(crashes) FROM hitl.task WHERE thread_id = $1 AND step = $2"
			 " AND status IN ('ready', 'interrupted', 'waiting')",
			 INT8OID, INT4OID);

/* How often a task of a super-step that is still to run has crashed, at most. */
int
store_task_crashes(int64 thread_id, int step)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};
	int			crashes;

	db_open(&call);
	(void) db_execute(&task_crashes, args);
	crashes = db_is_null(0, 1) ? 0 : db_get_int(0, 1);
	db_close(&call);
	return crashes;
}
