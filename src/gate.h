/*
 * gate.h
 *    A question in front of a node, declared and not coded.
 *
 * Layer 1: pure.
 */
#ifndef HITL_GATE_H
#define HITL_GATE_H

#include "types.h"

/* the key of the question in front of a node: authors' keys have no "#" */
#define HITL_GATE_QUESTION "#gate"

/* what a predicate says */
typedef enum HitlTruth
{
	HITL_FALSE,
	HITL_TRUE,
	HITL_UNKNOWN
} HitlTruth;

/* what a decision makes of the node behind the gate */
typedef enum HitlGateVerdict
{
	HITL_GATE_RUN,				/* it runs, with the state as decided */
	HITL_GATE_OUTPUT,			/* it does not: the answer is its output */
	HITL_GATE_REJECTED			/* it does not: the thread goes elsewhere */
} HitlGateVerdict;

extern HitlTruth gate_judge(const char *predicate, Jsonb *args);
extern bool gate_skips(const HitlGate *gate, Jsonb *state);
extern HitlQuestion *gate_question(const HitlGate *gate, Jsonb *state, const char *key);
extern HitlGateVerdict gate_apply(const HitlGate *gate, Jsonb *decision, Jsonb **state, Jsonb **update);
extern List *gate_path(const char *path);
extern const char *gate_predicate_fault(const char *path);
extern const char *gate_check_predicate(const char *predicate);

#endif							/* HITL_GATE_H */
