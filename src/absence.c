/*
 * absence.c
 *    Out of office: who decides in the place of a person who is away.
 *
 * An absence gives the substitute the seat of the person, with the person's
 * right and no more, for as long as it lasts: rights.c looks at the rows with
 * each vote.  It is said by the person, logged in: an application that speaks
 * for many could else hand the rights of each of them to anybody, and a policy
 * that wants votes of logins would not see it.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "absence.h"
#include "audit.h"
#include "clock.h"
#include "identity.h"
#include "json.h"
#include "miscadmin.h"
#include "rights.h"
#include "store_desk.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

/* Who is away is who has logged in, and not a function of somebody else's. */
static const HitlActor *
require_self(void)
{
	const HitlActor *actor = identity_actor();
	const char *detail = NULL;

	rights_require_person("say who is away");
	if (actor->is_asserted)
		detail = psprintf("Person \"%s\" is named by login \"%s\".", actor->person, actor->login);
	else if (!has_privs_of_role(GetUserId(), GetSessionUserId()))
		detail = psprintf("The session user is \"%s\", and the current user \"%s\" may not act as that role.", actor->login, actor->role);
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to say who is away"),
				 errdetail_internal("%s", detail),
				 errhint("Only the person says it, in a session of that login; RESET ROLE, if a role was set.")));
	return actor;
}

static void
refuse(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_internal("%s", message),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * hitl.out_of_office().  starts_at: DT_NOBEGIN from now on; ends_at: may be infinity.
 * Returns the absence's id.
 */
int64
absence_begin(TimestampTz starts_at, TimestampTz ends_at, const char *substitute)
{
	const HitlActor *actor = require_self();
	TimestampTz now = clock_now();
	HitlAbsence absence = {
		.person = actor->person,
		.substitute = substitute,
		.starts_at = starts_at == DT_NOBEGIN ? now : starts_at,
		.ends_at = ends_at
	};
	int64		absence_id;
	JsonBuilder detail;

	(void) identity_person_role(substitute);
	if (strcmp(substitute, actor->person) == 0)
		refuse("nobody is the own substitute",
			   psprintf("Both are \"%s\".", substitute), "Name somebody else.");
	if (absence.ends_at <= absence.starts_at || absence.ends_at <= now)
		refuse("an absence must end after it begins, and after now",
			   psprintf("It would end at %s.", timestamptz_to_str(ends_at)),
			   "SELECT hitl.out_of_office(until => now() + interval '14 days', substitute => '...');");

	absence_id = store_absence_insert(&absence, now);
	json_begin(&detail);
	json_add_int64(&detail, "absence_id", absence_id);
	json_add_string(&detail, "person", absence.person);
	json_add_string(&detail, "substitute", absence.substitute);
	json_add_time(&detail, "starts_at", absence.starts_at);
	json_add_time(&detail, "ends_at", absence.ends_at);
	audit_thread(HITL_NO_THREAD, "absent", json_end(&detail));
	return absence_id;
}

/* hitl.back(): what stands, now or later, is over.  Returns how many. */
int
absence_end(void)
{
	const HitlActor *actor = require_self();
	int			n = store_absence_revoke(actor->person, clock_now());
	JsonBuilder detail;

	if (n > 0)
	{
		json_begin(&detail);
		json_add_string(&detail, "person", actor->person);
		json_add_int64(&detail, "absences", n);
		audit_thread(HITL_NO_THREAD, "back", json_end(&detail));
	}
	return n;
}
