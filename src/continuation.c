/*
 * continuation.c
 *    Continue mode: a node in PL/pgSQL goes on behind the statement that asked.
 *
 * PL/pgSQL calls a plugin at the begin and the end of each function and statement,
 * and reads func->action right after func_beg: so we can hand it a tree of our own
 * for this call (residual.c).  At a pause interrupt() returns, and each function
 * on the way is written down (suspension.c) and leaves by a RETURN behind its call.  Nothing is rolled back, nothing can catch it, and the
 * node's work, the question and what is kept are one commit (phase.c).  When the
 * decision is there the same functions are entered again, each with what is left
 * of it.
 *
 * We stand in the plugin's one place only while such a node runs, and in front of
 * whoever is there: so it does not matter who was loaded first, and functions
 * that are no nodes do not know of us.  Whoever is there sees the author's
 * statements, and none of ours.
 *
 * Only a function that is called straight from a site can pause.  Whether it is,
 * is told from the server's stack of error contexts: between two functions of
 * PL/pgSQL there is nothing when the expression is a simple one, and SPI when it
 * is not; a function of SQL in between would be one more.
 *
 * Layer 3.  Memory: "hitl activation", one for each call, below the run's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "activation.h"
#include "author.h"
#include "callsite.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "code.h"
#include "compat.h"
#include "continuation.h"
#include "db.h"
#include "errors.h"
#include "function.h"
#include "guard.h"
#include "guc.h"
#include "json.h"
#include "loop.h"
#include "miscadmin.h"
#include "phase.h"
#include "program.h"
#include "residual.h"
#include "rights.h"
#include "suspension.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "value.h"

/* of what is kept */
#define KEPT_VERSION 1

/* a call of PL/pgSQL that is on */
typedef struct Call
{
	PLpgSQL_execstate *es;
	Activation *activation;		/* NULL: it has no site, or was not called from one */
} Call;

/* the run of a node */
typedef struct Continuation
{
	struct Continuation *outer;
	HitlFrame  *frame;
	Oid			function;		/* the node's */
	Call	   *calls;			/* outermost first */
	int			n_calls;
	int			max_calls;
	List	   *kept;			/* of each that is to be gone on with, likewise */
	int			n_entered;		/* how many of those were */
	Oid			entering;		/* the function of the next */
	PLpgSQL_function *replaced; /* whose tree is ours at the moment ... */
	PLpgSQL_stmt_block *action; /* ... and its own */
	List	   *activations;	/* all that have not ended */
	int			n_parked;		/* how many calls a pause leaves ... */
	List	   *written;		/* ... and those that it has, outermost first */
	bool		is_writing;		/* one of them: queries of its loops are run to their end */
	bool		was_called;
	SubTransactionId subxact;	/* in which it began */
} Continuation;

static Continuation *current = NULL;

static void func_setup(PLpgSQL_execstate *es, PLpgSQL_function *function);
static void func_beg(PLpgSQL_execstate *es, PLpgSQL_function *function);
static void func_end(PLpgSQL_execstate *es, PLpgSQL_function *function);
static void stmt_beg(PLpgSQL_execstate *es, PLpgSQL_stmt *statement);
static void stmt_end(PLpgSQL_execstate *es, PLpgSQL_stmt *statement);

static PLpgSQL_plugin plugin = {
	.func_setup = func_setup,
	.func_beg = func_beg,
	.func_end = func_end,
	.stmt_beg = stmt_beg,
	.stmt_end = stmt_end
};

/*
 * Whoever is told behind us: the one that was in the place when the run began.
 * One that came in front of us while a node ran calls us whenever it is called,
 * also by us: then we call who was told before it came.
 */
typedef struct Neighbour
{
	struct Neighbour *behind;
	PLpgSQL_plugin *plugin;		/* NULL: nobody was there */
} Neighbour;

static Neighbour *neighbours = NULL;
static Neighbour *told = NULL;	/* whom we call at the moment */

static bool
is_parked(const Continuation *run)
{
	return run->frame->run->is_parked;
}

/* Has it nothing to do any more but to return? */
static bool
is_leaving(const Continuation *run)
{
	return is_parked(run) && !run->is_writing;
}

