/*
 * crash.h
 *    What a crash has left becomes counted crashes of tasks.
 *
 * Layer 3.
 */
#ifndef HITL_CRASH_H
#define HITL_CRASH_H

#include "types.h"

/* one of our processes, outside a transaction; owner: InvalidOid for all */
extern void crash_collect(Oid owner);

/* a session, in its transaction; threads: NULL for all */
extern void crash_collect_here(const HitlIds *threads);

#endif							/* HITL_CRASH_H */
