/*
 * store_audit.h
 *    Rows of hitl.audit: appended, never changed.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_AUDIT_H
#define HITL_STORE_AUDIT_H

#include "types.h"

/* a row of hitl.audit; 0 and NULL where there is none */
typedef struct HitlAudit
{
	int64		thread_id;
	const char *event;
	int			step;
	const char *node;
	int64		task_id;
	int64		interrupt_id;
	const char *actor;
	const char *login;			/* where it is another */
	const char *role;
	const char *actor_kind;
	Jsonb	   *detail;
} HitlAudit;

extern void store_audit_append_many(const HitlAudit *audit, const int64 *thread_ids, int n, TimestampTz at);
extern void store_audit_append(const HitlAudit *audit, TimestampTz at);

extern TimestampTz store_audit_last_at(int64 thread_id);
extern bool store_audit_input_dropped(int64 thread_id);

#endif							/* HITL_STORE_AUDIT_H */
