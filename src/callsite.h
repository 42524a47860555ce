/*
 * callsite.h
 *    The functions that an expression of PL/pgSQL calls.
 *
 * Layer 3.
 */
#ifndef HITL_CALLSITE_H
#define HITL_CALLSITE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "plpgsql.h"

typedef struct CallSites
{
	List	   *calls;			/* of FuncCall, in the whole text */
	FuncCall   *whole;			/* the value is this call and nothing else;
								 * NULL: it is not */
	int			at;				/* where the text of that begins */
	bool		is_select;		/* it only reads: ... */
	bool		locks_rows;		/* ... FOR UPDATE and the like */
} CallSites;

extern CallSites callsite_find(const PLpgSQL_expr *expression);
extern char *callsite_as_value(const PLpgSQL_expr *expression);
extern int callsite_count_calls(List *expressions, Oid function);
extern List *callsite_candidates(const FuncCall *call);

#endif							/* HITL_CALLSITE_H */
