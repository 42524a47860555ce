/*
 * input.h
 *    Give a thread its input: the first, and by its key what comes later.
 *
 * Layer 3.
 */
#ifndef HITL_INPUT_H
#define HITL_INPUT_H

#include "types.h"

extern HitlIfBusy input_if_busy(const char *word);
extern int64 input_start(const char *graph_name, Jsonb *input, const char *key, HitlIfBusy if_busy);
extern int64 input_thread(const char *graph_name, const char *key);

#endif							/* HITL_INPUT_H */
