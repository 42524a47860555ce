/*
 * answer.h
 *    Answers as values: read, check, merge.
 *
 * Layer 1: pure.
 */
#ifndef HITL_ANSWER_H
#define HITL_ANSWER_H

#include "question.h"
#include "types.h"

/* what a reviewer said, checked for its shape */
typedef struct HitlAnswer
{
	HitlDecisionType type;
	Jsonb	   *edits;			/* edit: an object */
	List	   *removed;		/* edit: keys to leave out, as C strings */
	char	   *reason;			/* reject: may be NULL */
	Jsonb	   *response;		/* respond: not NULL */
	List	   *decisions;		/* of a batch: HitlAnswer, one per action, in
								 * order; NIL: the same for all */
	char	   *note;			/* said beside it, where its shape has room for
								 * that; may be NULL */
} HitlAnswer;

extern HitlAnswer *answer_parse(Jsonb *decision);
extern HitlAnswer *answer_of_decisions(List *decisions);
extern void answer_check_edits(const HitlAnswer *answer);
extern Jsonb *answer_document(const HitlAnswer *answer);
extern void answer_check(const HitlAnswer *answer, const HitlQuestion *question,
						 int64 interrupt_id);
extern bool answer_fits(const HitlAnswer *answer, const HitlQuestion *question);
extern void answer_check_action(const HitlAnswer *answer, const HitlQuestion *action,
								int64 interrupt_id, int n);
extern const HitlAnswer *answer_of_action(const HitlAnswer *answer, int n);
extern HitlDecisionSet answer_types(const HitlAnswer *answer);
extern Jsonb *answer_args(const HitlAnswer *answer, const HitlQuestion *question);
extern Jsonb *answer_decision(const HitlAnswer *answer, const HitlQuestion *question,
							  const char *by, TimestampTz at);

extern Jsonb *answer_of_deadline(const char *type, const char *node, const char *reason,
								 const HitlQuestion *question, TimestampTz at);
extern bool answer_is_past_node(const HitlInterrupt *interrupt);
extern bool answer_is_lacking(const HitlInterrupt *interrupt);
extern bool answer_is_given(const HitlInterrupt *interrupt);

#endif							/* HITL_ANSWER_H */
