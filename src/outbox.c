/*
 * outbox.c
 *    Messages to people are noted in the commit of their reason.
 *
 * A NOTIFY is a hint and may be missed.  A message is a row, so it is there if
 * and only if its reason is.  sender.c hands it on.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "clock.h"
#include "outbox.h"
#include "store_outbox.h"

/*
 * Tell these roles (names, as C strings; NIL: the interrupt's audience, so call
 * it while that is there) about an interrupt.  kind: opened, reminder, warning,
 * expired or the like, which the message says.  dedup names the reason within
 * the interrupt, such as "ladder 2.1"; NULL: there is one of that kind.  The
 * same reason noted twice is one message.  Returns how many there are to send
 * that were not noted before.
 */
int
outbox_note(int64 interrupt_id, const char *kind, List *roles, const char *dedup)
{
	return store_outbox_insert(interrupt_id, kind, roles, dedup != NULL ? dedup : kind, clock_now());
}
