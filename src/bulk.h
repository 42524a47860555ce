/*
 * bulk.h
 *    Many decisions in one statement.
 *
 * Layer 3.
 */
#ifndef HITL_BULK_H
#define HITL_BULK_H

#include "decision.h"
#include "types.h"

/* how many decisions one call site has made in one statement */
typedef struct HitlBulk
{
	TimestampTz statement;		/* when that began */
	int			n;
} HitlBulk;

/* what came of one of many */
typedef struct HitlBulkRow
{
	int64		interrupt_id;
	bool		is_taken;		/* then: verdict; else: error */
	HitlVerdict verdict;
	HitlError	error;
} HitlBulkRow;

extern void bulk_count(HitlBulk *bulk, int n);
extern List *bulk_decide(const int64 *interrupt_ids, const char *const *seen, int n, Jsonb *decision,
						 bool skips, const char *comment, const char *idempotency_key);

#endif							/* HITL_BULK_H */
