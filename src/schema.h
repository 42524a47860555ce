/*
 * schema.h
 *    JSON Schema, the part that the schemas of tools use: is a schema one, and
 *    does a value fit it?
 *
 * Layer 1: pure.
 */
#ifndef HITL_SCHEMA_H
#define HITL_SCHEMA_H

#include "types.h"

extern List *schema_faults(Jsonb *schema);
extern char *schema_violation(Jsonb *schema, Jsonb *value);

#endif							/* HITL_SCHEMA_H */
