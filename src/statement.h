/*
 * statement.h
 *    The statements of a compiled PL/pgSQL function: what is in them.
 *
 * Layer 3.
 */
#ifndef HITL_STATEMENT_H
#define HITL_STATEMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "plpgsql.h"

/* a list of statements in a statement */
typedef struct StatementList
{
	const char *branch;			/* its name within the statement, for a path */
	bool		is_loop;		/* it is run again and again */
	int			handler;		/* which of a block's handlers, from 0; -1: none */
	List	  **list;			/* where it hangs */
} StatementList;

extern List *statement_lists(PLpgSQL_stmt *statement);
extern List *statement_expressions(PLpgSQL_stmt *statement);
extern PLpgSQL_stmt *statement_copy(const PLpgSQL_stmt *statement);
extern const char *statement_name(const PLpgSQL_stmt *statement);
extern PLpgSQL_function *statement_compile(Oid function);
extern PLpgSQL_type *statement_type(Oid type);

#endif							/* HITL_STATEMENT_H */
