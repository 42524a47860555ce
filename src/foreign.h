/*
 * foreign.h
 *    A question in the shapes of other tools.
 *
 * Layer 1: pure.
 */
#ifndef HITL_FOREIGN_H
#define HITL_FOREIGN_H

#include "types.h"

/* what the fields of an MCP form are about */
typedef enum HitlFormKind
{
	HITL_FORM_BARE,				/* no fields: to accept is to approve */
	HITL_FORM_ARGS,				/* the args that are plain values, to edit */
	HITL_FORM_TEXT,				/* "response", a string */
	HITL_FORM_SCHEMA,			/* the question's own response schema */
	HITL_FORM_BATCH				/* "decision_1", ...: approve or reject each action */
} HitlFormKind;

extern const char *foreign_name(const HitlInterrupt *interrupt, const HitlQuestion *action);
extern HitlFormKind foreign_form(const HitlInterrupt *interrupt);
extern Jsonb *foreign_form_fields(const HitlInterrupt *interrupt, HitlFormKind kind);

extern Jsonb *foreign_langchain(const HitlInterrupt *interrupt, bool is_camel, bool is_per_call);
extern Jsonb *foreign_agent_inbox(const HitlInterrupt *interrupt);
extern Jsonb *foreign_agui(const HitlInterrupt *interrupt);
extern Jsonb *foreign_mcp(const HitlInterrupt *interrupt);

#endif							/* HITL_FOREIGN_H */
