/*
 * document.h
 *    A graph written as a document, in full and in a fixed order.
 *
 * Layer 1: pure.
 */
#ifndef HITL_DOCUMENT_H
#define HITL_DOCUMENT_H

#include "types.h"

extern Jsonb *document_write(const HitlGraphVersion *graph);

#endif							/* HITL_DOCUMENT_H */
