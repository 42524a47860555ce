/*
 * db.h
 *    The one door to SQL: run a statement as the tables' owner, read its rows.
 *
 * Layer 2.  Only store files run statements.
 */
#ifndef HITL_DB_H
#define HITL_DB_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"

/* a statement with a plan that is made once per process and kept */
typedef struct DbStatement
{
	const char *sql;
	int			n_args;
	const Oid  *arg_types;
	void	   *plan;
} DbStatement;

#define DB_STATEMENT(name, text, ...) \
	static const Oid name##_types[] = {__VA_ARGS__}; \
	static DbStatement name = {text, lengthof(name##_types), name##_types, NULL}

#define DB_STATEMENT_NO_ARGS(name, text) \
	static DbStatement name = {text, 0, NULL, NULL}

/* In SQL: the name by which somebody goes now who had that name then, and a voter's. */
#define PERSON_NOW(role, name) \
	"COALESCE((SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.oid = " role "), " name ")"
#define VOTER_NOW(vote) PERSON_NOW(#vote ".voter_role", #vote ".voter")

/* an argument that may be NULL */
typedef struct DbArg
{
	Datum		value;
	bool		is_null;
} DbArg;

/* one bracket: what db_close() puts back */
typedef struct DbCall
{
	MemoryContext caller;
	Oid			user;
	int			security;
	int			path_level;
	bool		has_snapshot;	/* we pushed one */
} DbCall;

extern DbArg db_int(int value);
extern DbArg db_smallint(int value);
extern DbArg db_bigint(int64 value);
extern DbArg db_oid(Oid value);
extern DbArg db_bool(bool value);
extern DbArg db_time(TimestampTz value);
extern DbArg db_time_or_null(TimestampTz value);
extern DbArg db_text(const char *value);
extern DbArg db_jsonb(Jsonb *value);
extern DbArg db_text_array(const char *const *values, int n_values);
extern DbArg db_jsonb_array(Jsonb *const *values, int n_values);
extern DbArg db_oid_array(const Oid *values, int n_values);
extern DbArg db_bigint_array(const int64 *values, int n_values);
extern DbArg db_null(void);

extern void db_open(DbCall *call);
extern uint64 db_execute(DbStatement *statement, const DbArg *args);
extern uint64 db_execute_in_snapshot(DbStatement *statement, const DbArg *args);
extern uint64 db_execute_latest(DbStatement *statement, const DbArg *args);
extern void db_close(DbCall *call);

extern bool db_is_null(uint64 row, int column);
extern int	db_get_int(uint64 row, int column);
extern int	db_get_smallint(uint64 row, int column);
extern int64 db_get_bigint(uint64 row, int column);
extern Oid	db_get_oid(uint64 row, int column);
extern bool db_get_bool(uint64 row, int column);
extern TimestampTz db_get_time(uint64 row, int column);
extern char *db_get_text(DbCall *call, uint64 row, int column);
extern Jsonb *db_get_jsonb(DbCall *call, uint64 row, int column);
extern List *db_get_text_array(DbCall *call, uint64 row, int column);

extern Oid	db_owner(void);
extern Oid	db_relation(const char *name);
extern void db_utility(const char *sql);

/* SQL that an author wrote: run as whoever we are */
extern const char *db_author_fault(const char *sql);
extern Jsonb *db_author_run(const char *sql, Jsonb *state);
extern Jsonb *db_author_aggregate(const char *aggregate, Jsonb *const *values, int n_values);

/* statements of PL/pgSQL's, in whose call we are */
struct _SPI_plan;
struct Tuplestorestate;
extern void db_free_plan(struct _SPI_plan *plan);
extern List *db_plan_queries(struct _SPI_plan *plan);
extern void db_register_rows(const char *name, TupleDesc columns, struct Tuplestorestate *rows);

extern List *db_portal_names(void);

/* the transaction bracket of CALL run_pending() */
extern void db_connect_procedure(void);
extern void db_commit_procedure(void);
extern ErrorData *db_try_commit_procedure(void);
extern void db_disconnect_procedure(void);

#endif							/* HITL_DB_H */