COMPAT_NORETURN static void
refuse_pause(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_CANNOT_CONTINUE),
			 errmsg("node \"%s\" cannot pause here", current->frame->run->task->node),
			 errdetail("%s", detail),
			 errhint("SELECT * FROM hitl.check_node(%s); shows where it can.",
					 quote_literal_cstr(format_procedure_qualified(current->function)))));
}

/*
 * Do something of ours where an author's handler might catch its error, and would
 * go on without what people decided: then the error is as a pause.
 */
static void
do_for_good(Continuation *run, void (*body) (Continuation *run, void *arg), void *arg)
{
	HitlFrame  *frame = run->frame;
	HitlError  *volatile failure = NULL;
	MemoryContext old = CurrentMemoryContext;

	if (frame_is_marked(frame))
	{
		body(run, arg);
		return;
	}
	PG_TRY();
	{
		body(run, arg);
	}
	PG_CATCH();
	{
		failure = frame_catch(frame);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	if (failure != NULL)
		frame_fail(frame, failure);
}

static void
do_refuse_pause(Continuation *run pg_attribute_unused(), void *arg)
{
	refuse_pause(arg);
}

COMPAT_NORETURN static void
refuse_for_good(const char *detail)
{
	do_for_good(current, do_refuse_pause, unconstify(char *, detail));
	pg_unreachable();
}

/* ------------------------------------------------------------- who called whom */

/*
 * How many error contexts stand in front of that of a call?  -1: it is not on
 * any more.
 */
static int
contexts_above(const PLpgSQL_execstate *es)
{
	int			n = 0;

	for (ErrorContextCallback *context = error_context_stack; context != NULL; context = context->previous, n++)
		if (context->arg == es)
			return n;
	return -1;
}

static Call *
innermost(const Continuation *run)
{
	return run->n_calls > 0 ? &run->calls[run->n_calls - 1] : NULL;
}

static void
leave_activation(Continuation *run, Activation *activation)
{
	run->activations = list_delete_ptr(run->activations, activation);
	activation_end(activation);
}

/* The innermost call has ended, or was left by an error. */
static void
pop_call(Continuation *run)
{
	Activation *activation = innermost(run)->activation;

	run->n_calls--;
	if (activation != NULL)
		leave_activation(run, activation);
}

/* The innermost call, which is that of es: those within it were left by an error. */
static Call *
find_call(Continuation *run, const PLpgSQL_execstate *es)
{
	while (run->n_calls > 0 && innermost(run)->es != es)
		pop_call(run);
	return innermost(run);
}

/* Forget the calls that were left by an error. */
static void
forget_left(Continuation *run)
{
	while (run->n_calls > 0 && contexts_above(innermost(run)->es) < 0)
		pop_call(run);
}

/* A call begins.  One that was left by an error may have had its place on the C stack. */
static Call *
push_call(Continuation *run, PLpgSQL_execstate *es)
{
	Call	   *call;

	for (int i = 0; i < run->n_calls; i++)
		while (i < run->n_calls && run->calls[i].es == es)
			pop_call(run);
	forget_left(run);
	if (run->n_calls == run->max_calls)
	{
		run->max_calls *= 2;
		run->calls = repalloc(run->calls, sizeof(Call) * run->max_calls);
	}
	call = &run->calls[run->n_calls++];
	call->es = es;
	call->activation = NULL;
	return call;
}

/*
 * Is what runs now called straight from the site that an activation is asking
 * by?  n_own: the contexts of its own.
 */
static bool
is_called_straight(const Activation *activation, int n_own)
{
	const Splice *ask = activation->asking;
	int			n_between = contexts_above(activation->es) - n_own;

	if (ask == NULL)
		return false;
	if (ask->kind == SPLICE_RESUME)
		return n_between == 0;
	return n_between == (activation->asks_by_query || ask->as.assign.expr->expr_simple_expr == NULL ? 1 : 0);
}

/*
 * Does the statement of a site call its function within the arguments, too?
 * Seen only once it is analysed: in a view, or a default of an argument.
 */
static bool
calls_within_arguments(const Activation *activation)
{
	const Splice *ask = activation->asking;
	Oid			callee = activation->program->statements[ask->original->stmtid].callee;
	const PLpgSQL_expr *expression = ask->as.any.cmd_type == PLPGSQL_STMT_PERFORM ? ask->as.perform.expr : ask->as.assign.expr;

	if (ask->kind != SPLICE_ASK || !OidIsValid(callee) || expression->plan == NULL)
		return false;
	return callsite_count_calls(expression->expr_simple_expr != NULL ? list_make1(expression->expr_simple_expr)
								: db_plan_queries(expression->plan), callee) > 1;
}

/* ---------------------------------------------------------------------- entering */

/* Does a call that has just begun go on with what was kept? */
static bool
is_entered_again(const Continuation *run, const PLpgSQL_function *function)
{
	return run->n_entered < list_length(run->kept) && run->n_calls == run->n_entered + 1 &&
		function->fn_oid == run->entering;
}

/* Is it one from which hitl can come back, should it pause? */
static bool
is_activation(const Continuation *run, const PLpgSQL_function *function)
{
	const Activation *caller;

	if (run->n_calls == 1)
		return function->fn_oid == run->function;
	caller = run->calls[run->n_calls - 2].activation;
	if (caller == NULL || caller->asking == NULL || !is_called_straight(caller, 1))
		return false;
	return caller->asking->kind == SPLICE_RESUME ? function->fn_oid == run->entering
		: caller->program->statements[caller->asking->original->stmtid].callee == function->fn_oid;
}

/*
 * The function of what was kept: the one of that name, if its code is the same;
 * else the copy that the graph's version has of what it was; else again the one
 * of that name, and it is seen whether it fits.
 */
static Oid
find_kept_function(const Continuation *run, Jsonb *kept)
{
	const char *signature = json_get_string(kept, "function");
	const char *code = json_get_string(kept, "code");
	Oid			function = function_find_any(signature);
	ListCell   *cell;

	if (OidIsValid(function) && strcmp(code_hash(function), code) == 0)
		return function;
	foreach(cell, run->frame->run->graph->functions)
	{
		const HitlFunction *recorded = lfirst(cell);

		if (strcmp(recorded->signature, signature) == 0 && strcmp(recorded->code_hash, code) == 0 &&
			recorded->shadow != NULL && OidIsValid(function_find_any(recorded->shadow)))
			return function_find_any(recorded->shadow);
	}
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_FRAME),
				 errmsg("a paused node cannot go on: a function that it had called is gone"),
				 errdetail("Function %s does not exist.", signature),
				 errhint("Create it again, then SELECT hitl.retry(thread_id); or SELECT hitl.cancel(thread_id);")));
	return function;
}

