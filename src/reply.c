/*
 * reply.c
 *    Take an answer as it comes: in any shape, or action by action.
 *
 * A batch may take a person a while.  What is decided of it so far is kept as
 * drafts, a row per person and action, and counts for nothing until the last
 * one is there: then all of them are that person's answer.  A draft is for the
 * revision that its writer has seen; once there is another, it no longer counts.
 *
 * Layer 3.  Lock order: the interrupt.
 */
#include "postgres.h"

#include "answer.h"
#include "ballot.h"
#include "clock.h"
#include "desk.h"
#include "edit.h"
#include "identity.h"
#include "opening.h"
#include "pending.h"
#include "reply.h"
#include "rights.h"
#include "shape.h"
#include "store_draft.h"

/*
 * Answer an interrupt, in whatever shape (shape.c); one that is no answer puts
 * it back.  comment, idempotency_key and seen may be NULL.
 */
HitlVerdict
reply_record(int64 interrupt_id, Jsonb *given, const char *comment,
			 const char *idempotency_key, const char *seen)
{
	HitlInterrupt *interrupt = pending_get(interrupt_id);
	HitlAnswer *answer;

	/* the right first: what a shape does not fit says something of the question */
	if (!decision_is_keyed(interrupt_id, idempotency_key))
		(void) rights_require_voter(interrupt, ballot_policy(interrupt));
	answer = shape_parse(given, interrupt);
	if (answer == NULL)
	{
		desk_dismiss(interrupt_id, comment);
		return decision_standing(interrupt_id);
	}
	return decision_record(interrupt_id, answer, comment != NULL ? comment : answer->note, idempotency_key, seen);
}

/* The n-th action of a batch, counted from 1. */
static HitlQuestion *
require_action(const HitlInterrupt *interrupt, List *actions, int n)
{
	if (actions == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interrupt %lld is no batch", (long long) interrupt->interrupt_id),
				 errdetail("It asks about one thing, of which there is no part to draft."),
				 errhint("SELECT hitl.decide(%lld, ...);", (long long) interrupt->interrupt_id)));
	if (n < 1 || n > list_length(actions))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interrupt %lld has no action %d", (long long) interrupt->interrupt_id, n),
				 errdetail("It has actions 1 to %d.", list_length(actions)),
				 errhint("SELECT hitl.show(%lld);", (long long) interrupt->interrupt_id)));
	return list_nth(actions, n - 1);
}

/*
 * Keep what a person would decide of one action of a batch, in the place of what
 * was kept before; if that is the last one, decide.  A draft is judged as a
 * decision is, so that the last one does not fail for the first.
 */
HitlDraftVerdict
reply_draft(int64 interrupt_id, int action_no, Jsonb *given)
{
	const char *person = identity_actor()->person;
	HitlInterrupt *interrupt = pending_get(interrupt_id);
	const HitlPolicy *policy = ballot_policy(interrupt);
	HitlDraftVerdict result;
	List	   *actions;
	List	   *drafts;
	List	   *answers = NIL;
	HitlQuestion *action;
	HitlAnswer *answer;
	ListCell   *cell;

	(void) rights_require_voter(interrupt, policy);
	interrupt = pending_lock(interrupt_id);
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		pending_error_settled(interrupt);
	actions = question_actions(&interrupt->question);
	action = require_action(interrupt, actions, action_no);
	answer = shape_parse_action(given, interrupt, action);
	answer_check_action(answer, action, interrupt_id, action_no);
	decision_check_reason(interrupt, policy, answer, NULL);
	edit_check_action(policy, interrupt, action, answer, action_no);
	opening_check_edited(interrupt, action, answer);

	store_draft_put(interrupt_id, person, action_no, interrupt->revision, answer_document(answer), clock_now());
	drafts = store_drafts(interrupt_id, person, interrupt->revision);
	result.n_actions = list_length(actions);
	result.n_drafts = list_length(drafts);
	if (result.n_drafts < result.n_actions)
	{
		result.verdict = decision_standing(interrupt_id);
		return result;
	}
	foreach(cell, drafts)
		answers = lappend(answers, answer_parse(lfirst(cell)));
	result.n_drafts = 0;
	(void) store_draft_delete(interrupt_id, person, 0);
	result.verdict = decision_record(interrupt_id, answer_of_decisions(answers), NULL, NULL,
									 psprintf("%d", interrupt->revision));
	return result;
}

/*
 * Forget what the person has drafted; action_no: 0 for all.  Returns how many.
 * The rows are the person's own: no lock, which would hold up who decides.
 */
int
reply_undraft(int64 interrupt_id, int action_no)
{
	rights_require_person("change drafts");
	return store_draft_delete(interrupt_id, identity_actor()->person, action_no);
}
