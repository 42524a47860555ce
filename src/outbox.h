/*
 * outbox.h
 *    Messages to people are noted in the commit of their reason.
 *
 * Layer 3.
 */
#ifndef HITL_OUTBOX_H
#define HITL_OUTBOX_H

#include "types.h"

extern int	outbox_note(int64 interrupt_id, const char *kind, List *roles, const char *dedup);

#endif							/* HITL_OUTBOX_H */
