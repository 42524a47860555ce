/*
 * mermaid.h
 *    A graph as a Mermaid flowchart.
 *
 * Layer 1: pure.
 */
#ifndef HITL_MERMAID_H
#define HITL_MERMAID_H

#include "types.h"

extern char *mermaid_draw(const HitlGraphVersion *graph, List *tasks);

#endif							/* HITL_MERMAID_H */
