/*
 * interrupt.h
 *    A node asks: give back the recorded answer, or pause.
 *
 * Layer 3.
 */
#ifndef HITL_INTERRUPT_H
#define HITL_INTERRUPT_H

#include "frame.h"
#include "types.h"

extern Jsonb *interrupt_ask(Jsonb *payload, const char *key);
extern Jsonb *interrupt_ask_gate(HitlFrame *frame, HitlQuestion *question);
extern HitlQuestion *interrupt_question(HitlFrame *frame, Jsonb *payload, const char *key);
extern void interrupt_supersede(List *interrupts, int64 interrupt_id);
extern const HitlInterrupt *interrupt_ran_out(List *interrupts);
extern bool interrupt_is_any_pending(List *interrupts);
extern bool interrupt_is_answered(List *interrupts, const char *key);
extern void interrupt_require_heard(const HitlRun *run);
extern Jsonb *interrupt_documents(const HitlIds *threads);

#endif							/* HITL_INTERRUPT_H */
