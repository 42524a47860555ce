/*
 * store_checkpoint.c
 *    Rows of hitl.checkpoint: the log of a thread's state.
 *
 * Appended by whoever holds the thread's row, never changed.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_checkpoint.h"

/* by primary key */
DB_STATEMENT(checkpoint_weight,
			 "SELECT base, weight FROM hitl.checkpoint WHERE thread_id = $1 AND checkpoint = $2",
			 INT8OID, INT4OID);

/* From where a checkpoint is folded, and what the deltas since then weigh. */
void
store_checkpoint_weight(int64 thread_id, int checkpoint, int *base, int64 *weight)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint)};

	db_open(&call);
	if (db_execute(&checkpoint_weight, args) == 0)
		elog(ERROR, "hitl has lost checkpoint %d of thread %lld", checkpoint, (long long) thread_id);
	*base = db_get_int(0, 1);
	*weight = db_get_bigint(0, 2);
	db_close(&call);
}

DB_STATEMENT(checkpoint_insert,
			 "INSERT INTO hitl.checkpoint (thread_id, checkpoint, base, step, delta, patch, snapshot, weight, joins, created_at, next_step)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
			 INT8OID, INT4OID, INT4OID, INT4OID, JSONBOID, JSONBOID, JSONBOID, INT8OID, JSONBOID, TIMESTAMPTZOID, INT4OID);

/* Append a checkpoint.  The caller holds the thread. */
void
store_checkpoint_insert(const HitlCheckpoint *checkpoint, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(checkpoint->thread_id), db_int(checkpoint->checkpoint), db_int(checkpoint->base),
		db_int(checkpoint->step), db_jsonb(checkpoint->delta.values), db_jsonb(checkpoint->delta.patch),
	db_jsonb(checkpoint->snapshot), db_bigint(checkpoint->weight), db_jsonb(checkpoint->joins), db_time(at),
	checkpoint->next_step != HITL_NO_STEP ? db_int(checkpoint->next_step) : db_null()};

	db_open(&call);
	(void) db_execute(&checkpoint_insert, args);
	db_close(&call);
}

DB_STATEMENT(checkpoint_next,
			 "SELECT next_step FROM hitl.checkpoint WHERE thread_id = $1 AND checkpoint = $2",
			 INT8OID, INT4OID);

/* The super-step that followed a checkpoint; HITL_NO_STEP: none did. */
int
store_checkpoint_next(int64 thread_id, int checkpoint)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint)};
	int			step = HITL_NO_STEP;

	db_open(&call);
	if (db_execute(&checkpoint_next, args) > 0 && !db_is_null(0, 1))
		step = db_get_int(0, 1);
	db_close(&call);
	return step;
}

DB_STATEMENT(checkpoint_joins,
			 "SELECT joins FROM hitl.checkpoint WHERE thread_id = $1 AND checkpoint = $2",
			 INT8OID, INT4OID);

/* Which sources of which joins had run by then; NULL for none. */
Jsonb *
store_checkpoint_joins(int64 thread_id, int checkpoint)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint)};
	Jsonb	   *joins = NULL;

	db_open(&call);
	if (db_execute(&checkpoint_joins, args) > 0)
		joins = db_get_jsonb(&call, 0, 1);
	db_close(&call);
	return joins;
}

DB_STATEMENT(checkpoint_first,
			 "INSERT INTO hitl.checkpoint (thread_id, checkpoint, base, step, next_step, delta, weight, created_at, joins)"
			 " SELECT u.thread_id, 0, 0, 0, $5, u.state, 0, $3, $4 FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS u (thread_id, state)",
			 INT8ARRAYOID, JSONBARRAYOID, TIMESTAMPTZOID, JSONBOID, INT4OID);

/* Checkpoint 0 of n threads: their states; next_step follows. */
void
store_checkpoint_first(const int64 *thread_ids, Jsonb *const *states, int n, int next_step, Jsonb *joins, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(thread_ids, n), db_jsonb_array(states, n), db_time(at), db_jsonb(joins), db_int(next_step)};

	db_open(&call);
	(void) db_execute(&checkpoint_first, args);
	db_close(&call);
}

/* a range of the primary key: the base and the deltas behind it */
DB_STATEMENT(checkpoint_read,
			 "SELECT c.delta, c.patch, c.snapshot FROM hitl.checkpoint c"
			 " WHERE c.thread_id = $1 AND c.checkpoint <= $2 AND c.checkpoint >="
			 "  (SELECT b.base FROM hitl.checkpoint b WHERE b.thread_id = $1 AND b.checkpoint = $2)"
			 " ORDER BY c.thread_id, c.checkpoint",
			 INT8OID, INT4OID);

/*
 * What the state at a checkpoint is made of: that of its base, and the deltas
 * since then, n_deltas of them.
 */
HitlDelta *
store_checkpoint_read(int64 thread_id, int checkpoint, Jsonb **base, int *n_deltas)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint)};
	HitlDelta  *deltas;
	uint64		n;

	db_open(&call);
	n = db_execute(&checkpoint_read, args);
	if (n == 0)
		elog(ERROR, "hitl has lost checkpoint %d of thread %lld", checkpoint, (long long) thread_id);
	/* checkpoint 0 is a state, and needs no snapshot */
	*base = db_get_jsonb(&call, 0, db_is_null(0, 3) ? 1 : 3);
	deltas = MemoryContextAlloc(call.caller, sizeof(HitlDelta) * n);
	for (uint64 i = 1; i < n; i++)
	{
		deltas[i - 1].values = db_get_jsonb(&call, i, 1);
		deltas[i - 1].patch = db_get_jsonb(&call, i, 2);
	}
	*n_deltas = (int) n - 1;
	db_close(&call);
	return deltas;
}
