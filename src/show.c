/*
 * show.c
 *    An interrupt with all that a person needs to decide it.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "errors.h"
#include "identity.h"
#include "inbox.h"
#include "rights.h"
#include "show.h"
#include "store_desk.h"

/*
 * May the session's person see this interrupt?  Who may decide it, who has
 * voted on it, and who owns the graph.
 */
void
show_require_reader(const HitlInterrupt *interrupt)
{
	if (!rights_is_owner(interrupt->owner) && !inbox_admits(interrupt) &&
		!store_has_voted(interrupt->interrupt_id, identity_actor()->person))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not see interrupt %lld", (long long) interrupt->interrupt_id),
				 errdetail("You may not decide it, and you have not voted on it."),
				 errhint("SELECT * FROM hitl.inbox; shows what you may decide.")));
}
