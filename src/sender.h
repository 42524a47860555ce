/*
 * sender.h
 *    Messages are handed to people, and marked; and where people are told.
 *
 * Layer 3.
 */
#ifndef HITL_SENDER_H
#define HITL_SENDER_H

#include "store_outbox.h"

extern HitlMessage *sender_require(int64 outbox_id);
extern List *sender_claim(int max, int64 lease_ms);
extern bool sender_done(int64 outbox_id);
extern TimestampTz sender_failed(int64 outbox_id, const char *error);
extern int	sender_remind(int64 interrupt_id, const char *role);

extern void contact_set(const char *role, const char *address);

#endif							/* HITL_SENDER_H */
