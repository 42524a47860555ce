/*
 * author.h
 *    Run code of an author: in whose session, under what, and what came of it.
 *
 * Layer 3.
 */
#ifndef HITL_AUTHOR_H
#define HITL_AUTHOR_H

#include "fmgr.h"
#include "frame.h"
#include "types.h"

/* what is run: all that it raises is judged */
typedef void (*AuthorBody) (HitlFrame *frame);

extern void author_require_session(const HitlGraphVersion *graph);
extern void author_run(HitlRun *run, AuthorBody body);
extern Datum author_call(FmgrInfo *function, int n_args, Jsonb *first, Jsonb *second, bool *is_null);
extern void author_drop_portals(const HitlFrame *frame);

#endif							/* HITL_AUTHOR_H */
