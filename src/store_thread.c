/*
 * store_thread.c
 *    Rows of hitl.thread.
 *
 * The thread's row is the barrier of its super-step: whoever ends a task locks
 * it (FOR NO KEY UPDATE), and it counts the tasks that are left: a look at the
 * tasks themselves would cost a fan-out of n the square of n.
 * No column that changes is indexed, so its updates stay on the page (HOT).
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "names.h"
#include "store_thread.h"

DB_STATEMENT(thread_insert,
			 "INSERT INTO hitl.thread (thread_id, graph_id, version, owner, status, step, checkpoint, starter, started_at, n_ready, forked_from, forked_checkpoint,"
			 "  root_id, parent_id, parent_step, parent_task_id, depth, frame)"
			 " SELECT pg_catalog.nextval('hitl.thread_id_seq'), $1, $2, $3, 'running', $4, 0, $5, $6, $7, $9, $10, $11, $12, $13, $14, $15, $16"
			 " FROM pg_catalog.generate_series(1, $8) RETURNING thread_id",
			 INT8OID, INT4OID, REGROLEOID, INT4OID, TEXTOID, TIMESTAMPTZOID, INT4OID, INT4OID,
			 INT8OID, INT4OID, INT8OID, INT8OID, INT4OID, INT8OID, INT4OID, TEXTARRAYOID);

/* NULL for a root, which has none */
static DbArg
frame_array(List *frame)
{
	const char **nodes = palloc(sizeof(char *) * Max(list_length(frame), 1));
	ListCell   *cell;

	if (frame == NIL)
		return db_null();
	foreach(cell, frame)
		nodes[foreach_current_index(cell)] = lfirst(cell);
	return db_text_array(nodes, list_length(frame));
}

/*
 * Insert n running threads like this one; returns their ids, in the caller's
 * context.
 */
int64 *
store_thread_insert(const HitlThread *thread, int n, const char *starter, TimestampTz at)
{
	DbCall		call;
	bool		is_child = thread->parent_id != 0;
	DbArg		args[] = {db_bigint(thread->graph_id), db_int(thread->version), db_oid(thread->owner),
		db_int(thread->step), db_text(starter), db_time(at), db_int(thread->counts.ready), db_int(n),
		thread->forked_from != 0 ? db_bigint(thread->forked_from) : db_null(),
		thread->forked_from != 0 ? db_int(thread->forked_checkpoint) : db_null(),
		is_child ? db_bigint(thread->root_id) : db_null(), is_child ? db_bigint(thread->parent_id) : db_null(),
		is_child ? db_int(thread->parent_step) : db_null(), is_child ? db_bigint(thread->parent_task_id) : db_null(),
	db_int(thread->depth), frame_array(thread->frame)};
	int64	   *ids;

	db_open(&call);
	ids = MemoryContextAllocHuge(call.caller, sizeof(int64) * Max(n, 1));
	(void) db_execute(&thread_insert, args);
	for (int i = 0; i < n; i++)
		ids[i] = db_get_bigint(i, 1);
	db_close(&call);
	return ids;
}

static HitlThread *
read_thread(DbCall *call, uint64 row)
{
	HitlThread *thread = MemoryContextAllocZero(call->caller, sizeof(HitlThread));

	thread->graph_id = db_get_bigint(row, 1);
	thread->version = db_get_int(row, 2);
	thread->owner = db_get_oid(row, 3);
	thread->status = name_to_thread_status(db_get_text(call, row, 4));
	thread->step = db_get_int(row, 5);
	thread->checkpoint = db_get_int(row, 6);
	/* xid and oid have the same representation as a Datum */
	thread->is_ours = TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(row, 7));
	thread->counts.ready = db_get_int(row, 8);
	thread->counts.interrupted = db_get_int(row, 9);
	thread->counts.failed = db_get_int(row, 10);
	thread->counts.waiting = db_get_int(row, 11);
	thread->is_queued = db_get_bool(row, 12);
	thread->thread_id = db_get_bigint(row, 13);
	thread->turn_step = db_get_int(row, 20);
	thread->n_inputs = db_get_int(row, 21);
	thread->root_id = thread->thread_id;
	if (!db_is_null(row, 14))
	{
		thread->parent_id = db_get_bigint(row, 14);
		thread->root_id = db_get_bigint(row, 15);
		thread->parent_step = db_get_int(row, 16);
		thread->parent_task_id = db_get_bigint(row, 17);
		thread->depth = db_get_int(row, 18);
		thread->frame = db_get_text_array(call, row, 19);
	}
	return thread;
}

static HitlThread *
find_thread(DbStatement *statement, int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	HitlThread *thread = NULL;

	db_open(&call);
	if (db_execute(statement, args) > 0)
		thread = read_thread(&call, 0);
	db_close(&call);
	return thread;
}

/*
 * The thread and its queue in one look: in two, a commit in between could show
 * the row from before it and the queue from after it, and neither is true.
 */
#define THREAD_COLUMNS \
	"graph_id, version, owner, status, step, checkpoint, xmin, n_ready, n_interrupted, n_failed, n_waiting," \
	" EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id)," \
	" thread_id, parent_id, root_id, parent_step, parent_task_id, depth, frame, turn_step, n_inputs"