/* Put back what was kept of the next one that is gone on with. */
static void
enter_again(Continuation *run, void *arg)
{
	Activation *activation = arg;
	Jsonb	   *kept = list_nth(run->kept, run->n_entered++);

	if (run->n_entered < list_length(run->kept))
		activation->resumed = find_kept_function(run, list_nth(run->kept, run->n_entered));
	residual_build(activation, suspension_read(activation, kept));
	/* the innermost has the answer */
	if (run->n_entered == list_length(run->kept) && activation->answer != NULL)
		plugin.assign_value(activation->es, (PLpgSQL_datum *) activation->answer,
							JsonbPGetDatum(phase_question(run->frame->run)->decision), false, JSONBOID, -1);
}

/* Give PL/pgSQL a tree of ours for the call that begins. */
static void
begin_activation(Continuation *run, Call *call, PLpgSQL_function *function)
{
	bool		is_again = is_entered_again(run, function);
	const Program *program = program_get(function->fn_oid);
	Activation *activation;
	MemoryContext old;

	/* its statements are known by their numbers */
	if (program->xmin != COMPAT_PLPGSQL_XMIN(function))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a function changed while it was called"),
				 errdetail("Function %s was replaced by another session.", program->signature),
				 errhint("Run the node again.")));
	if (program->n_sites == 0 && !is_again)
		return;
	activation = activation_begin(call->es, function, &plugin, program, run->frame->context);
	call->activation = activation;
	old = MemoryContextSwitchTo(run->frame->context);
	run->activations = lappend(run->activations, activation);
	MemoryContextSwitchTo(old);
	if (is_again)
		do_for_good(run, enter_again, activation);
	else
		residual_build(activation, 0);
	run->replaced = function;
	run->action = function->action;
	function->action = activation->action;
}

