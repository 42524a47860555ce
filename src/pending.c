/*
 * pending.c
 *    An interrupt that people want to do something with: find it, lock it, say
 *    that it is settled.
 *
 * Layer 3.  Lock order: interrupts by id, then threads.
 */
#include "postgres.h"

#include "errors.h"
#include "json.h"
#include "pending.h"
#include "store_interrupt.h"
#include "utils/timestamp.h"

static void
error_unknown(int64 interrupt_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("interrupt %lld does not exist", (long long) interrupt_id),
			 errdetail("No interrupt of that id was opened in this database."),
			 errhint("SELECT * FROM hitl.pending;")));
}

/* The one message for an interrupt that takes no answer any more. */
void
pending_error_settled(const HitlInterrupt *interrupt)
{
	const char *at = pstrdup(timestamptz_to_str(interrupt->settled_at));
	const char *by = interrupt->settled_by != NULL ? interrupt->settled_by : "(nobody)";
	char	   *detail = NULL;
	char	   *hint = psprintf("SELECT * FROM hitl.decided WHERE interrupt_id = %lld;",
								(long long) interrupt->interrupt_id);

	switch (interrupt->status)
	{
		case HITL_INTERRUPT_DECIDED:
			detail = psprintf("It was decided by \"%s\" at %s: %s.", by, at,
							  json_get_string(interrupt->decision, "type"));
			break;
		case HITL_INTERRUPT_EXPIRED:
			detail = psprintf("It expired at %s: %s.", at, json_get_string(interrupt->decision, "type"));
			break;
		case HITL_INTERRUPT_CANCELLED:
			detail = psprintf("It was cancelled with its thread by \"%s\" at %s.", by, at);
			hint = psprintf("SELECT * FROM hitl.threads WHERE thread_id = %lld;",
							(long long) interrupt->thread_id);
			break;
		case HITL_INTERRUPT_SUPERSEDED:
			if (interrupt->decision == NULL)
			{
				detail = psprintf("It was superseded without an answer by \"%s\" at %s, who sent the thread elsewhere.", by, at);
				hint = psprintf("SELECT * FROM hitl.timeline WHERE thread_id = %lld;",
								(long long) interrupt->thread_id);
				break;
			}
			detail = psprintf("It was decided by \"%s\" at %s, and then superseded: the node asked something else, the thread was sent elsewhere, or it was reopened.", by, at);
			hint = psprintf("SELECT * FROM hitl.pending WHERE %lld IN (supersedes, reopens);",
							(long long) interrupt->interrupt_id);
			break;
		case HITL_INTERRUPT_PENDING:
			Assert(false);
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_HITL_SETTLED),
			 errmsg("interrupt %lld is already settled", (long long) interrupt->interrupt_id),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/* The interrupt of that id, in whatever state, or an error. */
HitlInterrupt *
pending_get(int64 interrupt_id)
{
	HitlInterrupt *interrupt = store_interrupt_find(interrupt_id);

	if (interrupt == NULL)
		error_unknown(interrupt_id);
	return interrupt;
}

/* The same, locked: as it is once who held it has committed. */
HitlInterrupt *
pending_lock(int64 interrupt_id)
{
	HitlInterrupt *interrupt = store_interrupt_lock(interrupt_id);

	if (interrupt == NULL)
		error_unknown(interrupt_id);
	return interrupt;
}
