/*
 * wording.h
 *    A policy in words, for who has to decide under it.
 *
 * Layer 1: pure.
 */
#ifndef HITL_WORDING_H
#define HITL_WORDING_H

#include "types.h"

extern List *wording_policy(const HitlPolicy *policy);
extern char *wording_list(List *words, const char *last);

#endif							/* HITL_WORDING_H */
