/*
 * node.h
 *    Run one node: rights, role, settings, subtransaction, and what came of it.
 *
 * Layer 3.
 */
#ifndef HITL_NODE_H
#define HITL_NODE_H

#include "types.h"

/* what came of a run */
typedef enum HitlOutcome
{
	HITL_OUTCOME_DONE,			/* it returned: update */
	HITL_OUTCOME_PAUSED,		/* it asks: question */
	HITL_OUTCOME_FAILED,		/* its own error: error */
	HITL_OUTCOME_RETRY,			/* a conflict with others: error */
	HITL_OUTCOME_PUT_BACK,		/* the server's trouble: error */
	HITL_OUTCOME_STOPPED		/* executors: a cancel that hitl sent */
} HitlOutcome;

/* one run of one node */
typedef struct HitlRun
{
	/* what to run */
	const HitlGraphVersion *graph;
	const HitlNode *node;
	const HitlTask *task;
	Jsonb	   *state;
	List	   *interrupts;		/* what the task has asked before:
								 * HitlInterrupt, oldest first */
	bool		fires_deferred; /* no query is running around the node */

	/* what came of it */
	HitlOutcome outcome;
	Jsonb	   *update;			/* NULL: none */
	HitlQuestion *question;
	HitlError	error;
} HitlRun;

/* the run that is on, as the functions that a node calls see it */
typedef struct HitlFrame
{
	struct HitlFrame *outer;
	HitlRun    *run;
	MemoryContext context;		/* outlives the node's subtransaction */
	int			n_asked;		/* interrupts without a key so far */
	uint64		serial;			/* names this frame in its pause error */
	HitlQuestion *pause;		/* the mark: not NULL once it has paused */
	int			n_raised;		/* how often its pause was raised */
} HitlFrame;

extern void node_init(void);
extern void node_run(HitlRun *run);
extern HitlFrame *node_frame(void);
extern bool node_is_running(void);
extern bool node_is_running_task(int64 task_id);
extern bool node_has_run_in_transaction(void);
extern void node_pause(HitlFrame *frame, HitlQuestion *question) pg_attribute_noreturn();
extern HitlError node_copy_error(const ErrorData *error);

#endif							/* HITL_NODE_H */