/* The current role may call the function that comes next. */
static void
require_right(Continuation *run, void *arg pg_attribute_unused())
{
	/* the graph's owner may call his own, and its copy */
	if (code_owner(run->entering) != run->frame->run->graph->owner &&
		compat_function_aclcheck(run->entering, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(run->entering));
}

/*
 * Call the function that an activation had called when it paused.  Its arguments
 * are among its variables; so it is given NULLs, whether it is strict or not.
 */
static void
resume_callee(Continuation *run, Activation *activation, Splice *splice)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	FmgrInfo	call;
	Datum		value;
	Oid			callee = activation->resumed;

	run->entering = callee;
	do_for_good(run, require_right, NULL);
	fmgr_info(callee, &call);
	InitFunctionCallInfoData(*fcinfo, &call, get_func_nargs(callee), InvalidOid, NULL, NULL);
	for (int i = 0; i < fcinfo->nargs; i++)
		fcinfo->args[i].isnull = true;

	activation->asking = splice;
	/* as PL/pgSQL does for an expression */
	if (!activation->es->readonly_func)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
	value = FunctionCallInvoke(fcinfo);
	if (!activation->es->readonly_func)
		PopActiveSnapshot();
	activation->asking = NULL;
	if (splice->result != NULL)
		plugin.assign_value(activation->es, (PLpgSQL_datum *) splice->result, value, fcinfo->isnull,
							get_func_rettype(callee), -1);
}

/* Put back the tree of the function that we have given another one. */
static void
restore_action(Continuation *run)
{
	if (run->replaced != NULL)
		run->replaced->action = run->action;
	run->replaced = NULL;
}

/* --------------------------------------------------------------------- the plugin */

typedef enum Event
{
	EVENT_FUNC_SETUP,
	EVENT_FUNC_BEG,
	EVENT_FUNC_END,
	EVENT_STMT_BEG,
	EVENT_STMT_END
} Event;

/* PL/pgSQL tells the plugin in its place what it can call; so do we. */
static void
tell_api(PLpgSQL_plugin *neighbour)
{
	neighbour->error_callback = plugin.error_callback;
	neighbour->assign_expr = plugin.assign_expr;
	neighbour->assign_value = plugin.assign_value;
	neighbour->eval_datum = plugin.eval_datum;
	neighbour->cast_value = plugin.cast_value;
}

static void
call_neighbour(PLpgSQL_plugin *neighbour, Event event, PLpgSQL_execstate *es, PLpgSQL_function *function,
			   PLpgSQL_stmt *statement)
{
	void		(*for_function) (PLpgSQL_execstate *, PLpgSQL_function *) = NULL;
	void		(*for_statement) (PLpgSQL_execstate *, PLpgSQL_stmt *) = NULL;

	switch (event)
	{
		case EVENT_FUNC_SETUP:
			tell_api(neighbour);
			for_function = neighbour->func_setup;
			break;
		case EVENT_FUNC_BEG:
			for_function = neighbour->func_beg;
			break;
		case EVENT_FUNC_END:
			for_function = neighbour->func_end;
			break;
		case EVENT_STMT_BEG:
			for_statement = neighbour->stmt_beg;
			break;
		case EVENT_STMT_END:
			for_statement = neighbour->stmt_end;
			break;
	}
	if (for_function != NULL)
		for_function(es, function);
	if (for_statement != NULL)
		for_statement(es, statement);
}

static Neighbour *
next_to_tell(void)
{
	Neighbour  *next = told != NULL ? told->behind : neighbours;

	return next != NULL && next->plugin != NULL ? next : NULL;
}

/*
 * Call whoever stands behind us, with the author's statements; statement NULL:
 * with none.  Returns false when it is them who have called us: then there is
 * nothing else to do.
 */
static bool
tell_next(Event event, PLpgSQL_execstate *es, PLpgSQL_function *function, PLpgSQL_stmt *statement)
{
	Neighbour  *caller = told;

	if (next_to_tell() == NULL || (function == NULL && statement == NULL))
		return caller == NULL;
	told = next_to_tell();
	/* an author's handler may catch its error, and the node goes on */
	PG_TRY();
	{
		call_neighbour(told->plugin, event, es, function, statement);
	}
	PG_FINALLY();
	{
		told = caller;
	}
	PG_END_TRY();
	return caller == NULL;
}

static void
func_setup(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	(void) tell_next(EVENT_FUNC_SETUP, es, function, NULL);
}

