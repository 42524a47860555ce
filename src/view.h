/*
 * view.h
 *    Look at a thread: its state, what invoke() returns, a picture; wait for it.
 *
 * Layer 3.
 */
#ifndef HITL_VIEW_H
#define HITL_VIEW_H

#include "types.h"

extern Jsonb *view_state(int64 thread_id, int checkpoint);
extern Jsonb *view_document(int64 thread_id);
extern char *view_mermaid(const char *graph_name, bool has_thread, int64 thread_id);
extern bool view_wait(int64 thread_id, TimestampTz until, HitlThreadStatus *status);

#endif							/* HITL_VIEW_H */
