/*
 * frame.c
 *    The node that is running: what the functions it calls see of it, and the
 *    mark of its pause.
 *
 * Frames stack: a node may invoke() another graph.
 *
 * A pause cannot be swallowed (P3).  interrupt() marks the frame and unwinds by
 * an error of SQLSTATE 57014, which PL/pgSQL's WHEN OTHERS does not catch.  A
 * node that catches it all the same finds that every further statement raises
 * it again, by our hooks in the executor and in utility commands, in turns
 * with P0004; and whatever it returns or raises then, node.c goes by the mark.
 *
 * Layer 3.  A frame lives on the stack of node_run().
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "errors.h"
#include "executor/executor.h"
#include "frame.h"
#include "marks.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/fmgrprotos.h"

/* keys are shown in lists and compared often */
#define MAX_KEY_BYTES 200

/* the innermost run; NULL outside nodes */
static HitlFrame *current_frame = NULL;
static uint64 last_serial = 0;

/* the top transaction in which a node ran and has left its effects */
static TransactionId inline_run_xid = InvalidTransactionId;

static ExecutorStart_hook_type next_ExecutorStart = NULL;
static ExecutorRun_hook_type next_ExecutorRun = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;

/* how many held cursors are being run to their end, at a commit */
static int	n_persisting = 0;

/* ------------------------------------------------------------------- frames */

/*
 * Open a frame for a run; its context is the current one.  run NULL: code of
 * an author that is no node, such as a reducer: it is code of an agent all the
 * same, but there is nobody in it who could ask.
 */
void
frame_push(HitlFrame *frame, HitlRun *run, const HitlThread *thread)
{
	memset(frame, 0, sizeof(HitlFrame));
	frame->outer = current_frame;
	frame->run = run;
	frame->thread_id = thread->thread_id;
	frame->root_id = thread->root_id;
	frame->context = CurrentMemoryContext;
	frame->serial = ++last_serial;
	frame->portal = ActivePortal;
	current_frame = frame;
}

void
frame_pop(HitlFrame *frame)
{
	Assert(current_frame == frame);
	current_frame = frame->outer;
}

/* A node has run to its end here; it may have left something for the commit. */
void
frame_note_inline_run(void)
{
	inline_run_xid = GetTopTransactionIdIfAny();
}

/* The frame of the node that calls us; NULL when none does. */
HitlFrame *
frame_current(void)
{
	return current_frame != NULL && current_frame->run != NULL ? current_frame : NULL;
}

/* The thread whose code runs now, innermost; 0 for none. */
int64
frame_thread(void)
{
	return current_frame != NULL ? current_frame->thread_id : 0;
}

bool
frame_is_open(void)
{
	return current_frame != NULL;
}

/* Does this session run a node of that thread, or of the tree of that root, in
 * whatever frame? */
bool
frame_is_open_for(int64 thread_id)
{
	for (HitlFrame *frame = current_frame; frame != NULL; frame = frame->outer)
		if (frame->thread_id == thread_id || frame->root_id == thread_id)
			return true;
	return false;
}

bool
frame_has_run_inline(void)
{
	return TransactionIdIsValid(inline_run_xid) &&
		inline_run_xid == GetTopTransactionIdIfAny();
}

/* -------------------------------------------------------------------- pauses */

static char *
mark_message(const HitlFrame *frame)
{
	return psprintf("node stopped by hitl (run " UINT64_FORMAT ")", frame->serial);
}

/*
 * The first time with 57014.  A node that has caught that by name gets P0004
 * next, the other code that WHEN OTHERS leaves alone: so not even a handler in
 * an endless loop holds it.
 */
static void
raise_mark(HitlFrame *frame)
{
	bool		is_odd = frame->n_raised++ % 2 == 0;

	/* a node that set exit_on_error would end the process, and ask for ever */
	ExitOnAnyError = false;

	ereport(ERROR,
			(errcode(is_odd ? ERRCODE_QUERY_CANCELED : ERRCODE_ASSERT_FAILURE),
			 errmsg_internal("%s", mark_message(frame)),
			 frame->step != NULL ? errdetail("The node runs again with the result of its step.")
			 : errdetail("The node runs again once there is a decision."),
			 errhint("Do not catch this error: the node is stopped whatever it does.")));
}

bool
frame_is_marked(const HitlFrame *frame)
{
	return frame->pause != NULL || frame->step != NULL || frame->failure != NULL;
}

/* The frame of the node that calls this function of ours; outside, an error. */
HitlFrame *
frame_require(const char *function)
{
	HitlFrame  *frame = frame_current();

	if (frame == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_IN_NODE),
				 errmsg("%s has a meaning only in a node", function),
				 errdetail("No graph is running in this session."),
				 errhint("Call it from a function that is a node of a graph: SELECT hitl.add_node(...);")));
	frame_hold();
	return frame;
}

/*
 * A step is done once, and what would stop it in its middle would have it done
 * again: it neither asks nor wants steps of its own.
 */
void
frame_require_node(const HitlFrame *frame, const char *function)
{
	if (frame->run->step != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_IN_NODE),
				 errmsg("%s has no meaning in a step", function),
				 errdetail("Step \"%s\" of node \"%s\" is running.", frame->run->step->key, frame->run->task->node),
				 errhint("Call it from the node, before or after the step.")));
}

/* The author's name for a question or a step; hitl's own begin with "#". */
void
frame_check_key(const char *what, const char *key)
{
	if (key[0] == '\0' || key[0] == '#' || strlen(key) > MAX_KEY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of %s must have 1 to %d bytes and not begin with \"#\"", what, MAX_KEY_BYTES),
				 errdetail("Names with \"#\" are those of interrupts without a key."),
				 errhint("Name it, such as 'refund'.")));
}

