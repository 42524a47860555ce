/*
 * question.h
 *    Questions as values: read what a node asks, compare two.
 *
 * Layer 1: pure.
 */
#ifndef HITL_QUESTION_H
#define HITL_QUESTION_H

#include "types.h"

/* the keys of the questions of breakpoints: authors' keys have no "#" */
#define HITL_BEFORE_QUESTION "#before"
#define HITL_AFTER_QUESTION "#after"

extern bool question_is_breakpoint(const HitlQuestion *question);
extern HitlQuestion *question_parse(Jsonb *payload, const char *key);
extern void question_check_answerable(const HitlQuestion *question);
extern List *question_actions(const HitlQuestion *question);
extern Jsonb *question_args_schema(const HitlQuestion *question);
extern Jsonb *question_response_schema(const HitlQuestion *question);
extern bool question_is_named(const HitlQuestion *question);
extern Jsonb *question_bare_payload(const HitlQuestion *question);
extern char *question_difference(const HitlQuestion *a, const HitlQuestion *b);

#endif							/* HITL_QUESTION_H */
