/*
 * expiry.h
 *    A run whose question has expired and has no answer for its node.
 *
 * Layer 3.
 */
#ifndef HITL_EXPIRY_H
#define HITL_EXPIRY_H

#include "frame.h"

extern bool expiry_stops(HitlRun *run);

#endif							/* HITL_EXPIRY_H */
