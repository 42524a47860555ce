/*
 * store_outbox.h
 *    Rows of hitl.outbox and contact.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_OUTBOX_H
#define HITL_STORE_OUTBOX_H

#include "types.h"

extern void store_outbox_insert(int64 interrupt_id, const char *kind, List *roles,
								const char *reason, TimestampTz at);

#endif							/* HITL_STORE_OUTBOX_H */