/*
 * In a PG_CATCH: the error as the failure of a frame, for frame_fail().  A
 * cancel is thrown on.
 */
HitlError *
frame_catch(const HitlFrame *frame)
{
	ErrorData  *error;
	HitlError  *failure;

	MemoryContextSwitchTo(frame->context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		PG_RE_THROW();
	FlushErrorState();
	failure = palloc(sizeof(HitlError));
	*failure = frame_copy_error(error);
	return failure;
}

/* Mark the frame as paused and unwind.  question must be in frame->context. */
void
frame_pause(HitlFrame *frame, HitlQuestion *question)
{
	Assert(!frame_is_marked(frame));
	frame->pause = question;
	raise_mark(frame);
	pg_unreachable();
}

/*
 * Mark the frame as stopped at a step that is to be done, and unwind.  step
 * must be in frame->context.
 */
void
frame_want(HitlFrame *frame, HitlStep *step)
{
	Assert(!frame_is_marked(frame));
	frame->step = step;
	raise_mark(frame);
	pg_unreachable();
}

/*
 * The node wanted to ask and could not.  That must not be swallowed either: it
 * would go on as if nobody had to be asked.  failure must be in frame->context.
 */
void
frame_fail(HitlFrame *frame, HitlError *failure)
{
	Assert(!frame_is_marked(frame));
	frame->failure = failure;
	raise_mark(frame);
	pg_unreachable();
}

/* Is this error the mark of this frame?  Other languages wrap its text. */
bool
frame_is_mark(const HitlFrame *frame, const ErrorData *error)
{
	return frame_is_marked(frame) && error->message != NULL &&
		strstr(error->message, mark_message(frame)) != NULL;
}

/* While the mark stands, whatever the node tries raises it again. */
void
frame_hold(void)
{
	if (unlikely(current_frame != NULL && frame_is_marked(current_frame)))
		raise_mark(current_frame);
}

static void
frame_ExecutorStart(QueryDesc *query, int flags)
{
	frame_hold();
	if (IsParallelWorker())
		marks_join_leader();
	/* a cursor is the active portal while its query is started */
	if (current_frame != NULL && ActivePortal != current_frame->portal)
		current_frame->has_portals = true;
	if (next_ExecutorStart)
		next_ExecutorStart(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static void
run_executor(COMPAT_EXECUTOR_RUN_PARAMS)
{
	if (next_ExecutorRun)
		next_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGS);
	else
		standard_ExecutorRun(COMPAT_EXECUTOR_RUN_ARGS);
}

/*
 * At a commit the server runs cursors that are to outlive it to their end,
 * into a store that such a portal has at no other time while it runs.
 */
static void
frame_ExecutorRun(COMPAT_EXECUTOR_RUN_PARAMS)
{
	if (ActivePortal == NULL || ActivePortal->strategy != PORTAL_ONE_SELECT ||
		ActivePortal->holdStore == NULL)
	{
		run_executor(COMPAT_EXECUTOR_RUN_ARGS);
		return;
	}
	n_persisting++;
	PG_TRY();
	{
		run_executor(COMPAT_EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		n_persisting--;
	}
	PG_END_TRY();
}

/* Are we called, however far down, by a trigger? */
bool
frame_is_in_trigger(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 0;
}

/*
 * Are we called by something that is run at the commit?  Where the commit
 * comes from (a command, a procedure) does not matter: deferred triggers are
 * triggers, and held cursors are seen above.
 */
bool
frame_is_leftover(void)
{
	return n_persisting > 0 || ActivePortal == NULL || frame_is_in_trigger();
}

static void
frame_ProcessUtility(PlannedStmt *statement, const char *text, bool is_read_only,
					ProcessUtilityContext context, ParamListInfo params,
					QueryEnvironment *environment, DestReceiver *destination,
					QueryCompletion *completion)
{
	frame_hold();
	if (next_ProcessUtility)
		next_ProcessUtility(statement, text, is_read_only, context, params,
							environment, destination, completion);
	else
		standard_ProcessUtility(statement, text, is_read_only, context, params,
								environment, destination, completion);
}

/* Once per process, from _PG_init. */
void
frame_init(void)
{
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = frame_ExecutorStart;
	next_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = frame_ExecutorRun;
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = frame_ProcessUtility;
}

/* ------------------------------------------------ what a node may know of itself */

/* Its runs that did not end, for whatever reason. */
int
frame_attempt(const HitlTask *task)
{
	return task->attempt + task->conflicts + task->crashes;
}

/* A task keeps its id over attempts and replays, and no other has it. */
char *
frame_effect_key(const HitlTask *task)
{
	return psprintf("%lld-%lld", (long long) task->thread_id, (long long) task->task_id);
}

/* -------------------------------------------------------------------- errors */

static char *
copy_string(const char *string)
{
	return string != NULL ? pstrdup(string) : NULL;
}

/* What is kept of an error, in the current memory context. */
HitlError
frame_copy_error(const ErrorData *error)
{
	HitlError	copy = {
		.sqlerrcode = error->sqlerrcode,
		.message = copy_string(error->message),
		.detail = copy_string(error->detail),
		.hint = copy_string(error->hint),
		.context = copy_string(error->context)
	};

	return copy;
}

/*
 * Has somebody cancelled this process, or a timeout run out?  Told by where
 * the error comes from: the SQLSTATE alone is what our mark has too, and what
 * an author may raise or get from a remote server.
 */
bool
frame_is_cancel(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		((error->funcname != NULL && strcmp(error->funcname, "ProcessInterrupts") == 0) ||
		 /* other languages throw it again as their own, with its text */
		 (error->message != NULL && strstr(error->message, "canceling statement due to") != NULL));
}
