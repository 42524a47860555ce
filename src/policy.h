/*
 * policy.h
 *    A policy as a document: read it strictly, and write it again.
 *
 * Layer 1: pure.
 */
#ifndef HITL_POLICY_H
#define HITL_POLICY_H

#include "types.h"

extern HitlPolicy *policy_read(Jsonb *definition, List **faults);
extern HitlPolicy *policy_parse(Jsonb *definition);
extern Jsonb *policy_document(const HitlPolicy *policy);
extern List *policy_roles(const HitlPolicy *policy);

#endif							/* HITL_POLICY_H */
