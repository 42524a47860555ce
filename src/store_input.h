/*
 * store_input.h
 *    Rows of hitl.thread_key and hitl.thread_input: names, and what waits.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_INPUT_H
#define HITL_STORE_INPUT_H

#include "types.h"

extern bool store_key_take(int64 graph_id, const char *key, Jsonb *input);
extern void store_key_set(int64 graph_id, const char *key, int64 thread_id);
extern void store_key_give(int64 graph_id, const char *key, Jsonb *input);
extern int64 store_key_find(int64 graph_id, const char *key, bool locks, Jsonb **input);

extern void store_input_insert(int64 thread_id, Jsonb *input, const char *by, TimestampTz at);
extern Jsonb *store_input_take(int64 thread_id);
extern void store_input_delete(int64 thread_id);

#endif							/* HITL_STORE_INPUT_H */