static void
func_beg(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	Call	   *call;

	/* one in front of us may have failed before PL/pgSQL read ours */
	if (current != NULL)
		restore_action(current);
	if (!tell_next(EVENT_FUNC_BEG, es, function, NULL) || current == NULL)
		return;
	if (is_leaving(current))
		refuse_for_good("It has paused, and goes on to call a function.");
	call = push_call(current, es);
	current->was_called = true;
	if (is_activation(current, function))
		begin_activation(current, call, function);
}

static void
func_end(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	if (!tell_next(EVENT_FUNC_END, es, function, NULL) || current == NULL)
		return;
	if (find_call(current, es) != NULL)
		pop_call(current);
}

/*
 * The author's statement that one is, for others; NULL: none.  What they see is
 * nested as the function is: each call begins what is around the place where it
 * goes on.  Not a copy of a statement: they may keep its address.
 */
static PLpgSQL_stmt *
author_statement(const Call *call, const Splice *splice, PLpgSQL_stmt *statement)
{
	if (call == NULL || call->activation == NULL || neighbours == NULL)
		return statement;
	if (splice == NULL)
		return activation_statement(call->activation, statement->stmtid);
	switch (splice->kind)
	{
		case SPLICE_ASK:
		case SPLICE_AGAIN:
		case SPLICE_WITHIN:
			return splice->original;
		case SPLICE_LOOP:
			return splice->goes_on ? NULL : splice->original;
		default:
			return NULL;
	}
}

/* The same error again, as it was caught: without the contexts of here. */
COMPAT_NORETURN static void
throw_again(ErrorData *error)
{
	error_context_stack = NULL;
	ThrowErrorData(error);
	pg_unreachable();
}

static void
set_found(PLpgSQL_execstate *es)
{
	plugin.assign_value(es, es->datums[es->found_varno], BoolGetDatum(true), false, BOOLOID, -1);
}

/*
 * An activation leaves at a pause: write it down.  Not when it asks: what is left
 * of the queries of its loops runs as its role and under its settings, and a
 * function that it has called may have others.
 */
static void
write_activation(Continuation *run, void *arg)
{
	Splice	   *leave = arg;
	MemoryContext old = MemoryContextSwitchTo(run->frame->context);

	run->is_writing = true;
	run->written = lcons(suspension_write(innermost(run)->activation, leave->original->stmtid,
										  (Size) guc_max_frame_size * 1024), run->written);
	run->is_writing = false;
	MemoryContextSwitchTo(old);
}

static void
go_on_loop(Continuation *run, void *splice)
{
	suspension_go_on_loop(innermost(run)->activation, splice);
}

/* What a PERFORM that is left by a pause changes: should it fail behind the pause, it has changed nothing. */
static void
remember_found(Activation *activation)
{
	PLpgSQL_execstate *es = activation->es;

	activation->found = DatumGetBool(((PLpgSQL_var *) es->datums[es->found_varno])->value);
	activation->n_processed = es->eval_processed;
}

static void
put_back_found(Activation *activation)
{
	PLpgSQL_execstate *es = activation->es;

	plugin.assign_value(es, es->datums[es->found_varno], BoolGetDatum(activation->found), false, BOOLOID, -1);
	es->eval_processed = activation->n_processed;
}

/* A splice is about to be run: make it what it is to be. */
static void
prepare_splice(Continuation *run, Activation *activation, Splice *splice)
{
	char	   *fault;

	switch (splice->kind)
	{
		case SPLICE_ASK:
			activation->asking = splice;
			remember_found(activation);
			/* of a simple one that an error has left, PL/pgSQL does not use the state again */
			activation->asks_by_query = splice->as.any.cmd_type == PLPGSQL_STMT_PERFORM ||
				splice->as.assign.expr->expr_simple_in_use;
			break;
		case SPLICE_LEAVE:
			memset((char *) &splice->as + sizeof(PLpgSQL_stmt), 0, sizeof(splice->as) - sizeof(PLpgSQL_stmt));
			splice->as.any.cmd_type = is_parked(run) ? PLPGSQL_STMT_RETURN : PLPGSQL_STMT_GETDIAG;
			if (is_parked(run))
			{
				splice->as.returns.retvarno = -1;
				if (splice->original->cmd_type == PLPGSQL_STMT_PERFORM)
					put_back_found(activation);
				do_for_good(run, write_activation, splice);
			}
			break;
		case SPLICE_RESUME:
			remember_found(activation);
			resume_callee(run, activation, splice);
			break;
		case SPLICE_LOOP:
			if (splice->goes_on)
				do_for_good(run, go_on_loop, splice);
			else
				loop_begin(activation, splice);
			break;
		case SPLICE_ITERATE:
			fault = loop_iterate(activation, splice);
			if (fault != NULL)
				refuse_for_good(fault);
			break;
		case SPLICE_SELECT:
			if (splice->is_second)
			{
				if (splice->state != NULL)
					splice->state->is_first = false;
				splice->as.block.body = loop_has_more(splice->state) ? splice->rest
					: list_make1(llast(splice->rest));
			}
			splice->is_second = true;
			break;
		case SPLICE_CAUGHT:
			splice->caught->error = activation->es->cur_error;
			break;
		case SPLICE_THROW:
			throw_again(splice->caught->error);
			break;
		case SPLICE_PERFORMED:
			set_found(activation->es);
			activation->es->eval_processed = 1;
			break;
		case SPLICE_TAKE:
		case SPLICE_AGAIN:
		case SPLICE_EXIT:
		case SPLICE_WITHIN:
		case SPLICE_ROUND:
			break;
	}
}

