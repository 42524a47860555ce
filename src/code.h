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

extern const char *code_hash(Oid function);
extern const char *code_hash_row(HeapTuple tuple);

#endif							/* HITL_CODE_H */
