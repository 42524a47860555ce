/*
 * author.c
 *    Run code of an author: in whose session, under what, and what came of it.
 *
 * It runs in a subtransaction, in a session of the graph's owner, under the
 * graph's settings, in a frame and for a limited time.  It ends in one of
 * these ways:
 *   returns            its effects stay, with what it returned
 *   pauses             its effects are rolled back; the question is kept.  A
 *                      node in C may keep its effects too (hook.c)
 *   wants a step       its effects are rolled back; step.c does the step
 *   raises             its effects are rolled back; the error is kept
 *
 * Once the frame carries the mark of a pause (frame.c), it is the mark that
 * counts, whatever the code returns or raises; only a cancel that is not ours
 * stays a cancel.
 *
 * Layer 3.  Memory: what comes of a run is in the context of author_run()'s
 * caller, which must outlive the subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "author.h"
#include "commands/trigger.h"
#include "db.h"
#include "fmgr.h"
#include "guc.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "rights.h"
#include "session.h"
#include "slot.h"
#include "subxact.h"
#include "timer.h"
#include "utils/memutils.h"
#include "utils/portal.h"

/* -------------------------------------------------------------------- errors */

/* Does the node say more than a node may? */
static bool
is_timeout_limited(const HitlRun *run)
{
	return run->node != NULL && guc_max_node_timeout > 0 && run->node->timeout_ms > guc_max_node_timeout;
}

static int
timeout_of(const HitlRun *run)
{
	if (is_timeout_limited(run))
		return guc_max_node_timeout;
	return run->node != NULL && run->node->timeout_ms > 0 ? run->node->timeout_ms : guc_node_timeout;
}

static HitlError
timeout_error(const HitlRun *run)
{
	double		seconds = timeout_of(run) / 1000.0;
	HitlError	error = {
		.sqlerrcode = ERRCODE_QUERY_CANCELED,
		.message = run->step != NULL
		? psprintf("step \"%s\" of node \"%s\" ran longer than %g s", run->step->key, run->task->node, seconds)
		: psprintf("node \"%s\" ran longer than %g s", run->task->node, seconds),
		.detail = pstrdup("It was cancelled and its effects are rolled back."),
		.hint = is_timeout_limited(run)
		? pstrdup("Its own timeout is longer than hitl.max_node_timeout; let an outside program do long work.")
		: pstrdup("Give it more time by add_node(..., timeout => ...), or let an outside program do long work.")
	};

	return error;
}

/*
 * An error ended the node and the subtransaction is rolled back.  Decide what
 * it means; errors that belong to the caller of an inline run are thrown on.
 */
static void
judge_error(HitlFrame *frame, ErrorData *error)
{
	HitlRun    *run = frame->run;

	if (timer_has_fired() && !frame_is_marked(frame))
	{
		/* whatever it raises after that */
		run->error = timeout_error(run);
		run->outcome = HITL_OUTCOME_FAILED;
		return;
	}
	if (frame_is_cancel(error))
	{
		/* the user's ^C or timeout: inline it is theirs */
		if (!slot_am_executor())
			ReThrowError(error);
		if (slot_cancel_aim(run->task->thread_id) != HITL_CANCEL_NONE)
		{
			run->outcome = HITL_OUTCOME_STOPPED;
			return;
		}
		frame->pause = NULL;
		frame->step = NULL;
		frame->failure = NULL;
	}

	/* the mark counts, not the error */
	if (frame->pause != NULL)
	{
		run->outcome = HITL_OUTCOME_PAUSED;
		run->question = frame->pause;
		return;
	}
	if (frame->step != NULL)
	{
		run->outcome = HITL_OUTCOME_STEP;
		run->step = frame->step;
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

/* ------------------------------------------------------------------- the run */

/* Call a function of one or two jsonb arguments (NULL: SQL NULL). */
Datum
author_call(FmgrInfo *function, int n_args, Jsonb *first, Jsonb *second, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, function, n_args, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = first != NULL ? JsonbPGetDatum(first) : (Datum) 0;
	fcinfo->args[0].isnull = first == NULL;
	fcinfo->args[1].value = second != NULL ? JsonbPGetDatum(second) : (Datum) 0;
	fcinfo->args[1].isnull = second == NULL;
	if (function->fn_strict && (first == NULL || (n_args > 1 && second == NULL)))
	{
		*is_null = true;
		return (Datum) 0;
	}
	result = FunctionCallInvoke(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

/*
 * Inline, close the cursors that the node has left open.  At the commit the
 * server would run a held or pinned one to its end, as the session's user and
 * outside of any node.
 */
void
author_drop_portals(const HitlFrame *frame)
{
	ListCell   *cell;

	if (!frame->has_portals || slot_am_executor())
		return;
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

/* a body that is run, and where */
typedef struct AuthorRun
{
	HitlFrame  *frame;
	AuthorBody	body;
	MemoryContext scratch;
} AuthorRun;

static bool
run_body(void *arg)
{
	AuthorRun  *author = arg;
	HitlRun    *run = author->frame->run;

	MemoryContextSwitchTo(author->scratch);
	author->body(author->frame);
	/* a deferred constraint that fails is the node's failure too */
	if (run->fires_deferred)
		AfterTriggerFireDeferred();
	/* a node that caught its mark, or the cancel of its timer, and returned is
	 * stopped here */
	frame_hold();
	if (timer_has_fired())
		CHECK_FOR_INTERRUPTS();
	if (timer_has_fired())
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("node timed out")));
	author_drop_portals(author->frame);
	return true;
}

static void
run_in_subtransaction(HitlFrame *frame, AuthorBody body)
{
	HitlRun    *run = frame->run;
	AuthorRun	author = {.frame = frame, .body = body};
	ErrorData  *error;

	Assert(CurrentMemoryContext == frame->context);
	author.scratch = AllocSetContextCreate(frame->context, "hitl node", ALLOCSET_DEFAULT_SIZES);
	error = subxact_run(run_body, &author);
	if (error == NULL)
		run->outcome = run->is_parked ? HITL_OUTCOME_PAUSED
			: run->child_input != NULL ? HITL_OUTCOME_WAITING : HITL_OUTCOME_DONE;
	else
	{
		run->update = NULL;
		run->child_input = NULL;
		run->targets = NIL;
		run->is_diverted = false;
		run->is_parked = false;
		judge_error(frame, error);
	}
	MemoryContextDelete(author.scratch);
}

/* The last defence: callers have looked themselves, and said so nicely. */
void
author_require_session(const HitlGraphVersion *graph)
{
	if (!rights_may_run_here(graph->owner))
		elog(ERROR, "hitl must not run a node in a session that is not its owner's");
}

/*
 * Run a body as the graph's owner and fill in what came of it.  Raises only
 * what belongs to the caller of an inline run: a cancel, a conflict at a fixed
 * snapshot.  The caller has the task claimed, and the session is the owner's.
 */
void
author_run(HitlRun *run, AuthorBody body)
{
	HitlFrame	frame;
	bool		is_timed;
	int			level;

	author_require_session(run->graph);
	frame_push(&frame, run, run->thread);
	is_timed = timer_start(timeout_of(run));
	PG_TRY();
	{
		level = session_enter_node(run->graph->search_path);
		run_in_subtransaction(&frame, body);
		session_leave_node(level);
	}
	PG_FINALLY();
	{
		if (is_timed)
			timer_stop();
		frame_pop(&frame);
	}
	PG_END_TRY();

	if (run->outcome == HITL_OUTCOME_DONE || run->is_parked)
		frame_note_inline_run();
}