static void
stmt_beg(PLpgSQL_execstate *es, PLpgSQL_stmt *statement)
{
	Continuation *run = told == NULL ? current : NULL;
	Call	   *call = NULL;
	Splice	   *splice = NULL;

	if (run != NULL)
	{
		/* PL/pgSQL has read it: the next call is to find the function's own */
		restore_action(run);
		call = find_call(run, es);
	}
	if (call != NULL && call->activation != NULL)
		splice = activation_find_splice(call->activation, statement);
	if (run != NULL && is_leaving(run) && (splice == NULL || splice->kind != SPLICE_LEAVE))
		refuse_for_good("It has paused, and does not leave.");
	(void) tell_next(EVENT_STMT_BEG, es, NULL, author_statement(call, splice, statement));
	if (splice != NULL)
		prepare_splice(run, call->activation, splice);
}

static void
stmt_end(PLpgSQL_execstate *es, PLpgSQL_stmt *statement)
{
	Call	   *call = told != NULL || current == NULL ? NULL : find_call(current, es);
	Splice	   *splice = NULL;

	if (call != NULL && call->activation != NULL)
		splice = activation_find_splice(call->activation, statement);
	if (splice != NULL && splice->kind == SPLICE_ASK)
		call->activation->asking = NULL;
	/* a loop that has gone round at least once */
	if (splice != NULL && splice->kind == SPLICE_AGAIN && splice->state != NULL)
		set_found(es);
	(void) tell_next(EVENT_STMT_END, es, NULL, author_statement(call, splice, statement));
}

/* ------------------------------------------------------------------------ pausing */

/* Does a node in continue mode run, and is this its frame? */
bool
continuation_is_on(const HitlFrame *frame)
{
	return current != NULL && current->frame == frame;
}

/* A cursor that the author has opened would be closed by the commit. */
static void
require_no_cursors(const Continuation *run)
{
	ListCell   *cell;

	if (!run->frame->has_portals)
		return;
	foreach(cell, db_portal_names())
	{
		Portal		portal = GetPortalByName(lfirst(cell));
		bool		is_ours = false;

		if (!PortalIsValid(portal) || portal->createSubid < run->subxact || portal->status == PORTAL_ACTIVE)
			continue;
		for (int i = 0; i < run->n_calls; i++)
			is_ours |= loop_has_portal(run->calls[i].activation, portal->name);
		if (!is_ours)
			refuse_pause("A cursor is open, which a pause would close: CLOSE it before.");
	}
}

/* The node is about to ask: it has not paused yet.  Raises IH014. */
void
continuation_require_running(const HitlFrame *frame)
{
	if (continuation_is_on(frame) && is_parked(current))
		refuse_pause("It has paused, and goes on to ask again: the statement calls a function that asks more than once.");
}

/*
 * A question has no answer yet.  The node returns to its caller, and so to its
 * end; on the way it is written down where it is.  Raises IH014 where it cannot.
 */
