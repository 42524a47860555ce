/*
 * store_step.c
 *    Rows of hitl.step_result: what was done for a task, and what came of it.
 *
 * A row never changes.  It is written by whoever has claimed the task, and
 * read by whoever claims it next; so nobody waits here.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_step.h"

DB_STATEMENT(step_insert,
			 "INSERT INTO hitl.step_result (thread_id, task_id, key, place, function, args, result, strays, done_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			 INT8OID, INT8OID, TEXTOID, INT4OID, TEXTOID, JSONBOID, JSONBOID, INT4OID, TIMESTAMPTZOID);

/* place: of how many, this is the last. */
void
store_step_insert(const HitlTask *task, const HitlStep *step, int place, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(task->thread_id), db_bigint(task->task_id), db_text(step->key), db_int(place),
		db_text(step->function), db_jsonb(step->args), db_jsonb(step->result), db_int(step->strays), db_time(at)};

	db_open(&call);
	(void) db_execute(&step_insert, args);
	db_close(&call);
}

/* a range of the primary key: the steps of one task */
DB_STATEMENT(step_of_task,
			 "SELECT key, function, args, result, strays FROM hitl.step_result"
			 " WHERE thread_id = $1 AND task_id = $2 ORDER BY place",
			 INT8OID, INT8OID);

/* What was done for a task, as HitlStep, in the order in which it was done. */
List *
store_step_of_task(int64 thread_id, int64 task_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_bigint(task_id)};
	List	   *steps = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&step_of_task, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlStep   *step = palloc0(sizeof(HitlStep));

		step->key = db_get_text(&call, i, 1);
		step->function = db_get_text(&call, i, 2);
		step->args = db_get_jsonb(&call, i, 3);
		step->result = db_get_jsonb(&call, i, 4);
		step->strays = db_get_int(i, 5);
		steps = lappend(steps, step);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return steps;
}
