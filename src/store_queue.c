/*
 * store_queue.c
 *    Rows of hitl.run_queue: which task is to be run, for whom, from when.
 *
 * A row is a hint that a task may be runnable; the task row decides.  Rows are
 * inserted by start, votes, steps and retries, deleted by whoever claimed
 * them.  The claim skips what others hold, so nobody waits here.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "store_queue.h"
#include "utils/timestamp.h"

DB_STATEMENT(queue_insert,
			 "INSERT INTO hitl.run_queue (owner, due_at, thread_id, step, task_id)"
			 " VALUES ($1, $2, $3, $4, $5)",
			 REGROLEOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT8OID);

void
store_queue_insert(Oid owner, TimestampTz due_at, int64 thread_id, int step, int64 task_id)
{
	DbCall		call;
	DbArg		args[] = {db_oid(owner), db_time(due_at), db_bigint(thread_id), db_int(step), db_bigint(task_id)};

	db_open(&call);
	(void) db_execute(&queue_insert, args);
	db_close(&call);
}

/* by primary key */
DB_STATEMENT(queue_delete,
			 "DELETE FROM hitl.run_queue WHERE owner = $1 AND due_at = $2 AND queue_id = $3",
			 REGROLEOID, TIMESTAMPTZOID, INT8OID);

void
store_queue_delete(const HitlQueueEntry *entry)
{
	DbCall		call;
	DbArg		args[] = {db_oid(entry->owner), db_time(entry->due_at), db_bigint(entry->queue_id)};

	db_open(&call);
	(void) db_execute(&queue_delete, args);
	db_close(&call);
}

static void
read_entry(HitlQueueEntry *entry)
{
	entry->owner = db_get_oid(0, 1);
	entry->due_at = db_get_time(0, 2);
	entry->queue_id = db_get_bigint(0, 3);
	entry->thread_id = db_get_bigint(0, 4);
	entry->step = db_get_int(0, 5);
	entry->task_id = db_get_bigint(0, 6);
}

/* in the order of the primary key: no sort, stops at the first free row */
DB_STATEMENT(queue_claim,
			 "SELECT owner, due_at, queue_id, thread_id, step, task_id FROM hitl.run_queue"
			 " WHERE owner = $1 AND due_at <= $2"
			 " ORDER BY owner, due_at, queue_id LIMIT 1 FOR UPDATE SKIP LOCKED",
			 REGROLEOID, TIMESTAMPTZOID);

/* Lock the first due row of an owner that nobody else holds. */
bool
store_queue_claim(Oid owner, TimestampTz now, HitlQueueEntry *entry)
{
	DbCall		call;
	DbArg		args[] = {db_oid(owner), db_time(now)};
	bool		found;

	db_open(&call);
	found = db_execute(&queue_claim, args) > 0;
	if (found)
		read_entry(entry);
	db_close(&call);
	return found;
}

/* by primary key */
DB_STATEMENT(queue_reclaim,
			 "SELECT 1 FROM hitl.run_queue WHERE owner = $1 AND due_at = $2 AND queue_id = $3"
			 " FOR UPDATE SKIP LOCKED",
			 REGROLEOID, TIMESTAMPTZOID, INT8OID);

/* Lock a row that we had before; false when somebody has it, or it is gone. */
bool
store_queue_reclaim(const HitlQueueEntry *entry)
{
	DbCall		call;
	DbArg		args[] = {db_oid(entry->owner), db_time(entry->due_at), db_bigint(entry->queue_id)};
	bool		found;

	db_open(&call);
	found = db_execute(&queue_reclaim, args) > 0;
	db_close(&call);
	return found;
}

/* run_queue_thread: a thread has few rows here */
DB_STATEMENT(queue_claim_thread,
			 "SELECT owner, due_at, queue_id, thread_id, step, task_id FROM hitl.run_queue"
			 " WHERE thread_id = $1 AND due_at <= $2"
			 " ORDER BY due_at, queue_id LIMIT 1 FOR UPDATE SKIP LOCKED",
			 INT8OID, TIMESTAMPTZOID);

/* The same for one thread. */
bool
store_queue_claim_thread(int64 thread_id, TimestampTz now, HitlQueueEntry *entry)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_time(now)};
	bool		found;

	db_open(&call);
	found = db_execute(&queue_claim_thread, args) > 0;
	if (found)
		read_entry(entry);
	db_close(&call);
	return found;
}

/* run_queue_thread */
DB_STATEMENT(queue_claim_task,
			 "SELECT 1 FROM hitl.run_queue WHERE thread_id = $1 AND task_id = $2 FOR UPDATE SKIP LOCKED",
			 INT8OID, INT8OID);

/* Lock the rows of a task, due or not, that nobody else holds; any? */
bool
store_queue_claim_task(int64 thread_id, int64 task_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_bigint(task_id)};
	bool		found;

	db_open(&call);
	found = db_execute(&queue_claim_task, args) > 0;
	db_close(&call);
	return found;
}

/* run_queue_thread */
DB_STATEMENT(queue_delete_task,
			 "DELETE FROM hitl.run_queue WHERE ctid IN"
			 " (SELECT ctid FROM hitl.run_queue WHERE thread_id = $1 AND task_id = $2 FOR UPDATE SKIP LOCKED)",
			 INT8OID, INT8OID);

/* Delete the rows of a task that nobody else holds. */
void
store_queue_delete_task(int64 thread_id, int64 task_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_bigint(task_id)};

	db_open(&call);
	(void) db_execute(&queue_delete_task, args);
	db_close(&call);
}

