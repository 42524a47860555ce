/*
 * outcome.c
 *    How it turned out in the end what a thread did.
 *
 * Nothing here moves a thread: it is what somebody found out, a day or a month
 * later, and what the error rates of people and rules are made of.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "identity.h"
#include "json.h"
#include "lifecycle.h"
#include "names.h"
#include "outcome.h"
#include "rights.h"
#include "store_outcome.h"
#include "thread.h"
#include "tree.h"

/* outcome: ok or error; note: may be NULL. */
void
outcome_report(int64 thread_id, const char *outcome, const char *note)
{
	HitlThread *thread;
	JsonBuilder detail;

	/* an agent does not mark its own work */
	rights_require_person("report outcomes");
	thread = thread_require_for(thread_id, HITL_ACCESS_OPERATE);
	if (strcmp(outcome, "ok") != 0 && strcmp(outcome, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such outcome of a thread"),
				 errdetail("It is ok or error; all else is said in the note."),
				 errhint("SELECT hitl.report_outcome(%lld, 'error', 'the refund was not due');", (long long) thread_id)));
	if (!lifecycle_thread_has_ended(thread->status))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("thread %lld has no outcome yet", (long long) thread_id),
				 errdetail("It is %s.", name_thread_status(tree_status(thread))),
				 errhint("SELECT * FROM hitl.why(%lld);", (long long) thread_id)));
	store_outcome_insert(thread_id, outcome, note, identity_actor()->person, clock_now());
	json_begin(&detail);
	json_add_string(&detail, "outcome", outcome);
	audit_thread(thread_id, "outcome", json_end(&detail));
}
