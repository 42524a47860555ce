/*
 * shape.h
 *    Answers in the shapes of other tools.
 *
 * Layer 1: pure.
 */
#ifndef HITL_SHAPE_H
#define HITL_SHAPE_H

#include "answer.h"
#include "types.h"

extern HitlAnswer *shape_parse(Jsonb *given, const HitlInterrupt *interrupt);
extern HitlAnswer *shape_parse_action(Jsonb *given, const HitlInterrupt *interrupt, const HitlQuestion *action);

#endif							/* HITL_SHAPE_H */
