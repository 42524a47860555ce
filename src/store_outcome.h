/*
 * store_outcome.h
 *    Rows of hitl.outcome: added, never changed.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_OUTCOME_H
#define HITL_STORE_OUTCOME_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern void store_outcome_insert(int64 thread_id, const char *outcome, const char *note, const char *by, TimestampTz at);

#endif							/* HITL_STORE_OUTCOME_H */
