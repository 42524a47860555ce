/*
 * event.h
 *    What is opened, decided and ended: told to listeners and to observers.
 *
 * Layer 3.
 */
#ifndef HITL_EVENT_H
#define HITL_EVENT_H

#include "hitl.h"

extern void event_note(HitlEventKind kind, int64 thread_id, int64 interrupt_id, Oid owner);
extern bool event_set_final(bool is_final);

#endif							/* HITL_EVENT_H */
