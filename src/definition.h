/*
 * definition.h
 *    A graph as a document: read it, write it, add to it.
 *
 * Layer 1: pure.
 */
#ifndef HITL_DEFINITION_H
#define HITL_DEFINITION_H

#include "types.h"

extern HitlGraphVersion *definition_parse(Jsonb *document, List **faults);
extern bool definition_read_pinned(const char *word, bool *is_pinned);
extern Jsonb *definition_document(const HitlGraphVersion *graph);
extern Jsonb *definition_empty(int recursion_limit);

#endif							/* HITL_DEFINITION_H */
