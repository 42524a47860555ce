/*
 * program.h
 *    A PL/pgSQL function as continue mode sees it: where it can pause.
 *
 * Layer 3.
 */
#ifndef HITL_PROGRAM_H
#define HITL_PROGRAM_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "plpgsql.h"

/* what a statement is to a pause */
typedef enum ProgramSite
{
	PROGRAM_NO_SITE,
	PROGRAM_ASKS,				/* it is hitl.interrupt() and nothing else */
	PROGRAM_CALLS				/* it calls a function that may pause, and does
								 * nothing else */
} ProgramSite;

/* a statement, by PL/pgSQL's number for it */
typedef struct ProgramStatement
{
	ProgramSite site;
	bool		holds_site;		/* it is one, or one is within it */
	bool		is_call;		/* it does nothing but call a function, which may have
								 * paused, whether it still can or not */
	int			call_at;		/* of such, and of a site: where the call's text begins */
	Oid			callee;			/* of one that calls */
	int			parent;			/* the statement around it; 0: none */
	int			list;			/* in which of its lists, from 0 ... */
	int			position;		/* ... and where, from 0 */
	char	   *path;			/* its name over versions of the server */
	char	   *print;			/* what it says, for a fingerprint */
} ProgramStatement;

/* one place where the function may pause: can it go on behind it? */
typedef struct ProgramFinding
{
	char	   *signature;
	int			line;
	const char *statement;
	char	   *reason;			/* why it cannot; NULL: it can */
	char	   *advice;			/* what to write instead */
	int			split_line;		/* of a block with handlers that the pause is in;
								 * 0: none */
} ProgramFinding;

typedef struct Program
{
	Oid			function;
	char	   *signature;
	char	   *code_hash;
	TransactionId xmin;			/* its row's, as PL/pgSQL notes it */
	int			n_statements;	/* they are numbered from 1 */
	ProgramStatement *statements;
	int			n_sites;
	List	   *findings;		/* ProgramFinding, of this function alone */
	List	   *callees;		/* the functions that its sites call, as OIDs */
} Program;

extern const Program *program_get(Oid function);
extern void program_free_retired(void);
extern List *program_findings(Oid function, List **callees);
extern int	program_find(const Program *program, const char *path);
extern char *program_fingerprint(const Program *program, int statement);
extern char *program_query_fault(Query *query);

#endif							/* HITL_PROGRAM_H */
