/*
 * definition.h
 *    A graph as a document: read it, and tell every fault.
 *
 * Layer 1: pure.
 */
#ifndef HITL_DEFINITION_H
#define HITL_DEFINITION_H

#include "types.h"

extern HitlGraphVersion *definition_parse(Jsonb *document, List **faults);
extern bool definition_read_pinned(const char *word, bool *is_pinned);

#endif							/* HITL_DEFINITION_H */
