/*
 * hitl.h
 *    The public interface of hitl for other extensions in C.
 *
 * With it an extension brings
 *   nodes       functions f(state jsonb) RETURNS jsonb LANGUAGE c.  hitl calls
 *               them with a HitlNodeCall, as the server calls a trigger with a
 *               TriggerData: where the node is, and, if it has paused with a
 *               phase, the phase, what it saved and what was decided
 *   routers     functions f(state jsonb) RETURNS text, text[], jsonb or jsonb[]:
 *               plain functions, nothing here is needed for them
 *   reducers    functions f(current jsonb, update jsonb) RETURNS jsonb: likewise
 *   observers   callbacks that see what is opened, decided and ended, in the
 *               transaction in which it is, and can stop it
 *
 * They are functions of SQL like any others: hitl.add_node() takes them by name,
 * and who may run them, who owns them, what pg_dump keeps and which library is
 * loaded when, is the server's usual way.
 *
 * It is installed as extension/hitl/hitl.h below pg_config --includedir-server.
 * There is nothing to link against, and it does not matter which library is
 * loaded first: the two find each other by rendezvous variables.  What was built
 * for another HITL_API_VERSION is refused with an error.
 *
 * A crash in C is a crash of the server.  A node that does it again and again is
 * quarantined (SQLSTATE IH008).
 */
#ifndef HITL_H
#define HITL_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/extensible.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

/* Raised with every change that what is built must follow. */
#define HITL_API_VERSION 1

/* ------------------------------------------------------------------------ nodes */

struct HitlApi;

/*
 * How a node is called.  All of it is hitl's; it lives until the node returns.
 */
typedef struct HitlNodeCall
{
	ExtensibleNode xnode;		/* tells it from other contexts of a call */
	int			api_version;
	const struct HitlApi *api;	/* what it can call: see the functions below */

	int64		thread_id;		/* the thread that runs, its graph and version */
	const char *graph;
	int			version;
	int			step;			/* the super-step, from 1 */
	const char *node;			/* the name of this node in the graph */
	int64		task_id;		/* the same over all runs of this node in this
								 * super-step */
	int			attempt;		/* its runs that did not end, from 0 */
	const char *effect_key;		/* equal over all runs of the task, and no other
								 * task has it: hand it, with the phase, to the
								 * outside world so that it does things once */
	Jsonb	   *state;			/* also its argument: the state of the thread, or
								 * what a send gave it */

	/* where it resumes: see hitl_pause() */
	int			phase;			/* 0 at first */
	Jsonb	   *saved;			/* NULL: nothing */
	Jsonb	   *decision;		/* what was decided of the question it paused
								 * with: {"type", "args", "by", "at"} and
								 * "edits", "reason" or "response"; "args" are
								 * final.  NULL in phase 0, and if the question
								 * was taken back: that is no approval */
} HitlNodeCall;

#define HITL_NODE_CALL_NAME "HitlNodeCall"

/* Is this function called as a node?  Else by a plain SELECT, say. */
#define HITL_CALLED_AS_NODE(fcinfo) \
	((fcinfo)->context != NULL && IsA((fcinfo)->context, ExtensibleNode) && \
	 strcmp(((ExtensibleNode *) (fcinfo)->context)->extnodename, HITL_NODE_CALL_NAME) == 0)

/* What hitl offers.  Call it by the functions below. */
typedef struct HitlApi
{
	int			api_version;
	Jsonb	   *(*interrupt) (Jsonb *payload, const char *key);
	void		(*pause) (HitlNodeCall *call, Jsonb *payload, const char *key, int phase, Jsonb *saved);
} HitlApi;

#define HITL_API_VARIABLE "hitl_api"

static inline void
hitl_check_version(int version)
{
	if (version != HITL_API_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("hitl offers version %d of its interface and version %d is wanted", version, HITL_API_VERSION),
				 errhint("Build the extension again with the hitl.h of this server.")));
}

/*
 * The call of a function that is a node.  Raises an error in a function that is
 * not called as one (55000), or when hitl is of another version (0A000).
 */
static inline HitlNodeCall *
hitl_node_call(FunctionCallInfo fcinfo)
{
	HitlNodeCall *call = (HitlNodeCall *) fcinfo->context;

	if (!HITL_CALLED_AS_NODE(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this function is a node of a graph and was not called as one"),
				 errhint("SELECT hitl.add_node(graph, node, handler);")));
	hitl_check_version(call->api_version);
	return call;
}

/*
 * What hitl offers, for code that is not handed a call.  Raises an error when
 * hitl is not loaded in this session (55000) or is of another version (0A000).
 */
static inline const HitlApi *
hitl_api(void)
{
	const HitlApi *api = (const HitlApi *) *find_rendezvous_variable(HITL_API_VARIABLE);

	if (api == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("hitl is not loaded in this session"),
				 errhint("LOAD 'hitl';")));
	hitl_check_version(api->api_version);
	return api;
}

