/*
 * node.c
 *    Run one node: rights, role, settings, subtransaction, and what came of it.
 *
 * A node runs in a subtransaction.  It ends in one of these ways:
 *   returns            its effects stay, with what it returned
 *   pauses             its effects are rolled back; the question is kept
 *   raises             its effects are rolled back; the error is kept
 *
 * Once the frame carries the mark of a pause (frame.c), it is the mark that
 * counts, whatever the node returns or raises; only a cancel that is not ours
 * stays a cancel.
 *
 * Where a node runs: in the session of its owner plainly.  In anybody else's
 * session it runs as its owner under SECURITY_RESTRICTED_OPERATION: otherwise
 * what it leaves behind (a deferred trigger, a held cursor) would run at the
 * commit with the rights of that session.
 *
 * Layer 3.  Memory: what comes of a run is in the context of node_run()'s
 * caller, which must outlive the subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "compat.h"
#include "fmgr.h"
#include "graph.h"
#include "json.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "node.h"
#include "rights.h"
#include "session.h"
#include "shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* -------------------------------------------------------------------- errors */

/*
 * An error ended the node and the subtransaction is rolled back.  Decide what
 * it means; errors that belong to the caller of an inline run are thrown on.
 */
static void
judge_error(HitlFrame *frame, ErrorData *error, bool is_restricted)
{
	HitlRun    *run = frame->run;

	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
	{
		if (!frame_is_mark(frame, error))
		{
			/* the user's ^C or timeout: inline it is theirs */
			if (!shmem_am_executor())
				ReThrowError(error);
			if (shmem_cancel_aim(run->task->thread_id) != HITL_CANCEL_NONE)
			{
				run->outcome = HITL_OUTCOME_STOPPED;
				return;
			}
			frame->pause = NULL;
			frame->failure = NULL;
		}
	}

	/* the mark counts, not the error */
	if (frame->pause != NULL)
	{
		run->outcome = HITL_OUTCOME_PAUSED;
		run->question = frame->pause;
		return;
	}
	run->error = frame->failure != NULL ? *frame->failure : frame_copy_error(error);
	switch (lifecycle_error_verdict(run->error.sqlerrcode))
	{
		case HITL_ERROR_RETRY:
			/* at a fixed snapshot a conflict will not go away */
			if (IsolationUsesXactSnapshot())
				ReThrowError(error);
			run->outcome = HITL_OUTCOME_RETRY;
			return;
		case HITL_ERROR_PUT_BACK:
			run->outcome = HITL_OUTCOME_PUT_BACK;
			return;
		case HITL_ERROR_FAIL:
			break;
	}
	run->outcome = HITL_OUTCOME_FAILED;
	if (is_restricted && run->error.sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		run->error.hint == NULL)
		run->error.hint = pstrdup("The node ran in a session of another role, where temporary tables, held cursors, LISTEN and deferred constraints are refused. Run it by hitl.start().");
}

/* ----------------------------------------------------------------- the call */

/* Call the handler; returns a copy in frame->context, or NULL. */
static Jsonb *
call_handler(HitlFrame *frame, Oid function)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	flinfo;
	Datum		result;
	Jsonb	   *update = NULL;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(frame->run->state);
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);

	if (!fcinfo->isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(frame->context);

		update = DatumGetJsonbPCopy(result);
		MemoryContextSwitchTo(old);
	}
	if (update != NULL && !json_is_object(update))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("node \"%s\" must return an object or NULL", frame->run->node->name),
				 errdetail("It returned %s.", json_type(update)),
				 errhint("Return the channels to update, such as {\"status\": \"ok\"}.")));
	return update;
}

/*
 * In a session of another role nothing temporary may stay behind, nor be used:
 * types in pg_temp are found before all others, and so would be run by the
 * session's own statements.  The server refuses temporary relations only.
 */
static void
refuse_temporary(void)
{
	if (MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot use the temporary schema of a session of another role"),
				 errdetail("The node ran as its owner in somebody else's session.")));
}

static void
run_in_subtransaction(HitlFrame *frame, bool is_restricted)
{
	HitlRun    *run = frame->run;
	MemoryContext scratch;
	ResourceOwner old_owner = CurrentResourceOwner;
	int			old_flags = MyXactFlags;

	/* to see what the node itself does (refuse_temporary) */
	MyXactFlags &= ~XACT_FLAGS_ACCESSEDTEMPNAMESPACE;
	scratch = AllocSetContextCreate(frame->context, "hitl node", ALLOCSET_DEFAULT_SIZES);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(scratch);

	PG_TRY();
	{
		/* rights may have changed since compile; a refusal is the node's error */
		Oid			function = graph_handler(run->graph, run->node);

		PushActiveSnapshot(GetTransactionSnapshot());
		run->update = call_handler(frame, function);
		PopActiveSnapshot();
		/* a deferred constraint that fails is the node's failure too */
		if (run->fires_deferred)
			AfterTriggerFireDeferred();
		/* a node that caught its mark and returned is stopped here */
		frame_hold();
		if (is_restricted)
			refuse_temporary();
		ReleaseCurrentSubTransaction();
		run->outcome = HITL_OUTCOME_DONE;
		MemoryContextSwitchTo(frame->context);
		CurrentResourceOwner = old_owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(frame->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(frame->context);
		CurrentResourceOwner = old_owner;
		run->update = NULL;
		MyXactFlags |= old_flags;
		judge_error(frame, error, is_restricted);
	}
	PG_END_TRY();
	MyXactFlags |= old_flags;
	MemoryContextDelete(scratch);
}

/*
 * Run a node as the graph's owner and fill in what came of it.  Raises only
 * what belongs to the caller of an inline run: a cancel, a conflict at a fixed
 * snapshot.  The caller has the task claimed, and the right to run it.
 */
void
node_run(HitlRun *run)
{
	HitlFrame	frame;
	Oid			owner = run->graph->owner;
	Oid			save_user;
	int			save_security;
	bool		is_plain;
	int			level;

	GetUserIdAndSecContext(&save_user, &save_security);
	is_plain = GetSessionUserId() == owner && save_user == owner && save_security == 0;

	frame_push(&frame, run);
	PG_TRY();
	{
		if (!is_plain)
			SetUserIdAndSecContext(owner, save_security |
								   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		level = session_enter_node(run->graph->search_path);
		run_in_subtransaction(&frame, !is_plain);
		session_leave_node(level);
		SetUserIdAndSecContext(save_user, save_security);
	}
	PG_FINALLY();
	{
		frame_pop(&frame);
	}
	PG_END_TRY();

	if (is_plain && run->outcome == HITL_OUTCOME_DONE)
		frame_note_plain_run();
}
