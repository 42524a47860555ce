/*
 * frame.h
 *    The node that is running: what the functions it calls see of it, and the
 *    mark of its pause.
 *
 * Layer 3.
 */
#ifndef HITL_FRAME_H
#define HITL_FRAME_H

#include "compat.h"
#include "types.h"

/* what came of a run */
typedef enum HitlOutcome
{
	HITL_OUTCOME_DONE,			/* it returned: update */
	HITL_OUTCOME_WAITING,		/* for a child that is to be made: child_input */
	HITL_OUTCOME_PAUSED,		/* it asks: question */
	HITL_OUTCOME_STEP,			/* it wants a step done, and it is: step */
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
	const HitlNode *node;		/* NULL: START, which has edges only */
	const HitlTask *task;
	const HitlThread *thread;	/* as it was when the task was claimed */
	Jsonb	   *output;			/* of the child, which is done; NULL: there is
								 * none yet */
	Jsonb	   *state;			/* at the beginning of the super-step */
	Jsonb	   *input;			/* what the node is given: the state, or a
								 * send's, as its gate left it */
	List	   *interrupts;		/* what the task has asked before:
								 * HitlInterrupt, oldest first */
	List	   *steps;			/* what was done for it: HitlStep, likewise */
	bool		fires_deferred; /* no query is running around the node */

	/* what came of it */
	HitlOutcome outcome;
	Jsonb	   *update;			/* NULL: none */
	Jsonb	   *child_input;	/* for the child to be made; NULL: none is */
	List	   *targets;		/* HitlTarget, of its command and its routers */
	bool		is_diverted;	/* its gate was rejected: only targets count */
	List	   *automatic;		/* HitlAutomatic: what it was let do without a
								 * person */
	HitlQuestion *question;
	bool		is_parked;		/* it asks, and what it did stays: ... */
	int			next_phase;		/* ... it goes on in this phase ... */
	Jsonb	   *saved;			/* ... with this; may be NULL */
	HitlStep   *step;			/* what its node wants done; from then on the
								 * run is that of the step */
	HitlError	error;
} HitlRun;

/* the run that is on, as the functions that a node calls see it */
typedef struct HitlFrame
{
	struct HitlFrame *outer;
	HitlRun    *run;			/* NULL: a reducer runs, which cannot ask */
	int64		thread_id;
	int64		root_id;
	MemoryContext context;		/* outlives the node's subtransaction */
	int			n_asked;		/* interrupts without a key so far */
	List	   *keys;			/* the keys of the others, as C strings */
	List	   *step_keys;		/* those of the steps so far */
	uint64		serial;			/* names this frame in the error of its mark */
	HitlQuestion *pause;		/* the mark: it has paused, ... */
	HitlStep   *step;			/* ... wants a step done, ... */
	HitlError  *failure;		/* ... or could not even ask */
	int			n_raised;		/* how often the mark was raised */
	struct HitlNodeCall *hook;	/* how a node in C is called, while it runs */
	struct PortalData *portal;	/* the one that was active at its begin */
	bool		has_portals;	/* it has opened others */
} HitlFrame;

extern void frame_init(void);
extern void frame_push(HitlFrame *frame, HitlRun *run, const HitlThread *thread);
extern int64 frame_thread(void);
extern void frame_pop(HitlFrame *frame);
extern void frame_note_inline_run(void);
extern HitlFrame *frame_current(void);
extern bool frame_is_open(void);
extern bool frame_is_open_for(int64 thread_id);
extern void frame_hold(void);
extern bool frame_has_run_inline(void);
extern bool frame_is_in_trigger(void);
extern bool frame_is_leftover(void);
extern bool frame_is_marked(const HitlFrame *frame);
extern HitlFrame *frame_require(const char *function);
extern void frame_require_node(const HitlFrame *frame, const char *function);
extern void frame_check_key(const char *what, const char *key);
extern HitlError *frame_catch(const HitlFrame *frame);
COMPAT_NORETURN extern void frame_pause(HitlFrame *frame, HitlQuestion *question);
COMPAT_NORETURN extern void frame_want(HitlFrame *frame, HitlStep *step);
COMPAT_NORETURN extern void frame_fail(HitlFrame *frame, HitlError *failure);
extern bool frame_is_mark(const HitlFrame *frame, const ErrorData *error);

extern int	frame_attempt(const HitlTask *task);
extern char *frame_effect_key(const HitlTask *task);

extern bool frame_is_cancel(const ErrorData *error);
extern HitlError frame_copy_error(const ErrorData *error);

#endif							/* HITL_FRAME_H */
