/*
 * opening.h
 *    Put a question to people: under which policy, to whom, until when.
 *
 * Layer 3.
 */
#ifndef HITL_OPENING_H
#define HITL_OPENING_H

#include "answer.h"
#include "frame.h"
#include "types.h"

extern Jsonb *opening_choose(HitlRun *run, HitlQuestion *question, bool may_skip);
extern void opening_note_automatic(HitlRun *run, const char *key, const char *action, const char *rule);
extern Jsonb *opening_record_automatic(const HitlThread *thread, const HitlTask *task, const HitlRun *run);
extern void opening_check_edited(const HitlInterrupt *interrupt, const HitlQuestion *action, const HitlAnswer *answer);
extern void opening_check_edit(const HitlInterrupt *interrupt, const HitlAnswer *answer);
extern int64 opening_interrupt(const HitlThread *thread, const HitlTask *task, const HitlQuestion *question);
extern int64 opening_again(const HitlThread *thread, const HitlTask *task, HitlQuestion *question,
						   int64 reopens, bool is_review);

#endif							/* HITL_OPENING_H */
