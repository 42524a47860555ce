/*
 * pattern.h
 *    Regular expressions as JSON Schema has them, by the server's engine.
 *
 * Layer 1: pure.
 */
#ifndef HITL_PATTERN_H
#define HITL_PATTERN_H

#include "postgres.h"

extern char *pattern_translate(const char *pattern, int length, char **fault);
extern char *pattern_fault(const char *pattern, int length);
extern bool pattern_matches(const char *pattern, int pattern_length, char *string, int length);

#endif							/* HITL_PATTERN_H */
