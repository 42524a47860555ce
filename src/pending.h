/*
 * pending.h
 *    An interrupt that people want to do something with: find it, lock it, say
 *    that it is settled.
 *
 * Layer 3.
 */
#ifndef HITL_PENDING_H
#define HITL_PENDING_H

#include "types.h"

extern HitlInterrupt *pending_get(int64 interrupt_id);
extern HitlInterrupt *pending_lock(int64 interrupt_id);
extern void pending_error_settled(const HitlInterrupt *interrupt);

#endif							/* HITL_PENDING_H */
