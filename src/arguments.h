/*
 * arguments.h
 *    Arguments of SQL functions that may be NULL, or must not be.
 *
 * Layer 4.
 */
#ifndef HITL_ARGUMENTS_H
#define HITL_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"

extern char *argument_text(FunctionCallInfo fcinfo, int n);
extern void argument_require(FunctionCallInfo fcinfo, int n, const char *name);

#endif							/* HITL_ARGUMENTS_H */
