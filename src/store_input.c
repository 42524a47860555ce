/*
 * store_input.c
 *    Rows of hitl.thread_key and hitl.thread_input: names, and what waits.
 *
 * A key's row is the lock of those who give its thread more input: so inputs
 * wait in the order in which they were given.
 *
 * Layer 2.  Lock order: the key, interrupts, the thread; the inputs of a thread
 * belong to whoever holds the thread's row.
 */
#include "postgres.h"

#include "db.h"
#include "store_input.h"

/* waits for a transaction that is taking the same key, and then sees it */
DB_STATEMENT(key_take,
			 "INSERT INTO hitl.thread_key (graph_id, key, thread_id, input) VALUES ($1, $2, 0, $3)"
			 " ON CONFLICT (graph_id, key) DO NOTHING",
			 INT8OID, TEXTOID, JSONBOID);

/* Take a key for a thread to come; false: a thread has it already. */
bool
store_key_take(int64 graph_id, const char *key, Jsonb *input)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_text(key), db_jsonb(input)};
	bool		is_taken;

	db_open(&call);
	is_taken = db_execute(&key_take, args) > 0;
	db_close(&call);
	return is_taken;
}

DB_STATEMENT(key_set,
			 "UPDATE hitl.thread_key SET thread_id = $3 WHERE graph_id = $1 AND key = $2",
			 INT8OID, TEXTOID, INT8OID);

/* Give the thread to a key that this transaction has taken. */
void
store_key_set(int64 graph_id, const char *key, int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_text(key), db_bigint(thread_id)};

	db_open(&call);
	(void) db_execute(&key_set, args);
	db_close(&call);
}

DB_STATEMENT(key_give,
			 "UPDATE hitl.thread_key SET input = $3 WHERE graph_id = $1 AND key = $2",
			 INT8OID, TEXTOID, JSONBOID);

/* What the thread of a key was given last; the caller has locked the key. */
void
store_key_give(int64 graph_id, const char *key, Jsonb *input)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_text(key), db_jsonb(input)};

	db_open(&call);
	(void) db_execute(&key_give, args);
	db_close(&call);
}

DB_STATEMENT(key_find,
			 "SELECT thread_id, input FROM hitl.thread_key WHERE graph_id = $1 AND key = $2",
			 INT8OID, TEXTOID);

DB_STATEMENT(key_lock,
			 "SELECT thread_id, input FROM hitl.thread_key WHERE graph_id = $1 AND key = $2 FOR UPDATE",
			 INT8OID, TEXTOID);

/* The thread of a key, and what it was given last; 0 when there is none. */
int64
store_key_find(int64 graph_id, const char *key, bool locks, Jsonb **input)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(graph_id), db_text(key)};
	int64		thread_id = 0;

	*input = NULL;
	db_open(&call);
	if (db_execute(locks ? &key_lock : &key_find, args) > 0)
	{
		thread_id = db_get_bigint(0, 1);
		*input = db_get_jsonb(&call, 0, 2);
	}
	db_close(&call);
	return thread_id;
}

DB_STATEMENT(input_insert,
			 "INSERT INTO hitl.thread_input (thread_id, input, given_by, given_at) VALUES ($1, $2, $3, $4)",
			 INT8OID, JSONBOID, TEXTOID, TIMESTAMPTZOID);

void
store_input_insert(int64 thread_id, Jsonb *input, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_jsonb(input), db_text(by), db_time(at)};

	db_open(&call);
	(void) db_execute(&input_insert, args);
	db_close(&call);
}

/* by primary key: the first of the thread */
DB_STATEMENT(input_take,
			 "DELETE FROM hitl.thread_input WHERE thread_id = $1 AND input_id ="
			 " (SELECT i.input_id FROM hitl.thread_input i WHERE i.thread_id = $1 ORDER BY i.thread_id, i.input_id LIMIT 1)"
			 " RETURNING input",
			 INT8OID);

/* Take the input that has waited longest; NULL when none waits. */
Jsonb *
store_input_take(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};
	Jsonb	   *input = NULL;

	db_open(&call);
	if (db_execute(&input_take, args) > 0)
		input = db_get_jsonb(&call, 0, 1);
	db_close(&call);
	return input;
}

DB_STATEMENT(input_delete,
			 "DELETE FROM hitl.thread_input WHERE thread_id = $1",
			 INT8OID);

void
store_input_delete(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};

	db_open(&call);
	(void) db_execute(&input_delete, args);
	db_close(&call);
}
