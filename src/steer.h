/*
 * steer.h
 *    Change what a thread knows, or where it goes; go on from an earlier state.
 *
 * Layer 3.
 */
#ifndef HITL_STEER_H
#define HITL_STEER_H

#include "types.h"

extern void steer_give_up(HitlThread *thread);
extern int	steer_update(int64 thread_id, Jsonb *values, const char *as_node);
extern int64 steer_fork(int64 thread_id, int checkpoint, Jsonb *values, const char *as_node);

#endif							/* HITL_STEER_H */
