/*
 * store_draft.h
 *    Rows of hitl.draft.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_DRAFT_H
#define HITL_STORE_DRAFT_H

#include "datatype/timestamp.h"
#include "types.h"

extern void store_draft_put(int64 interrupt_id, const char *person, int action_no, int revision,
							Jsonb *decision, TimestampTz at);
extern List *store_drafts(int64 interrupt_id, const char *person, int revision);
extern int	store_draft_delete(int64 interrupt_id, const char *person, int action_no);
extern void store_draft_drop(int64 interrupt_id);

#endif							/* HITL_STORE_DRAFT_H */