/* run_queue_thread */
DB_STATEMENT(queue_due_threads,
			 "SELECT DISTINCT thread_id FROM hitl.run_queue WHERE thread_id = ANY ($1) AND due_at <= $2 ORDER BY thread_id",
			 INT8ARRAYOID, TIMESTAMPTZOID);

/* Which of these threads have something due? */
HitlIds
store_queue_due_threads(const HitlIds *threads, TimestampTz now)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(threads->ids, threads->n), db_time(now)};
	HitlIds		due;

	db_open(&call);
	due.n = (int) db_execute(&queue_due_threads, args);
	due.ids = MemoryContextAllocHuge(call.caller, sizeof(int64) * Max(due.n, 1));
	for (int i = 0; i < due.n; i++)
		due.ids[i] = db_get_bigint(i, 1);
	db_close(&call);
	return due;
}

/* run_queue_thread; rows that an executor holds are left to it */
DB_STATEMENT(queue_delete_thread,
			 "DELETE FROM hitl.run_queue WHERE ctid IN"
			 " (SELECT ctid FROM hitl.run_queue WHERE thread_id = $1 FOR UPDATE SKIP LOCKED)",
			 INT8OID);

void
store_queue_delete_thread(int64 thread_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id)};

	db_open(&call);
	(void) db_execute(&queue_delete_thread, args);
	db_close(&call);
}

/* run_queue_thread */
DB_STATEMENT(queue_next_due,
			 "SELECT pg_catalog.min(due_at) FROM hitl.run_queue WHERE thread_id = ANY ($1)",
			 INT8ARRAYOID);

/* When does one of these threads run next?  false: none is queued. */
bool
store_queue_next_due(const HitlIds *threads, TimestampTz *due_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(threads->ids, threads->n)};
	bool		found;

	db_open(&call);
	(void) db_execute(&queue_next_due, args);
	found = !db_is_null(0, 1);
	*due_at = db_get_time(0, 1);
	db_close(&call);
	return found;
}

DB_STATEMENT(queue_xmin,
			 "SELECT xmin FROM hitl.run_queue WHERE thread_id = ANY ($1)",
			 INT8ARRAYOID);

/* How many rows of these threads are, and are not, of the current transaction? */
static void
count_rows(const HitlIds *threads, int *n_ours, int *n_others)
{
	DbCall		call;
	DbArg		args[] = {db_bigint_array(threads->ids, threads->n)};
	uint64		n;

	*n_ours = 0;
	*n_others = 0;
	db_open(&call);
	n = db_execute(&queue_xmin, args);
	for (uint64 i = 0; i < n; i++)
		/* an xid as a Datum is like an oid */
		(*(TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(i, 1)) ? n_ours : n_others))++;
	db_close(&call);
}

/* Did the current transaction queue this thread?  Then nobody else sees it. */
bool
store_queue_is_ours(const HitlIds *threads)
{
	int			n_ours;
	int			n_others;

	count_rows(threads, &n_ours, &n_others);
	return n_ours > 0;
}

/* Is it queued so that others may have claimed it? */
bool
store_queue_is_others(const HitlIds *threads)
{
	int			n_ours;
	int			n_others;

	count_rows(threads, &n_ours, &n_others);
	return n_others > 0;
}

/*
 * Owners by a loose scan over the primary key (one probe each), so that a
 * queue of a million rows costs no more than a short one.
 */
DB_STATEMENT(queue_owners,
			 "WITH RECURSIVE owners AS ("
			 "  (SELECT owner FROM hitl.run_queue ORDER BY owner LIMIT 1)"
			 "  UNION ALL"
			 "  SELECT (SELECT q.owner FROM hitl.run_queue q WHERE q.owner > o.owner ORDER BY q.owner LIMIT 1)"
			 "  FROM owners o WHERE o.owner IS NOT NULL)"
			 " SELECT o.owner,"
			 "  (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM"
			 "    (SELECT 1 FROM hitl.run_queue q WHERE q.owner = o.owner AND q.due_at <= $1 LIMIT $2) due),"
			 "  (SELECT q.due_at FROM hitl.run_queue q WHERE q.owner = o.owner AND q.due_at > $1"
			 "   ORDER BY q.owner, q.due_at LIMIT 1)"
			 " FROM owners o WHERE o.owner IS NOT NULL",
			 TIMESTAMPTZOID, INT8OID);

/* Who has rows: a list of HitlQueueOwner, due rows counted up to a limit. */
List *
store_queue_owners(TimestampTz now, int limit)
{
	DbCall		call;
	DbArg		args[] = {db_time(now), db_bigint(limit)};
	List	   *owners = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&queue_owners, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlQueueOwner *owner = palloc(sizeof(HitlQueueOwner));

		owner->owner = db_get_oid(i, 1);
		owner->due = db_get_int(i, 2);
		owner->next_due = db_is_null(i, 3) ? DT_NOEND : db_get_time(i, 3);
		owners = lappend(owners, owner);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return owners;
}

DB_STATEMENT_NO_ARGS(queue_prepared,
					 "SELECT 1 FROM pg_catalog.pg_prepared_xacts"
					 " WHERE database = pg_catalog.current_database() LIMIT 1");

/*
 * Are there prepared transactions here?  Their COMMIT PREPARED wakes nobody,
 * so somebody has to look from time to time.
 */
bool
store_queue_prepared(void)
{
	DbCall		call;
	bool		found;

	db_open(&call);
	found = db_execute(&queue_prepared, NULL) > 0;
	db_close(&call);
	return found;
}
