/*
 * bulk.c
 *    Many decisions in one statement.
 *
 * Who decides many at once looks at none of them for long: so a statement makes
 * hitl.max_bulk_decisions at most, whether by decide_many() or by a query over
 * the inbox, and a WHERE that is missing decides nothing.
 *
 * decide_many() takes its locks in the order of the ids, whatever order they are
 * given in: two of them wait for each other's end, and never for each other.
 *
 * Layer 3.  Lock order: interrupts by id.
 */
#include "postgres.h"

#include "access/xact.h"
#include "bulk.h"
#include "frame.h"
#include "guc.h"
#include "lifecycle.h"
#include "reply.h"
#include "subxact.h"

static void
check_number(int n)
{
	if (guc_max_bulk_decisions > 0 && n > guc_max_bulk_decisions)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many decisions in one statement"),
				 errdetail("hitl.max_bulk_decisions is %d; nothing of this statement was decided.", guc_max_bulk_decisions),
				 errhint("Decide fewer at once: WHERE ..., LIMIT %d.", guc_max_bulk_decisions)));
}

/* So many more decisions of a call site, which a query may call for each of its rows. */
void
bulk_count(HitlBulk *bulk, int n)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (bulk->statement != statement)
	{
		bulk->statement = statement;
		bulk->n = 0;
	}
	bulk->n += n;
	check_number(bulk->n);
}

/* one of many */
typedef struct BulkItem
{
	int64		interrupt_id;
	const char *seen;
	Jsonb	   *decision;
	const char *comment;
	const char *idempotency_key;
	HitlVerdict verdict;
} BulkItem;

static int
compare_items(const void *a, const void *b)
{
	const BulkItem *x = a;
	const BulkItem *y = b;

	return x->interrupt_id < y->interrupt_id ? -1 : x->interrupt_id > y->interrupt_id;
}

static bool
decide_item(void *arg)
{
	BulkItem	   *item = arg;

	item->verdict = reply_record(item->interrupt_id, item->decision, item->comment,
								 item->idempotency_key, item->seen);
	return true;
}

/*
 * Does an error say something about this interrupt and this vote, so that the
 * next one may be tried?  A cancel, a deadlock or trouble of the server does not.
 */
static bool
is_about_item(const ErrorData *error)
{
	return lifecycle_error_is_fault(error->sqlerrcode) &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR);
}

/*
 * Give many interrupts one decision, each as hitl.decide() does; returns a
 * HitlBulkRow for each, by id.  An id that is given twice is decided once.
 * seen: of each, or NULL.  skips: one that is refused is told of in its row, and
 * the others are decided; else it is an error, and nothing is.
 */
List *
bulk_decide(const int64 *interrupt_ids, const char *const *seen, int n, Jsonb *decision,
			bool skips, const char *comment, const char *idempotency_key)
{
	BulkItem	   *items = palloc0(sizeof(BulkItem) * Max(n, 1));
	List	   *rows = NIL;

	for (int i = 0; i < n; i++)
	{
		items[i].interrupt_id = interrupt_ids[i];
		items[i].seen = seen != NULL ? seen[i] : NULL;
		items[i].decision = decision;
		items[i].comment = comment;
		items[i].idempotency_key = idempotency_key;
	}
	qsort(items, n, sizeof(BulkItem), compare_items);
	for (int i = 0; i < n; i++)
	{
		HitlBulkRow *row;
		ErrorData  *error = NULL;

		if (i > 0 && items[i].interrupt_id == items[i - 1].interrupt_id)
			continue;
		row = palloc0(sizeof(HitlBulkRow));
		row->interrupt_id = items[i].interrupt_id;
		if (skips)
			error = subxact_run(decide_item, &items[i]);
		else
			(void) decide_item(&items[i]);
		if (error != NULL && !is_about_item(error))
			ReThrowError(error);
		row->is_taken = error == NULL;
		row->verdict = items[i].verdict;
		if (error != NULL)
			row->error = frame_copy_error(error);
		rows = lappend(rows, row);
	}
	return rows;
}
