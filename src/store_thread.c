/*
 * store_thread.c
 *    Rows of hitl.thread and hitl.checkpoint.
 *
 * The thread's row is the barrier of its super-step: whoever ends a task locks
 * it (FOR NO KEY UPDATE) and counts its siblings only then, in a new statement.
 * No column that changes is indexed, so its updates stay on the page (HOT).
 *
 * A checkpoint holds what changed.  Once the deltas since the last snapshot
 * weigh more than the state itself, the next checkpoint holds the state too:
 * a state is read from at most about twice its own bytes, and history costs
 * what changed.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "json.h"
#include "names.h"
#include "store_thread.h"

DB_STATEMENT(thread_insert,
			 "INSERT INTO hitl.thread (thread_id, graph_id, version, owner, status, step, checkpoint, starter, started_at)"
			 " VALUES (pg_catalog.nextval('hitl.thread_id_seq'), $1, $2, $3, $4, $5, $6, $7, $8)"
			 " RETURNING thread_id",
			 INT8OID, INT4OID, REGROLEOID, TEXTOID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID);

/* Insert a thread; fills in its thread_id. */
void
store_thread_insert(HitlThread *thread, const char *starter, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread->graph_id), db_int(thread->version), db_oid(thread->owner),
		db_text(name_thread_status(thread->status)), db_int(thread->step), db_int(thread->checkpoint),
	db_text(starter), db_time(at)};

	db_open(&call);
	(void) db_execute(&thread_insert, args);
	thread->thread_id = db_get_bigint(0, 1);
	thread->is_ours = true;
	db_close(&call);
}

static HitlThread *
find_thread(DbStatement *statement, int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	HitlThread *thread = NULL;

	db_open(&call);
	if (db_execute(statement, args) > 0)
	{
		thread = MemoryContextAllocZero(call.caller, sizeof(HitlThread));
		thread->thread_id = thread_id;
		thread->graph_id = db_get_bigint(0, 1);
		thread->version = db_get_int(0, 2);
		thread->owner = db_get_oid(0, 3);
		thread->status = name_to_thread_status(db_get_text(&call, 0, 4));
		thread->step = db_get_int(0, 5);
		thread->checkpoint = db_get_int(0, 6);
		/* xid and oid have the same representation as a Datum */
		thread->is_ours = TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(0, 7));
		thread->is_queued = db_get_bool(0, 8);
	}
	db_close(&call);
	return thread;
}

/*
 * The thread and its queue in one look: in two, a commit in between could show
 * the row from before it and the queue from after it, and neither is true.
 */
#define THREAD_COLUMNS \
	"graph_id, version, owner, status, step, checkpoint, xmin," \
	" EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id)"

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

DB_STATEMENT(thread_move,
			 "UPDATE hitl.thread SET status = $2, step = $3, checkpoint = $4, ended_at = $5"
			 " WHERE thread_id = $1",
			 INT8OID, TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID);

/* Write status, step and checkpoint back; the caller holds the row. */
void
store_thread_move(const HitlThread *thread, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread->thread_id), db_text(name_thread_status(thread->status)),
		db_int(thread->step), db_int(thread->checkpoint),
	thread->status == HITL_THREAD_DONE ? db_time(at) : db_null()};

	db_open(&call);
	(void) db_execute(&thread_move, args);
	db_close(&call);
}

DB_STATEMENT(thread_cancel,
			 "UPDATE hitl.thread SET status = 'cancelled', ended_at = $2, ended_by = $3, reason = $4"
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

/* by primary key: the one before */
DB_STATEMENT(checkpoint_before,
			 "SELECT base, weight FROM hitl.checkpoint WHERE thread_id = $1 AND checkpoint = $2",
			 INT8OID, INT4OID);

DB_STATEMENT(checkpoint_insert,
			 "INSERT INTO hitl.checkpoint (thread_id, checkpoint, base, step, delta, snapshot, weight, created_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			 INT8OID, INT4OID, INT4OID, INT4OID, JSONBOID, JSONBOID, INT8OID, TIMESTAMPTZOID);

/*
 * Append a checkpoint.  delta: what changed; state: what it makes (the same
 * object for checkpoint 0).  The caller holds the thread.
 */
void
store_checkpoint_insert(int64 thread_id, int checkpoint, int step,
						Jsonb *delta, Jsonb *state, TimestampTz at)
{
	DbCall		call;
	int			base = 0;
	int64		weight = VARSIZE(delta);
	Jsonb	   *snapshot = NULL;

	db_open(&call);
	if (checkpoint > 0)
	{
		DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint - 1)};

		if (db_execute(&checkpoint_before, args) == 0)
			elog(ERROR, "hitl has lost checkpoint %d of thread %lld",
				 checkpoint - 1, (long long) thread_id);
		base = db_get_int(0, 1);
		/* the base itself is the state as it was: it does not count */
		weight += db_get_bigint(0, 2);
		if (weight > (int64) VARSIZE(state))
		{
			snapshot = state;
			base = checkpoint;
			weight = 0;
		}
	}
	else
		weight = 0;

	{
		DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint), db_int(base), db_int(step),
		db_jsonb(delta), db_jsonb(snapshot), db_bigint(weight), db_time(at)};

		(void) db_execute(&checkpoint_insert, args);
	}
	db_close(&call);
}

/* a range of the primary key: the base and the deltas behind it */
DB_STATEMENT(checkpoint_state,
			 "SELECT c.delta, c.snapshot FROM hitl.checkpoint c"
			 " WHERE c.thread_id = $1 AND c.checkpoint <= $2 AND c.checkpoint >="
			 "  (SELECT b.base FROM hitl.checkpoint b WHERE b.thread_id = $1 AND b.checkpoint = $2)"
			 " ORDER BY c.thread_id, c.checkpoint",
			 INT8OID, INT4OID);

/* The state at a checkpoint: the base with the deltas laid over it. */
Jsonb *
store_checkpoint_state(int64 thread_id, int checkpoint)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint)};
	MemoryContext old;
	Jsonb	   *state;
	uint64		n;

	db_open(&call);
	n = db_execute(&checkpoint_state, args);
	if (n == 0)
		elog(ERROR, "hitl has lost checkpoint %d of thread %lld",
			 checkpoint, (long long) thread_id);
	old = MemoryContextSwitchTo(call.caller);
	state = db_get_jsonb(&call, 0, db_is_null(0, 2) ? 1 : 2);
	for (uint64 i = 1; i < n; i++)
		state = json_merge(state, db_get_jsonb(&call, i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return state;
}
