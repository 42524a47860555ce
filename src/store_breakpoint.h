/*
 * store_breakpoint.h
 *    Rows of hitl.breakpoint: where threads stop, as operators say.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_BREAKPOINT_H
#define HITL_STORE_BREAKPOINT_H

#include "datatype/timestamp.h"
#include "types.h"

extern List *store_breakpoint_list(void);
extern bool store_breakpoint_put(const HitlBreakpoint *breakpoint, const char *by, TimestampTz at);
extern bool store_breakpoint_remove(const HitlBreakpoint *breakpoint, const char *by, TimestampTz at);
extern bool store_breakpoint_has_node(int64 graph_id, const char *node);

#endif							/* HITL_STORE_BREAKPOINT_H */
