/*
 * subxact.h
 *    Run a function in a subtransaction, and have its error as a value.
 *
 * Layer 2.
 */
#ifndef HITL_SUBXACT_H
#define HITL_SUBXACT_H

#include "postgres.h"

/* True: what it did is to stay; false: it is rolled back. */
typedef bool (*SubxactBody) (void *arg);

extern ErrorData *subxact_run(SubxactBody body, void *arg);

#endif							/* HITL_SUBXACT_H */
