/*
 * sender.c
 *    Messages are handed to people, and marked; and where people are told.
 *
 * A sender (tools/hitl-sender) claims a message for a time, hands it over, and
 * says so; if it dies on the way, the time runs out and another takes it.  So a
 * message is handed over at least once, and by its message_id, which stays, a
 * receiver knows a repeat.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "errors.h"
#include "identity.h"
#include "json.h"
#include "mail.h"
#include "miscadmin.h"
#include "outbox.h"
#include "pending.h"
#include "rights.h"
#include "sender.h"
#include "store_interrupt.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* an attempt that fails is made again after 10 s, 20 s, ... up to an hour */
#define RETRY_FIRST_MS INT64CONST(10000)
#define RETRY_MAX_MS INT64CONST(3600000)
#define RETRY_DOUBLINGS 9

/* of what a sender says about a failure, so much is kept */
#define ERROR_MAX_CHARS 1000

/* A node that could mark messages as sent would keep people from hearing of it. */
static void
require_sender(void)
{
	rights_require_person("send messages");
}

static void
require_operator(const HitlInterrupt *interrupt, const char *what)
{
	if (rights_may(HITL_RIGHT_OPERATOR, interrupt->owner, interrupt->graph_id) ||
		rights_may(HITL_RIGHT_OPERATOR, InvalidOid, HITL_ALL_GRAPHS))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s interrupt %lld", what, (long long) interrupt->interrupt_id),
			 errdetail("Its graph belongs to role \"%s\".", rights_role_name(interrupt->owner)),
			 errhint("Act as its owner, as an operator (hitl.grant_operator), or as a superuser.")));
}

/* A message that the current user may send; an error if there is none. */
HitlMessage *
sender_require(int64 outbox_id)
{
	HitlMessage *message = store_outbox_find(outbox_id);
	HitlInterrupt *interrupt = message != NULL ? store_interrupt_find(message->interrupt_id) : NULL;

	if (interrupt == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("message %lld does not exist", (long long) outbox_id),
				 errdetail("No message of that id is in the outbox of this database."),
				 errhint("SELECT * FROM hitl.notifications;")));
	require_operator(interrupt, "send messages about");
	return message;
}

/*
 * Take up to max messages that are due, for so long.  What is of no use any
 * more is dropped on the way.
 */
List *
sender_claim(int max, int64 lease_ms)
{
	List	   *claimed = NIL;
	bool		is_owner;

	require_sender();
	if (max < 1 || lease_ms < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a claim of messages must have a number and a lease above zero"),
				 errdetail("The number is %d, the lease %lld ms.", max, (long long) lease_ms),
				 errhint("SELECT * FROM hitl.outbox_claim(10, '1 minute');")));
	is_owner = rights_may(HITL_RIGHT_OPERATOR, InvalidOid, HITL_ALL_GRAPHS);
	for (;;)
	{
		TimestampTz now = clock_now();
		List	   *messages = store_outbox_claim(GetUserId(), is_owner, max, now, now + lease_ms * 1000);
		ListCell   *cell;

		foreach(cell, messages)
			if (!((HitlMessage *) lfirst(cell))->is_dropped)
				claimed = lappend(claimed, lfirst(cell));
		/* none left for this time does not mean that none is due */
		if (claimed != NIL || messages == NIL)
			return claimed;
	}
}

/* It was handed over.  False: somebody had said so before. */
bool
sender_done(int64 outbox_id)
{
	HitlMessage *message;
	JsonBuilder detail;

	require_sender();
	message = sender_require(outbox_id);
	if (!store_outbox_sent(outbox_id, clock_now()))
		return false;
	json_begin(&detail);
	json_add_int64(&detail, "outbox_id", outbox_id);
	json_add_string(&detail, "kind", message->kind);
	json_add_string(&detail, "to", message->role);
	audit_interrupt(store_interrupt_find(message->interrupt_id), "notified", json_end(&detail));
	return true;
}

/* How long to wait after so many attempts that failed. */
static int64
retry_delay_ms(int attempts)
{
	return Min(RETRY_FIRST_MS << Min(Max(attempts - 1, 0), RETRY_DOUBLINGS), RETRY_MAX_MS);
}

/*
 * It could not be handed over, for this reason.  Returns when it is due again;
 * DT_NOBEGIN: it is not to be sent any more.
 */
TimestampTz
sender_failed(int64 outbox_id, const char *error)
{
	HitlMessage *message;
	TimestampTz due_at;

	require_sender();
	message = sender_require(outbox_id);
	due_at = clock_now() + retry_delay_ms(message->attempts) * 1000;
	return store_outbox_failed(outbox_id, mail_line(error, ERROR_MAX_CHARS), due_at) ? due_at : DT_NOBEGIN;
}

/*
 * Whom may the current user have told?  The message says what is to be decided,
 * and is written by who sends it, who may read more: so an operator who may not
 * read the question has it told to those only who may decide it.
 */
static void
require_addressee(const HitlInterrupt *interrupt, const char *role)
{
	Oid			oid = get_role_oid(role, false);
	ListCell   *cell;

	if (rights_may(HITL_RIGHT_AUDITOR, interrupt->owner, interrupt->graph_id))
		return;
	foreach(cell, store_audience(interrupt->interrupt_id))
		if (has_privs_of_role(oid, lfirst_oid(cell)))
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to remind role \"%s\" of interrupt %lld", role, (long long) interrupt->interrupt_id),
			 errdetail("That role may not decide it, and a message says what is to be decided, which you may not read."),
			 errhint("SELECT hitl.remind(%lld); tells who may decide it.", (long long) interrupt->interrupt_id)));
}

/*
 * hitl.remind(): tell them again.  role: whom; NULL: who may decide it.  Returns
 * to how many.
 */
int
sender_remind(int64 interrupt_id, const char *role)
{
	HitlInterrupt *interrupt = pending_get(interrupt_id);

	require_sender();
	require_operator(interrupt, "remind anybody of");
	if (role != NULL)
		(void) get_role_oid(role, false);
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	if (role != NULL)
		require_addressee(interrupt, role);
	/* each call is a reason of its own */
	return outbox_note(interrupt_id, "reminder", role != NULL ? list_make1((char *) role) : NIL,
					   psprintf("reminder %lld", (long long) clock_now()));
}

/* ---------------------------------------------------------------- contacts */

/*
 * Where a role is told; NULL: nowhere any more.  Messages say what is to be
 * decided, so a person alone says where they go; of a group not each of its
 * members, who could have the others not told, but who may let in and out.
 */
void
contact_set(const char *role, const char *address)
{
	Oid			oid = get_role_oid(role, false);
	const char *fault = address != NULL ? mail_address_fault(address) : NULL;

	rights_require_person("set contacts");
	if (!(oid == GetUserId() && identity_is_person(oid)) && !is_admin_of_role(GetUserId(), oid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the contact of role \"%s\"", role),
				 errdetail("A person says where that person is told, and of a group who has admin option on it."),
				 errhint("Of a person: in a session of that login. Of a group: GRANT %s TO ... WITH ADMIN OPTION;", quote_identifier(role))));
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this cannot be the address of role \"%s\"", role),
				 errdetail_internal("%s", fault),
				 errhint("SELECT hitl.set_contact('mia', 'mia@shop.example');")));
	if (address == NULL)
		(void) store_contact_delete(oid);
	else
		store_contact_set(oid, address, audit_session_user(), clock_now());
}
