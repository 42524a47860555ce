/*
 * graph.h
 *    A graph by its name, and its compiled versions in memory.
 *
 * Layer 3.
 */
#ifndef HITL_GRAPH_H
#define HITL_GRAPH_H

#include "store_graph.h"

extern void graph_keep_owner(Oid role);
extern HitlGraph *graph_require(const char *name);
extern HitlGraph *graph_require_for(const char *name, HitlAccess access);
extern HitlGraph *graph_require_locked(const char *name);
extern void graph_check_path(const HitlGraphVersion *graph);

extern HitlGraphVersion *graph_read(const HitlVersionRow *row, List **faults);
extern const HitlGraphVersion *graph_draft_or_latest(const HitlGraph *graph);
extern const HitlGraphVersion *graph_get(int64 graph_id, int version);

#endif							/* HITL_GRAPH_H */
