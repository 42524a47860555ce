/*
 * edit.h
 *    May an answer say what it says: the keys that may be edited, the schemas,
 *    the policy's validator.
 *
 * Layer 3.
 */
#ifndef HITL_EDIT_H
#define HITL_EDIT_H

#include "answer.h"
#include "types.h"

extern void edit_check(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlAnswer *answer);
extern bool edit_fits(const HitlPolicy *policy, const HitlQuestion *question, const HitlAnswer *answer);
extern void edit_check_action(const HitlPolicy *policy, const HitlInterrupt *interrupt,
							  const HitlQuestion *action, const HitlAnswer *answer, int n);

#endif							/* HITL_EDIT_H */