void
continuation_pause(HitlFrame *frame, HitlQuestion *question)
{
	Continuation *run = current;

	forget_left(run);
	for (int i = 0; i < run->n_calls; i++)
	{
		const Activation *activation = run->calls[i].activation;
		bool		is_last = i == run->n_calls - 1;

		if (activation == NULL || activation->asking == NULL ||
			(is_last && (activation->asking->kind != SPLICE_ASK ||
						 activation->program->statements[activation->asking->original->stmtid].site != PROGRAM_ASKS ||
						 !is_called_straight(activation, 0))))
			refuse_pause("hitl.interrupt() was not called as a statement of its own, by a function that was.");
		if (calls_within_arguments(activation))
			refuse_pause("The function that asks is called within its own arguments, too.");
	}
	if (run->n_calls == 0)
		refuse_pause("It is not a function in PL/pgSQL that runs.");
	require_no_cursors(run);

	run->n_parked = run->n_calls;
	phase_park(frame, question, frame->run->task->phase + 1, NULL);
}

/* The node has left: what is kept of it.  Raises 54000 if that is more than hitl.max_frame_size. */
static void
keep(const Continuation *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->frame->context);
	JsonBuilder b;
	Jsonb	   *kept;

	if (list_length(run->written) != run->n_parked)
		elog(ERROR, "hitl has written down %d of the %d functions that have paused", list_length(run->written), run->n_parked);
	json_begin(&b);
	json_add_int64(&b, "version", KEPT_VERSION);
	json_add_jsonb(&b, "calls", json_list(run->written));
	kept = json_end(&b);
	if (VARSIZE(kept) > (Size) guc_max_frame_size * 1024)
		value_refuse_size();
	run->frame->run->saved = kept;
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------------ running */

/* What the task has kept; a phase that does not know how to read it is refused. */
static List *
read_kept(const HitlTask *task)
{
	Jsonb	   *version = task->saved != NULL ? json_get(task->saved, "version") : NULL;
	double		number;

	if (version == NULL || !json_get_number(version, &number) || number != KEPT_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_FRAME),
				 errmsg("a paused node cannot go on: what was kept is not in a format that this version of hitl reads"),
				 errdetail("Node \"%s\" of thread %lld.", task->node, (long long) task->thread_id),
				 errhint("SELECT hitl.cancel(thread_id), or install the version that it paused under.")));
	return json_elements(json_get(task->saved, "calls"));
}

/* Behind a run, however it ended. */
static void
end_run(Continuation *run)
{
	restore_action(run);
	while (run->activations != NIL)
		leave_activation(run, linitial(run->activations));
	current = run->outer;
}

/* Call a node's function with the run's input, from its beginning or where it paused. */
Datum
continuation_call(HitlFrame *frame, FmgrInfo *function, bool *is_null)
{
	PLpgSQL_plugin **place = (PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin");
	PLpgSQL_plugin *before = *place;
	Neighbour  *volatile neighbour = NULL;
	Continuation run = {
		.outer = current,
		.frame = frame,
		.function = function->fn_oid,
		.entering = function->fn_oid,
		.max_calls = 8,
		.subxact = GetCurrentSubTransactionId()
	};
	Datum		result = (Datum) 0;
	MemoryContext old;

	if (frame->run->task->phase > 0 && (!phase_is_decided(frame) || !guard_agrees(frame->run, phase_question(frame->run))))
	{
		phase_park_again(frame);
		*is_null = true;
		return result;
	}
	old = MemoryContextSwitchTo(frame->context);
	if (frame->run->task->phase > 0)
		run.kept = read_kept(frame->run->task);
	run.calls = palloc(sizeof(Call) * run.max_calls);
	MemoryContextSwitchTo(old);
	if (current == NULL)
		program_free_retired();

	PG_TRY();
	{
		current = &run;
		if (before != &plugin)
		{
			neighbour = MemoryContextAlloc(TopMemoryContext, sizeof(Neighbour));
			neighbour->plugin = before;
			neighbour->behind = neighbours;
			neighbours = neighbour;
			*place = &plugin;
		}
		result = author_call(function, 1, frame->run->input, NULL, is_null);
	}
	PG_FINALLY();
	{
		/* one that came in front of us while the node ran stays there, and calls us */
		if (*place == &plugin && neighbour != NULL)
		{
			*place = before;
			neighbours = neighbour->behind;
			pfree(neighbour);
		}
		end_run(&run);
	}
	PG_END_TRY();
	if (!run.was_called)
		elog(ERROR, "hitl was not told that a function of PL/pgSQL began");
	if (is_parked(&run))
		keep(&run);
	return result;
}
