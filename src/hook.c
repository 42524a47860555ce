/*
 * hook.c
 *    A node in C: how it is called, and what it can call (hitl.h).
 *
 * A hook that pauses with a phase keeps what it did (phase.c).  All else is as
 * for any node: an error, a mark, a cancel roll its run back, the pause
 * included.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "errors.h"
#include "guard.h"
#include "hitl.h"
#include "hook.h"
#include "interrupt.h"
#include "phase.h"
#include "utils/syscache.h"

static void pause_here(HitlNodeCall *call, Jsonb *payload, const char *key, int phase, Jsonb *saved);

static const HitlApi api = {
	.api_version = HITL_API_VERSION,
	.interrupt = interrupt_ask,
	.pause = pause_here
};

/* Once per process, from _PG_init. */
void
hook_init(void)
{
	*find_rendezvous_variable(HITL_API_VARIABLE) = unconstify(HitlApi *, &api);
}

/* Is it a function in C?  The server's own are plain functions. */
bool
hook_is_one(const FmgrInfo *function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function->fn_oid));
	bool		is_one = HeapTupleIsValid(tuple) &&
		((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_one;
}

/* Call it with the run's input. */
Datum
hook_call(HitlFrame *frame, FmgrInfo *function, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, 1);
	const HitlRun *run = frame->run;
	const HitlTask *task = run->task;
	const HitlInterrupt *decided = phase_is_decided(frame) ? phase_question(run) : NULL;
	Datum		result;
	HitlNodeCall call = {
		.xnode = {.type = T_ExtensibleNode, .extnodename = HITL_NODE_CALL_NAME},
		.api_version = HITL_API_VERSION,
		.api = &api,
		.thread_id = task->thread_id,
		.graph = run->graph->name,
		.version = run->graph->version,
		.step = task->step,
		.node = task->node,
		.task_id = task->task_id,
		.attempt = frame_attempt(task),
		.effect_key = frame_effect_key(task),
		.state = run->input,
		.phase = task->phase,
		.saved = task->saved,
		.decision = decided != NULL ? decided->decision : NULL
	};

	if (decided != NULL && !guard_agrees(run, decided))
	{
		phase_park_again(frame);
		*is_null = true;
		return (Datum) 0;
	}
	InitFunctionCallInfoData(*fcinfo, function, 1, InvalidOid, (Node *) &call, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(run->input);
	fcinfo->args[0].isnull = false;
	frame->hook = &call;
	result = FunctionCallInvoke(fcinfo);
	frame->hook = NULL;
	*is_null = fcinfo->isnull;
	return result;
}

/* hitl_pause() */
static void
pause_here(HitlNodeCall *call, Jsonb *payload, const char *key, int phase, Jsonb *saved)
{
	HitlFrame  *frame = frame_require("hitl_pause()");
	HitlRun    *run = frame->run;
	HitlQuestion *question;
	Jsonb	   *copy = NULL;

	if (frame->hook != call)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_IN_NODE),
				 errmsg("hitl_pause() was called for a node that does not run"),
				 errdetail("The call that it was given is not that of the node that runs now."),
				 errhint("Pass what hitl_node_call() returned in this call of the function.")));
	if (phase < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the phase to go on in must be 1 or more"),
				 errdetail("It is %d; 0 is the phase in which a node begins.", phase),
				 errhint("Number the phases of the node from 1.")));
	if (run->is_parked)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node \"%s\" has paused already", run->task->node),
				 errdetail("It is to return after hitl_pause()."),
				 errhint("Ask the second question in the next phase.")));
	question = interrupt_question(frame, payload, key);
	if (saved != NULL)
	{
		copy = MemoryContextAlloc(frame->context, VARSIZE(saved));
		memcpy(copy, saved, VARSIZE(saved));
	}
	phase_park(frame, question, phase, copy);
}
