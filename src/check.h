/*
 * check.h
 *    Can a function be a node in continue mode?
 *
 * Layer 3.
 */
#ifndef HITL_CHECK_H
#define HITL_CHECK_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern List *check_findings(Oid function, List **callees);
extern List *check_faults(Oid function, const char *what, List **callees);

#endif							/* HITL_CHECK_H */
