/*
 * function.h
 *    A function that a graph names: find it, judge it, have it to call.
 *
 * Layer 3.
 */
#ifndef HITL_FUNCTION_H
#define HITL_FUNCTION_H

#include "fmgr.h"
#include "types.h"

/* what a function must look like */
typedef enum HitlFunctionKind
{
	HITL_FUNCTION_HANDLER,		/* f(jsonb) returns jsonb */
	HITL_FUNCTION_ROUTER,		/* f(jsonb) returns text, text[], jsonb, jsonb[] */
	HITL_FUNCTION_REDUCER,		/* f(jsonb, jsonb) returns jsonb, or an
								 * aggregate f(jsonb) returns jsonb */
	HITL_FUNCTION_STEP			/* f(jsonb) returns jsonb */
} HitlFunctionKind;

extern void function_resolve(const HitlGraphVersion *graph, HitlFunction *function,
							 HitlFunctionKind kind, const char *what,
							 List **functions, List **faults);
extern FmgrInfo *function_get(const HitlGraphVersion *graph, const HitlFunction *function,
							  HitlFunctionKind kind, const char *what);
extern Oid	function_find(const char *signature);
extern Oid	function_find_typed(const char *signature, int n_args, const Oid *types);
extern Oid	function_find_any(const char *signature);
extern Oid	function_find_handler(const char *name);
extern char *function_name(const char *signature);
extern char *function_qualify(const char *signature, const char *key);
extern FmgrInfo *function_get_step(const HitlGraphVersion *graph, const char *signature, const char *key);

#endif							/* HITL_FUNCTION_H */
