/*
 * draft.h
 *    Write a graph and compile it.
 *
 * Layer 3.
 */
#ifndef HITL_DRAFT_H
#define HITL_DRAFT_H

#include "types.h"

extern int64 draft_create(const char *name, int recursion_limit, const char *functions);
extern void draft_add_member(const char *graph_name, const char *kind, const char *name, Jsonb *json);
extern void draft_add_edge(const char *graph_name, const char *source, const char *target);
extern void draft_add_element(const char *graph_name, const char *kind, Jsonb *json);
extern int	draft_compile(const char *name);
extern int	draft_define(Jsonb *definition);

#endif							/* HITL_DRAFT_H */
