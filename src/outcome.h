/*
 * outcome.h
 *    How it turned out in the end what a thread did.
 *
 * Layer 3.
 */
#ifndef HITL_OUTCOME_H
#define HITL_OUTCOME_H

#include "postgres.h"

extern void outcome_report(int64 thread_id, const char *outcome, const char *note);

#endif							/* HITL_OUTCOME_H */
