/*
 * breakpoint.h
 *    Stop threads in front of a node, or behind it, until somebody says go on.
 *
 * Layer 3.
 */
#ifndef HITL_BREAKPOINT_H
#define HITL_BREAKPOINT_H

#include "frame.h"
#include "types.h"

extern bool breakpoint_set(HitlBreakpointKind kind, const char *node, const char *graph_name, bool is_enabled);
extern bool breakpoint_stops(HitlRun *run);
extern void breakpoint_changed(void);
extern List *breakpoint_after(const HitlGraphVersion *graph, List *tasks, List *next);

#endif							/* HITL_BREAKPOINT_H */
