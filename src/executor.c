/*
 * executor.c
 *    Run what is due, one commit per task: in a background executor, or here
 *    and now in the caller's transaction.
 *
 * What a task is and how its run is recorded is in claim.c and tail.c; here
 * are the transactions around it, and what an error outside the node means.
 *
 * Layer 3.  Memory: "hitl executor", one task; inline "hitl run", likewise.
 */
#include "postgres.h"

#include "access/xact.h"
#include "claim.h"
#include "clock.h"
#include "db.h"
#include "executor.h"
#include "miscadmin.h"
#include "session.h"
#include "slot.h"
#include "store_queue.h"
#include "store_thread.h"
#include "subxact.h"
#include "tree.h"
#include "utils/memutils.h"
#include "wake.h"

/* --------------------------------------------------------- background executors */

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
}

/*
 * Claim one due task of an owner, run it and commit.  Returns false when
 * nothing was due.  The session is the owner's (see session.c).  An error that
 * leaves here is ours, not a node's.
 */
bool
executor_run_due(Oid owner)
{
	static MemoryContext context = NULL;
	static bool has_run = false;
	HitlQueueEntry entry;
	volatile bool is_claimed = false;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "hitl executor", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);

	PG_TRY();
	{
		begin_transaction();
		if (has_run)
			session_clean();
		has_run = false;
		is_claimed = store_queue_claim(owner, clock_real(), &entry);
		if (is_claimed)
		{
			HitlClaim	claim;

			has_run = true;
			slot_busy(entry.thread_id, entry.task_id);
			claim = claim_run(&entry, true);
			/* what was stopped or cancelled is looked at again, and dropped */
			if (claim == HITL_CLAIM_VOID)
				AbortCurrentTransaction();
			else
				CommitTransactionCommand();
			claim_end_mark();
		}
		else
			CommitTransactionCommand();
	}
	PG_CATCH();
	{
		ErrorData  *error;
		bool		was_reducing;

		if (!is_claimed)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		claim_end_mark();
		was_reducing = slot_set_reducing(false);
		if (frame_is_cancel(error))
		{
			/* a cancel that came after the node: the task is still queued */
			if (slot_cancel_aim(entry.thread_id) == HITL_CANCEL_THIS && was_reducing)
			{
				begin_transaction();
				claim_give_way(&entry);
				CommitTransactionCommand();
			}
		}
		else
		{
			begin_transaction();
			claim_record_lost(&entry, error, claim_outcome_of(error));
			CommitTransactionCommand();
		}
	}
	PG_END_TRY();
	return is_claimed;
}

/* ------------------------------------------------------------------------ inline */

static void
refuse_stale(int64 thread_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("thread %lld was cancelled or steered while a node of it ran", (long long) thread_id),
			 errdetail("What the node did is rolled back with this transaction."),
			 errhint("SELECT * FROM hitl.threads WHERE thread_id = %lld;", (long long) thread_id)));
}

/* a run inline, and what came of it */
typedef struct InlineRun
{
	const HitlQueueEntry *entry;
	bool		commits;
	HitlClaim	claim;
} InlineRun;

static bool
run_inline(void *arg)
{
	InlineRun  *run = arg;

	run->claim = claim_run(run->entry, run->commits);
	return run->claim != HITL_CLAIM_VOID;
}

/*
 * Run what a queue row stands for, in a subtransaction of the caller's
 * transaction, so that an error of the bookkeeping (such as two nodes that
 * wrote one channel) is the task's and not the caller's.  commits: the caller
 * is a procedure that commits as it goes.
 */
static HitlClaim
run_claimed_inline(const HitlQueueEntry *entry, bool commits)
{
	InlineRun	run = {.entry = entry, .commits = commits, .claim = HITL_CLAIM_RECORDED};
	ErrorData  *error = subxact_run(run_inline, &run);

	/* the caller's transaction may live long; the procedure's ends now */
	if (error != NULL || !commits)
		claim_end_mark();
	if (error == NULL)
		return run.claim;
	if (frame_is_cancel(error) || IsolationUsesXactSnapshot())
	{
		/* the next call is not to begin with what this one was ended by */
		if (commits)
		{
			claim_record_lost(entry, error, HITL_OUTCOME_RETRY);
			db_commit_procedure();
		}
		ReThrowError(error);
	}
	claim_record_lost(entry, error, claim_outcome_of(error));
	return run.claim;
}

/* Run what is due of one thread; false: nothing was. */
static bool
run_due_of(int64 thread_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hitl run", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	HitlQueueEntry entry;
	bool		has_run = false;

	while (store_queue_claim_thread(thread_id, clock_real(), &entry))
	{
		CHECK_FOR_INTERRUPTS();
		if (run_claimed_inline(&entry, false) == HITL_CLAIM_VOID)
			refuse_stale(thread_id);
		has_run = true;
		/* ten thousand tasks, each with a copy of the state */
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return has_run;
}

/*
 * Run a root and all below it on in the caller's transaction, until nothing of
 * them is due: they have ended, wait for people, failed, or were put back for
 * later.
 */
void
executor_run_tree(int64 root_id)
{
	HitlThread *root;
	bool		has_run;

	/* our own locks do not make us skip a row: this would run it twice */
	if (frame_is_open_for(root_id))
		return;
	(void) run_due_of(root_id);
	do
	{
		HitlIds		tree;
		HitlIds		due;

		has_run = false;
		root = store_thread_find(root_id);
		/* only what waits has something below it */
		if (root == NULL || root->counts.waiting == 0)
			return;
		tree = tree_live(root);
		due = store_queue_due_threads(&tree, clock_real());
		for (int i = 0; i < due.n; i++)
			has_run |= run_due_of(due.ids[i]);
	} while (has_run);
}

/*
 * Claim one due task of an owner and run it: run_pending().  Returns false
 * when nothing was due.  The session is the owner's.  commits: in a procedure
 * that may; then it does, and a commit that fails is the task's failure.
 */
bool
executor_run_due_inline(Oid owner, bool commits)
{
	HitlQueueEntry entry;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hitl run", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		found = store_queue_claim(owner, clock_real(), &entry);
	ErrorData  *error;

	if (found)
	{
		/* an executor may have skipped the row, and we may yet roll back */
		wake_note_work(owner);
		/* what was cancelled meanwhile is looked at again, and dropped */
		(void) run_claimed_inline(&entry, commits);
		error = commits ? db_try_commit_procedure() : NULL;
		claim_end_mark();
		if (error != NULL)
		{
			claim_record_lost(&entry, error, frame_is_cancel(error) ? HITL_OUTCOME_RETRY : claim_outcome_of(error));
			db_commit_procedure();
			if (frame_is_cancel(error))
				ReThrowError(error);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return found;
}
