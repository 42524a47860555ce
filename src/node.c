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
 * A node runs in a session of its owner only: an executor's, or the owner's
 * own (rights_may_run_here).
 *
 * Layer 3.  Memory: what comes of a run is in the context of node_run()'s
 * caller, which must outlive the subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "db.h"
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
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* -------------------------------------------------------------------- errors */

/*
 * An error ended the node and the subtransaction is rolled back.  Decide what
 * it means; errors that belong to the caller of an inline run are thrown on.
 */
static void
judge_error(HitlFrame *frame, ErrorData *error)
{
	HitlRun    *run = frame->run;

	if (frame_is_cancel(error))
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
 * Inline, close the cursors that the node has left open.  At the commit the
 * server would run a held or pinned one to its end, as the session's user and
 * outside of any node.
 */
static void
drop_portals(void)
{
	ListCell   *cell;

	foreach(cell, db_portal_names())
	{
		Portal		portal = GetPortalByName(lfirst(cell));

		/* the caller's own were made in another subtransaction */
		if (!PortalIsValid(portal) || portal->createSubid != GetCurrentSubTransactionId() ||
			portal->status == PORTAL_ACTIVE)
			continue;
		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
}

static void
run_in_subtransaction(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	MemoryContext scratch;
	ResourceOwner old_owner = CurrentResourceOwner;

	scratch = AllocSetContextCreate(frame->context, "hitl node", ALLOCSET_DEFAULT_SIZES);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(scratch);

	PG_TRY();
	{
		/* rights may have changed since compile: a refusal is the node's error */
		Oid			function = graph_handler(run->graph, run->node);

		PushActiveSnapshot(GetTransactionSnapshot());
		run->update = call_handler(frame, function);
		PopActiveSnapshot();
		/* a deferred constraint that fails is the node's failure too */
		if (run->fires_deferred)
			AfterTriggerFireDeferred();
		/* a node that caught its mark and returned is stopped here */
		frame_hold();
		if (frame->has_portals && !shmem_am_executor())
			drop_portals();
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
		judge_error(frame, error);
	}
	PG_END_TRY();
	MemoryContextDelete(scratch);
}

/*
 * Run a node as the graph's owner and fill in what came of it.  Raises only
 * what belongs to the caller of an inline run: a cancel, a conflict at a fixed
 * snapshot.  The caller has the task claimed, and the session is the owner's.
 */
void
node_run(HitlRun *run)
{
	HitlFrame	frame;
	int			level;

	if (!rights_may_run_here(run->graph->owner))
		elog(ERROR, "hitl must not run a node in a session that is not its owner's");

	frame_push(&frame, run);
	PG_TRY();
	{
		level = session_enter_node(run->graph->search_path);
		run_in_subtransaction(&frame);
		session_leave_node(level);
	}
	PG_FINALLY();
	{
		frame_pop(&frame);
	}
	PG_END_TRY();

	if (run->outcome == HITL_OUTCOME_DONE)
		frame_note_inline_run();
}
