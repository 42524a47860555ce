/*
 * reducer.h
 *    What the nodes of a super-step wrote, as one change of the state.
 *
 * Layer 1: pure.
 */
#ifndef HITL_REDUCER_H
#define HITL_REDUCER_H

#include "types.h"

/*
 * Calls a reducer that the author wrote, a function or an aggregate; the engine
 * gives it.  current: NULL if the channel has no value; updates: Jsonb *, in
 * the order of the tasks.
 */
typedef Jsonb *(*HitlReducerCall) (void *arg, const HitlChannel *channel, Jsonb *current, List *updates);

/* the marks of hitl.overwrite(), and of several updates by one task, in an update's value */
#define HITL_OVERWRITE_KEY "hitl.overwrite"
#define HITL_SEQUENCE_KEY "hitl.sequence"

extern Jsonb *reducer_overwrite(Jsonb *value);
extern Jsonb *reducer_combine(Jsonb *first, Jsonb *second);
extern bool reducer_has_authors(const HitlGraphVersion *graph);
extern bool reducer_needs_author(const HitlGraphVersion *graph, Jsonb *update);
extern Jsonb *reducer_initial(const HitlGraphVersion *graph);
extern Jsonb *reducer_apply(const HitlGraphVersion *graph, Jsonb *state, List *tasks,
							HitlReducerCall call, void *arg);

#endif							/* HITL_REDUCER_H */
