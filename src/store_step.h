/*
 * store_step.h
 *    Rows of hitl.step_result: what was done for a task, and what came of it.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_STEP_H
#define HITL_STORE_STEP_H

#include "datatype/timestamp.h"
#include "types.h"

extern void store_step_insert(const HitlTask *task, const HitlStep *step, int place, TimestampTz at);
extern List *store_step_of_task(int64 thread_id, int64 task_id);

#endif							/* HITL_STORE_STEP_H */
