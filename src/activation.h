/*
 * activation.h
 *    One call of a PL/pgSQL function that may pause: what hitl adds to it.
 *
 * Layer 3.
 */
#ifndef HITL_ACTIVATION_H
#define HITL_ACTIVATION_H

#include "postgres.h"

#include "plpgsql.h"
#include "program.h"
#include "utils/jsonb.h"

/* what a statement that hitl has put into a tree does */
typedef enum SpliceKind
{
	SPLICE_ASK,					/* the call of a site */
	SPLICE_LEAVE,				/* nothing; a RETURN once there is a pause */
	SPLICE_TAKE,				/* puts what the call gave where it is wanted */
	SPLICE_RESUME,				/* goes on in the function that was called */
	SPLICE_PERFORMED,			/* what PERFORM says of a row, when it has gone on */
	SPLICE_LOOP,				/* a loop whose place is known at each time */
	SPLICE_ITERATE,				/* at the beginning of each iteration of it */
	SPLICE_AGAIN,				/* stands for a loop that is gone on with: ... */
	SPLICE_SELECT,				/* ... the rest of its iteration, then the others */
	SPLICE_EXIT,
	SPLICE_WITHIN,				/* stands for an IF or a CASE that is gone on within */
	SPLICE_ROUND,				/* the other iterations of a loop that has no place */
	SPLICE_CAUGHT,				/* at the beginning of a handler */
	SPLICE_THROW				/* raises what a handler that is gone on with had
								 * caught */
} SpliceKind;

/* a loop with a site in it, and where it is */
typedef struct LoopState
{
	int			statement;
	PLpgSQL_stmt *original;
	bool		is_first;		/* in the rest of the iteration of the pause: what
								 * was saved holds */
	Jsonb	   *saved;			/* where it was at the pause */

	/* over integers: hidden variables, and the counter, which is not the loop
	 * variable: that can be assigned to */
	PLpgSQL_var *lower;
	PLpgSQL_var *upper;
	PLpgSQL_var *step;
	int32		counter;

	/* over rows: a hidden cursor, which can be read to its end */
	PLpgSQL_var *cursor;
	PLpgSQL_var *text;			/* of EXECUTE */
	PLpgSQL_rec *parameters;	/* of EXECUTE, USING */
	PLpgSQL_expr *parameters_expr;
	PLpgSQL_expr *query;		/* ours; NULL: the author's own */
	bool		is_checked;

	/* over an array */
	PLpgSQL_rec *array;			/* a record of one field */
	PLpgSQL_expr *array_expr;
	int			n_done;			/* iterations begun */
	int			n_skipped;		/* that were done before the pause */
} LoopState;

/* what a handler with a site in it has caught */
typedef struct CaughtError
{
	int			statement;		/* the block */
	int			handler;
	ErrorData  *error;
} CaughtError;

/* a statement that hitl has put into a tree; PL/pgSQL runs it as any other */
typedef struct Splice
{
	union
	{
		PLpgSQL_stmt any;
		PLpgSQL_stmt_assign assign;
		PLpgSQL_stmt_perform perform;
		PLpgSQL_stmt_execsql execsql;
		PLpgSQL_stmt_return returns;
		PLpgSQL_stmt_getdiag nothing;
		PLpgSQL_stmt_exit exit;
		PLpgSQL_stmt_block block;
		PLpgSQL_stmt_loop loop;
		PLpgSQL_stmt_while whiles;
		PLpgSQL_stmt_fori fori;
		PLpgSQL_stmt_forc forc;
		PLpgSQL_stmt_foreach_a foreach;
	}			as;				/* first: it is the statement */
	SpliceKind	kind;
	PLpgSQL_stmt *original;		/* in whose place it stands */
	LoopState  *state;			/* of loops */
	bool		goes_on;		/* SPLICE_LOOP: from where the pause was */
	bool		is_second;		/* SPLICE_SELECT: the next time ... */
	List	   *rest;			/* ... the other iterations */
	CaughtError *caught;
	PLpgSQL_variable *result;	/* SPLICE_ASK, SPLICE_RESUME: where the value of
								 * the call goes; NULL: nowhere */
} Splice;

typedef struct Activation
{
	PLpgSQL_execstate *es;
	PLpgSQL_function *function;
	const PLpgSQL_plugin *api;	/* what PL/pgSQL lets a plugin call */
	const Program *program;
	MemoryContext context;
	PLpgSQL_stmt **originals;	/* the function's own statements, by number */
	PLpgSQL_stmt_block *action; /* the tree */
	Splice	   *asking;			/* the call of a site that runs now */
	Oid			resumed;		/* the function that it had called when it paused;
								 * InvalidOid: none */
	bool		found;			/* FOUND and the rows counted before it */
	uint64		n_processed;
	bool		asks_by_query;	/* it is run by SPI, also if it is a simple one */

	/* for those who make and write it */
	List	   *hidden;			/* variables of ours, behind the function's own */
	List	   *expressions;	/* ours: their plans are freed with it */
	List	   *chunks;			/* of splices */
	int			n_in_chunk;
	List	   *loops;			/* LoopState */
	List	   *caught;			/* CaughtError */
	PLpgSQL_var *answer;		/* what hitl.interrupt() gave */
} Activation;

extern Activation *activation_begin(PLpgSQL_execstate *es, PLpgSQL_function *function, const PLpgSQL_plugin *api,
									const Program *program, MemoryContext context);
extern PLpgSQL_var *activation_add_variable(Activation *activation, const char *name, Oid type);
extern PLpgSQL_rec *activation_add_record(Activation *activation, const char *name, Oid type);
extern void activation_add_field(Activation *activation, PLpgSQL_rec *record, const char *field);
extern PLpgSQL_variable *activation_add_result(Activation *activation, const char *name, Oid type);
extern void activation_install_hidden(Activation *activation);
extern Splice *activation_add_splice(Activation *activation, SpliceKind kind, PLpgSQL_stmt *original);
extern Splice *activation_copy_splice(Activation *activation, SpliceKind kind, PLpgSQL_stmt *original, Size size);
extern PLpgSQL_expr *activation_name_expression(Activation *activation, const PLpgSQL_expr *like,
												const PLpgSQL_variable *variable);
extern Splice *activation_find_splice(const Activation *activation, const PLpgSQL_stmt *statement);
extern LoopState *activation_loop(Activation *activation, PLpgSQL_stmt *original);
extern CaughtError *activation_caught(Activation *activation, int statement, int handler);
extern PLpgSQL_expr *activation_expression(Activation *activation, const PLpgSQL_expr *like, const char *query,
										   RawParseMode mode, const PLpgSQL_variable *variable);
extern void activation_add_name(PLpgSQL_expr *expression, int number, const char *name);
extern void activation_free_expression(Activation *activation, PLpgSQL_expr *expression);
extern PLpgSQL_stmt *activation_statement(const Activation *activation, int statement);
extern void activation_end(Activation *activation);

#endif							/* HITL_ACTIVATION_H */
