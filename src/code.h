/*
 * code.h
 *    What the code of a function is, as a hash: is it what was compiled?
 *
 * Layer 3.
 */
#ifndef HITL_CODE_H
#define HITL_CODE_H

#include "postgres.h"

#include "access/htup.h"
#include "catalog/pg_aggregate.h"

/* how many functions an aggregate has at most */
#define CODE_AGGREGATE_FUNCTIONS 9

extern void code_aggregate_functions(Form_pg_aggregate row, Oid functions[CODE_AGGREGATE_FUNCTIONS]);
extern Oid	code_owner(Oid function);
extern const char *code_hash(Oid function);
extern const char *code_hash_row(HeapTuple tuple);

#endif							/* HITL_CODE_H */
