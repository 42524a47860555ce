/*
 * suspension.h
 *    An activation as JSON: what is kept of it over a pause.
 *
 * Layer 3.
 */
#ifndef HITL_SUSPENSION_H
#define HITL_SUSPENSION_H

#include "activation.h"

extern Jsonb *suspension_write(const Activation *activation, int statement, Size max_bytes);
extern void suspension_go_on_loop(Activation *activation, Splice *splice);
extern int	suspension_read(Activation *activation, Jsonb *kept);

#endif							/* HITL_SUSPENSION_H */
