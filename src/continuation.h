/*
 * continuation.h
 *    Continue mode: a node in PL/pgSQL goes on behind the statement that asked.
 *
 * Layer 3.
 */
#ifndef HITL_CONTINUATION_H
#define HITL_CONTINUATION_H

#include "fmgr.h"
#include "frame.h"

extern Datum continuation_call(HitlFrame *frame, FmgrInfo *function, bool *is_null);
extern bool continuation_is_on(const HitlFrame *frame);
extern void continuation_require_running(const HitlFrame *frame);
extern void continuation_pause(HitlFrame *frame, HitlQuestion *question);

#endif							/* HITL_CONTINUATION_H */
