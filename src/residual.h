/*
 * residual.h
 *    The tree of an activation: where it can be left, and what is left of it.
 *
 * Layer 3.
 */
#ifndef HITL_RESIDUAL_H
#define HITL_RESIDUAL_H

#include "activation.h"

extern void residual_build(Activation *activation, int statement);

#endif							/* HITL_RESIDUAL_H */