DB_STATEMENT(thread_find,
			 "SELECT " THREAD_COLUMNS " FROM hitl.thread t WHERE t.thread_id = $1",
			 INT8OID);

/* NULL when there is none */
HitlThread *
store_thread_find(int64 thread_id)
{
	return find_thread(&thread_find, thread_id);
}

DB_STATEMENT(thread_lock,
			 "SELECT " THREAD_COLUMNS " FROM hitl.thread t WHERE t.thread_id = $1 FOR NO KEY UPDATE",
			 INT8OID);

/* The same, locked: the barrier.  Waits for whoever holds it, shortly. */
HitlThread *
store_thread_lock(int64 thread_id)
{
	return find_thread(&thread_lock, thread_id);
}

DB_STATEMENT(thread_try,
			 "SELECT 1 FROM hitl.thread WHERE thread_id = $1 FOR NO KEY UPDATE SKIP LOCKED",
			 INT8OID);

/* Lock it if nobody else holds it; true: we do. */
bool
store_thread_try_lock(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	bool		is_ours;

	db_open(&call);
	is_ours = db_execute(&thread_try, args) > 0;
	db_close(&call);
	return is_ours;
}

/* by primary key; in the order of a tree, root first */
DB_STATEMENT(thread_lock_all,
			 "SELECT " THREAD_COLUMNS " FROM hitl.thread t WHERE t.thread_id = ANY ($1)"
			 " ORDER BY depth, thread_id FOR NO KEY UPDATE",
			 INT8ARRAYOID);

/* Lock threads of one tree, downwards: a list of HitlThread. */
List *
store_thread_lock_all(const HitlIds *ids)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(ids->ids, ids->n)};
	List	   *threads = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&thread_lock_all, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		threads = lappend(threads, read_thread(&call, i));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return threads;
}

DB_STATEMENT(thread_move,
			 "UPDATE hitl.thread SET status = $2, step = $3, checkpoint = $4, ended_at = $5,"
			 " n_ready = $6, n_interrupted = $7, n_failed = $8, n_waiting = $9, turn_step = $10, n_inputs = $11"
			 " WHERE thread_id = $1",
			 INT8OID, TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID);

/* Write back all that moves; the caller holds the row. */
void
store_thread_move(const HitlThread *thread, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread->thread_id), db_text(name_thread_status(thread->status)),
		db_int(thread->step), db_int(thread->checkpoint),
		thread->status == HITL_THREAD_DONE ? db_time(at) : db_null(),
		db_int(thread->counts.ready), db_int(thread->counts.interrupted), db_int(thread->counts.failed),
	db_int(thread->counts.waiting), db_int(thread->turn_step), db_int(thread->n_inputs)};

	db_open(&call);
	(void) db_execute(&thread_move, args);
	db_close(&call);
}

DB_STATEMENT(thread_set_version,
			 "UPDATE hitl.thread SET version = $2 WHERE thread_id = $1",
			 INT8OID, INT4OID);

/* The caller holds the row. */
void
store_thread_set_version(int64 thread_id, int version)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(version)};

	db_open(&call);
	(void) db_execute(&thread_set_version, args);
	db_close(&call);
}

DB_STATEMENT(thread_cancel,
			 "UPDATE hitl.thread SET status = 'cancelled', ended_at = $2, ended_by = $3, reason = $4, n_inputs = 0"
			 " WHERE thread_id = $1",
			 INT8OID, TIMESTAMPTZOID, TEXTOID, TEXTOID);

/* The caller holds the row. */
void
store_thread_cancel(int64 thread_id, const char *by, const char *reason, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_time(at), db_text(by), db_text(reason)};

	db_open(&call);
	(void) db_execute(&thread_cancel, args);
	db_close(&call);
}

/*
 * by primary keys; the trail of a root says who gave it more.  A fork goes on
 * with what was given to the thread that it was made of.
 */
DB_STATEMENT(thread_starters,
			 "WITH RECURSIVE origin AS ("
			 "  SELECT r.thread_id, r.starter, r.forked_from FROM hitl.thread t"
			 "   JOIN hitl.thread r ON r.thread_id = COALESCE(t.root_id, t.thread_id) WHERE t.thread_id = $1"
			 "  UNION"
			 "  SELECT f.thread_id, f.starter, f.forked_from FROM origin o JOIN hitl.thread f ON f.thread_id = o.forked_from),"
			 " line AS ("
			 "  SELECT t.thread_id, t.parent_id FROM hitl.thread t WHERE t.thread_id = $1"
			 "  UNION"
			 "  SELECT p.thread_id, p.parent_id FROM line l JOIN hitl.thread p ON p.thread_id = l.parent_id)"
			 " SELECT o.starter FROM origin o"
			 " UNION"
			 " SELECT a.actor FROM (SELECT o.thread_id FROM origin o UNION SELECT l.thread_id FROM line l) w"
			 "   JOIN hitl.audit a ON a.thread_id = w.thread_id"
			 "  WHERE a.event IN ('enqueued', 'began', 'updated') AND a.actor_kind = 'person'",
			 INT8OID);

/*
 * Who started the tree of a thread, gave it its input, or wrote into its state or
 * that of a thread above it, as C strings; of a fork, those of the threads it
 * comes from too.
 */
List *
store_thread_starters(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	List	   *starters = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&thread_starters, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		starters = lappend(starters, db_get_text(&call, i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return starters;
}
