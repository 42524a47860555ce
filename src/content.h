/*
 * content.h
 *    What a vote is bound to, as a hash.
 *
 * Layer 1: pure.
 */
#ifndef HITL_CONTENT_H
#define HITL_CONTENT_H

#include "types.h"

/* SHA-256 in hexadecimal */
#define HITL_HASH_CHARS 64

extern char *content_hash(const HitlQuestion *question, Jsonb *proposal);

#endif							/* HITL_CONTENT_H */
