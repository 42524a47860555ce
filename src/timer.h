/*
 * timer.h
 *    How long one run of a node may take, or of the reducers behind it.
 *
 * Layer 3.
 */
#ifndef HITL_TIMER_H
#define HITL_TIMER_H

#include "postgres.h"

extern bool timer_start(int timeout_ms);
extern void timer_stop(void);
extern bool timer_has_fired(void);

#endif							/* HITL_TIMER_H */
