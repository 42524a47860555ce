/*
 * show.h
 *    An interrupt with all that a person needs to decide it.
 *
 * Layer 3.
 */
#ifndef HITL_SHOW_H
#define HITL_SHOW_H

#include "types.h"

extern void show_require_reader(const HitlInterrupt *interrupt);
extern HitlInterrupt *show_row(int64 interrupt_id);
extern Jsonb *show_interrupt(int64 interrupt_id);

#endif							/* HITL_SHOW_H */
