/*
 * step.h
 *    Work of a node that is done once, however often the node runs.
 *
 * Layer 3.
 */
#ifndef HITL_STEP_H
#define HITL_STEP_H

#include "frame.h"
#include "types.h"

extern Jsonb *step_ask(const char *key, const char *function, Jsonb *args);
extern void step_run(HitlRun *run);
extern void step_record(HitlTask *task, const HitlRun *run);

#endif							/* HITL_STEP_H */
