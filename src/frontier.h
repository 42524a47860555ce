/*
 * frontier.h
 *    A graph as a thing to walk: what runs next, and is it well formed.
 *
 * Layer 1: pure.
 */
#ifndef HITL_FRONTIER_H
#define HITL_FRONTIER_H

#include "types.h"

extern const HitlNode *frontier_find_node(const HitlGraphVersion *graph, const char *name);
extern bool frontier_has_branch(const HitlGraphVersion *graph, const char *source);
extern List *frontier_next(const HitlGraphVersion *graph, List *tasks, Jsonb **joins);
extern bool frontier_join_waits(const HitlJoin *join, Jsonb *joins);
extern bool frontier_knows_joins(const HitlGraphVersion *graph, Jsonb *joins);
extern List *frontier_faults(const HitlGraphVersion *graph);

extern List *targets_from_route(const HitlGraphVersion *graph, const HitlBranch *branch, Jsonb *result);
extern List *targets_from_command(const HitlGraphVersion *graph, const HitlNode *node, Jsonb *result,
								  Jsonb **update);
extern Jsonb *targets_document(List *targets);
extern List *targets_parse(Jsonb *document);

/* the marks of hitl.command() and hitl.send() in what a node or router returns */
#define HITL_COMMAND_KEY "hitl.command"
#define HITL_SEND_KEY "hitl.send"

#endif							/* HITL_FRONTIER_H */
