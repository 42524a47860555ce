/*
 * why.h
 *    Why a thread does not move, and what to type next.
 *
 * Layer 3.
 */
#ifndef HITL_WHY_H
#define HITL_WHY_H

#include "types.h"

extern void why_explain(int64 thread_id, const char **code, char **explanation, char **next);

#endif							/* HITL_WHY_H */
