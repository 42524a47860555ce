/*
 * store_outcome.c
 *    Rows of hitl.outcome: added, never changed.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_outcome.h"

DB_STATEMENT(outcome_insert,
			 "INSERT INTO hitl.outcome (thread_id, outcome, note, reported_by, reported_at) VALUES ($1, $2, $3, $4, $5)",
			 INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);

void
store_outcome_insert(int64 thread_id, const char *outcome, const char *note, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_text(outcome), db_text(note), db_text(by), db_time(at)};

	db_open(&call);
	(void) db_execute(&outcome_insert, args);
	db_close(&call);
}