/*
 * Ask a person, as hitl.interrupt() does: returns the decision if there is one
 * for this question, else does not return.  What the node did in this run is
 * then rolled back, and it runs again from its start, in the same phase, once
 * there is a decision: do not catch the error.
 *
 * payload: any JSON, or NULL; of an object "action", "args", "description" and
 * "allowed" are read.  key: names the question within the node, or NULL.
 * Errors: as hitl.interrupt().
 */
static inline Jsonb *
hitl_interrupt(Jsonb *payload, const char *key)
{
	return hitl_api()->interrupt(payload, key);
}

/*
 * Ask a person, and go on in another phase.  The node then returns, with NULL;
 * what it did so far, the question, the phase and what it saved are one commit.
 * Once there is a decision it is called with them: no code runs twice because
 * of the pause.  A run that fails, or is lost, is repeated in its own phase.
 *
 * The decision is one on this question as it is put here.  Nobody asks the node
 * again what it wanted: put what the decision is about into "saved", or take the
 * decision's "args".
 *
 * payload, key: as above, except that a key may be used again in a later phase:
 * it is another question.  phase: from 1.  saved: NULL, or any JSON.  A new
 * library must understand the phases and what was saved by the old one.
 * Errors: 22023 phase is below 1, or the key or payload is none; 55000 the node
 * has paused already; IH005 the call is not that of the node that runs.
 */
static inline void
hitl_pause(HitlNodeCall *call, Jsonb *payload, const char *key, int phase, Jsonb *saved)
{
	call->api->pause(call, payload, key, phase, saved);
}

/* ------------------------------------------------------------------------ observers */

typedef enum HitlEventKind
{
	HITL_EVENT_OPENED,			/* a question waits for a decision */
	HITL_EVENT_DECIDED,			/* it was decided */
	HITL_EVENT_ENDED,			/* a thread is done, failed or cancelled */
	HITL_EVENT_EDITED			/* another answer is proposed: votes are for that now */
} HitlEventKind;

/* What an observer is told.  The rows are written and can be read. */
typedef struct HitlNotice
{
	HitlEventKind kind;
	int64		thread_id;
	int64		interrupt_id;	/* 0: none */
} HitlNotice;

typedef void (*HitlObserverCallback) (const HitlNotice *notice, void *arg);

/* The list that the libraries of a process share; hitl reads it. */
typedef struct HitlObserver
{
	int			api_version;
	HitlObserverCallback callback;
	void	   *arg;
	struct HitlObserver *next;
} HitlObserver;

#define HITL_OBSERVERS_VARIABLE "hitl_observers"

/*
 * Have a callback called at each event, in the transaction in which it happens,
 * under search_path pg_catalog, pg_temp and with a snapshot.  To be called once,
 * from _PG_init(); before hitl is loaded or after.  Only processes that have
 * loaded the library are observed: to see all, put it into
 * shared_preload_libraries.
 *
 * GetUserId() is the owner of the thread's graph, whoever made the event happen
 * (an executor, a voter, a superuser, the dispatcher that records a crash), and
 * the call is a security-restricted operation: what an author has planted where
 * an observer writes runs with the author's rights and leaves nothing behind.
 * GetSessionUserId() is the session's, such as the voter; the rows say more.
 *
 * So an observer that touches an object of its own extension switches to that
 * object's owner (GetUserIdAndSecContext(), SetUserIdAndSecContext() with the
 * flags it found and SECURITY_LOCAL_USERID_CHANGE) and back.  As that user it
 * must not touch anything that somebody else owns or may put triggers, rules,
 * defaults or policies on.  It keeps SECURITY_RESTRICTED_OPERATION: without it,
 * deferred triggers of the tables it writes would run at the commit, as the
 * session's user; with it, the server refuses to write such tables.
 *
 * An observer that raises an error aborts what it observes.  So it can refuse a
 * decision: the voter gets the error, and the question stays open.  In an
 * executor the run of the node is rolled back, and its task fails with the
 * error; and as a thread that fails has ended, the observer is told of that: in
 * this case what it raises is logged and changes nothing.
 *
 * An observer must not commit, and must not wait for people or networks: others
 * wait for the rows that its transaction has locked.
 */
static inline void
hitl_register_observer(HitlObserverCallback callback, void *arg)
{
	HitlObserver **place = (HitlObserver **) find_rendezvous_variable(HITL_OBSERVERS_VARIABLE);
	HitlObserver *observer = (HitlObserver *) MemoryContextAllocZero(TopMemoryContext, sizeof(HitlObserver));

	observer->api_version = HITL_API_VERSION;
	observer->callback = callback;
	observer->arg = arg;
	while (*place != NULL)
		place = &(*place)->next;
	*place = observer;
}

#endif							/* HITL_H */
