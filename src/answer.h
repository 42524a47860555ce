/*
 * answer.h
 *    Questions and answers as values: read, check, compare, merge.
 *
 * Layer 1: pure.
 */
#ifndef HITL_ANSWER_H
#define HITL_ANSWER_H

#include "types.h"

/* what a reviewer said, checked for its shape */
typedef struct HitlAnswer
{
	HitlDecisionType type;
	Jsonb	   *edits;			/* edit: an object */
	char	   *reason;			/* reject: may be NULL */
	Jsonb	   *response;		/* respond: not NULL */
} HitlAnswer;

extern HitlAnswer *answer_parse(Jsonb *decision);
extern void answer_check_edits(const HitlAnswer *answer);
extern Jsonb *answer_document(const HitlAnswer *answer);
extern void answer_check(const HitlAnswer *answer, const HitlQuestion *question,
						 int64 interrupt_id);
extern Jsonb *answer_decision(const HitlAnswer *answer, const HitlQuestion *question,
							  const char *by, TimestampTz at);

extern void question_check_answerable(const HitlQuestion *question);
extern HitlQuestion *question_parse(Jsonb *payload, const char *key);
extern bool question_is_named(const HitlQuestion *question);
extern Jsonb *question_bare_payload(const HitlQuestion *question);
extern char *question_difference(const HitlQuestion *a, const HitlQuestion *b);

#endif							/* HITL_ANSWER_H */
