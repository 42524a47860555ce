/*
 * show.c
 *    An interrupt with all that a person needs to decide it.
 *
 * Who is shown one, and which revision of it, is kept: that is when a
 * reviewer's work begins, and what a policy that hides the args from lists
 * counts on.  On a standby nothing can be kept, and such args stay hidden.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "ballot.h"
#include "checkpoint.h"
#include "clock.h"
#include "errors.h"
#include "graph.h"
#include "identity.h"
#include "inbox.h"
#include "json.h"
#include "names.h"
#include "pending.h"
#include "rights.h"
#include "show.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "store_thread.h"
#include "store_vote.h"
#include "tree.h"
#include "wording.h"

/* what is larger in the state is named, and to be had by get_state() */
#define MAX_EXCERPT_BYTES 2048

/*
 * May the session's person see this interrupt?  Who may decide it, who has
 * voted on it, who owns the graph or audits it.
 */
void
show_require_reader(const HitlInterrupt *interrupt)
{
	if (!rights_may_access(HITL_ACCESS_READ, interrupt->owner, interrupt->graph_id) && !inbox_admits(identity_viewer(), interrupt) &&
		!store_has_voted(interrupt->interrupt_id, identity_viewer()->person))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not see interrupt %lld", (long long) interrupt->interrupt_id),
				 errdetail("You may not decide it, and you have not voted on it."),
				 errhint("SELECT * FROM hitl.inbox; shows what you may decide.")));
}

static void
add_time(JsonBuilder *b, const char *key, TimestampTz at)
{
	if (at != DT_NOBEGIN)
		json_add_time(b, key, at);
}

static void
add_string(JsonBuilder *b, const char *key, const char *value)
{
	if (value != NULL)
		json_add_string(b, key, value);
}

static Jsonb *
allowed_document(HitlDecisionSet allowed)
{
	List	   *types = NIL;

	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (allowed & HITL_DECISION_BIT(i))
			types = lappend(types, pstrdup(name_decision_type((HitlDecisionType) i)));
	return json_string_list(types);
}

/* The votes, in order; is_current: on the revision that stands. */
static Jsonb *
votes_document(const HitlInterrupt *interrupt, List *votes)
{
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, votes)
	{
		const HitlVote *vote = lfirst(cell);
		JsonBuilder b;

		json_begin(&b);
		json_add_string(&b, "voter", vote->voter);
		add_string(&b, "in_place_of", vote->on_behalf_of);
		if (vote->is_asserted)
			json_add_string(&b, "asserted_by", vote->login);
		json_add_jsonb(&b, "answer", vote->answer);
		if (vote->is_withdrawal)
			json_add_bool(&b, "withdrawn", true);
		add_string(&b, "comment", vote->comment);
		json_add_int64(&b, "revision", vote->revision);
		json_add_bool(&b, "is_current", vote->revision == interrupt->revision);
		json_add_time(&b, "voted_at", vote->voted_at);
		documents = lappend(documents, json_end(&b));
	}
	return json_list(documents);
}

static Jsonb *
comments_document(int64 interrupt_id)
{
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, store_comments(interrupt_id))
	{
		const HitlComment *comment = lfirst(cell);
		JsonBuilder b;

		json_begin(&b);
		json_add_string(&b, "kind", comment->kind);
		json_add_string(&b, "person", comment->person);
		json_add_string(&b, "text", comment->text);
		json_add_time(&b, "at", comment->commented_at);
		documents = lappend(documents, json_end(&b));
	}
	return json_list(documents);
}

/* Earlier rounds of the question, oldest first: what was asked and answered. */
static Jsonb *
history_document(int64 interrupt_id)
{
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, store_interrupt_rounds(interrupt_id))
	{
		const HitlInterrupt *round = lfirst(cell);
		JsonBuilder b;

		json_begin(&b);
		json_add_int64(&b, "interrupt_id", round->interrupt_id);
		json_add_string(&b, "status", name_interrupt_status(round->status));
		add_string(&b, "action", round->question.action);
		if (round->question.args != NULL)
			json_add_jsonb(&b, "args", round->question.args);
		if (round->decision != NULL)
			json_add_jsonb(&b, "decision", round->decision);
		add_string(&b, "settled_by", round->settled_by);
		add_time(&b, "settled_at", round->settled_at);
		documents = lappend(documents, json_end(&b));
	}
	return json_list(documents);
}

static Jsonb *
delegations_document(int64 interrupt_id)
{
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, store_delegations(interrupt_id))
	{
		const HitlDelegation *delegation = lfirst(cell);
		JsonBuilder b;

		json_begin(&b);
		json_add_string(&b, "delegator", delegation->delegator);
		json_add_string(&b, "role", rights_role_name(delegation->role));
		documents = lappend(documents, json_end(&b));
	}
	return json_list(documents);
}

/* The channels of the state that are small; *left_out: the names of the others. */
static Jsonb *
state_excerpt(const HitlThread *thread, List **left_out)
{
	Jsonb	   *state = checkpoint_state(thread->thread_id, thread->checkpoint);
	ListCell   *cell;
	JsonBuilder b;

	json_begin(&b);
	foreach(cell, json_keys(state))
	{
		Jsonb	   *value = json_get(state, lfirst(cell));

		if (VARSIZE_ANY(value) <= MAX_EXCERPT_BYTES)
			json_add_jsonb(&b, lfirst(cell), value);
		else
			*left_out = lappend(*left_out, lfirst(cell));
	}
	return json_end(&b);
}

/* Where it comes from; the state only for who may see the thread. */
static Jsonb *
thread_document(const HitlInterrupt *interrupt)
{
	HitlThread *thread = store_thread_find(interrupt->thread_id);
	List	   *left_out = NIL;
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "thread_id", interrupt->thread_id);
	if (thread != NULL)
	{
		json_add_int64(&b, "root_id", thread->root_id);
		json_add_string(&b, "status", name_thread_status(tree_status(thread)));
		json_add_int64(&b, "version", thread->version);
		if (rights_may_access(HITL_ACCESS_READ, thread->owner, thread->graph_id))
		{
			json_add_jsonb(&b, "state", state_excerpt(thread, &left_out));
			if (left_out != NIL)
				json_add_jsonb(&b, "left_out", json_string_list(left_out));
		}
	}
	return json_end(&b);
}

/* What the votes of this revision are for: the proposal, and what it changes. */
static void
add_proposal(JsonBuilder *b, const HitlInterrupt *interrupt)
{
	Jsonb	   *edits;

	if (interrupt->proposal == NULL)
		return;
	json_add_jsonb(b, "proposal", interrupt->proposal);
	json_add_string(b, "proposed_by", interrupt->proposed_by);
	edits = json_get(interrupt->proposal, "edits");
	if (edits != NULL && json_is_object(edits) &&
		interrupt->question.args != NULL && json_is_object(interrupt->question.args))
		json_add_jsonb(b, "diff", json_changes(interrupt->question.args, json_merge(interrupt->question.args, edits)));
}

/* Under which policy, in words, and how far the votes are. */
static void
add_policy(JsonBuilder *b, const HitlInterrupt *interrupt)
{
	const HitlPolicy *policy = ballot_policy(interrupt);
	JsonBuilder document;
	HitlTally	tally;

	if (policy != NULL)
	{
		json_begin(&document);
		json_add_string(&document, "name", policy->name);
		json_add_int64(&document, "version", policy->version);
		add_string(&document, "rule", interrupt->rule);
		json_add_jsonb(&document, "words", json_string_list(wording_policy(policy)));
		json_add_jsonb(b, "policy", json_end(&document));
	}
	if (interrupt->status != HITL_INTERRUPT_PENDING)
		return;
	tally = ballot_count(interrupt);
	json_begin(&document);
	json_add_int64(&document, "votes", tally.votes);
	json_add_int64(&document, "needed", tally.needed);
	json_add_jsonb(&document, "missing", json_string_list(tally.missing));
	json_add_jsonb(b, "tally", json_end(&document));
}

static Jsonb *
document(const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	TimestampTz now = clock_now();
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "interrupt_id", interrupt->interrupt_id);
	json_add_string(&b, "status", name_interrupt_status(interrupt->status));
	json_add_string(&b, "graph", store_graph_name(interrupt->graph_id));
	json_add_string(&b, "node", interrupt->node);
	json_add_int64(&b, "step", interrupt->step);
	json_add_string(&b, "key", question->key);
	add_string(&b, "action", question->action);
	if (question->args != NULL)
		json_add_jsonb(&b, "args", question->args);
	add_string(&b, "description", question->description);
	if (question->payload != NULL)
		json_add_jsonb(&b, "payload", question->payload);
	json_add_jsonb(&b, "allowed", allowed_document(question->allowed));
	json_add_int64(&b, "revision", interrupt->revision);
	add_string(&b, "content_hash", interrupt->content_hash);
	add_proposal(&b, interrupt);
	json_add_int64(&b, "priority", interrupt->priority);
	json_add_time(&b, "opened_at", interrupt->opened_at);
	add_time(&b, "due_at", interrupt->due_at);
	add_time(&b, "expires_at", interrupt->expires_at);
	if (interrupt->status == HITL_INTERRUPT_PENDING)
	{
		json_add_bool(&b, "is_overdue", interrupt->due_at != DT_NOBEGIN && interrupt->due_at <= now);
		if (rights_is_held(interrupt, ballot_policy(interrupt), now))
		{
			json_add_string(&b, "claimed_by", interrupt->claimed_by);
			json_add_time(&b, "claimed_until", interrupt->claimed_until);
		}
	}
	if (interrupt->decision != NULL)
		json_add_jsonb(&b, "decision", interrupt->decision);
	add_string(&b, "settled_by", interrupt->settled_by);
	add_time(&b, "settled_at", interrupt->settled_at);
	add_policy(&b, interrupt);
	json_add_jsonb(&b, "votes", votes_document(interrupt, store_votes(interrupt->interrupt_id)));
	json_add_jsonb(&b, "delegations", delegations_document(interrupt->interrupt_id));
	json_add_jsonb(&b, "comments", comments_document(interrupt->interrupt_id));
	json_add_jsonb(&b, "history", history_document(interrupt->interrupt_id));
	json_add_jsonb(&b, "thread", thread_document(interrupt));
	return json_end(&b);
}

/* That this person was shown this revision: once in the trail, at the first time. */
static void
note_view(const HitlInterrupt *interrupt)
{
	JsonBuilder detail;

	if (!store_viewed_insert(interrupt->interrupt_id, identity_actor()->person, interrupt->revision, clock_now()))
		return;
	json_begin(&detail);
	json_add_int64(&detail, "revision", interrupt->revision);
	audit_interrupt(interrupt, "viewed", json_end(&detail));
}

/*
 * What a transaction notes it may take back by a rollback, and has looked all
 * the same: where the policy wants it kept, the server's log keeps it.
 */
static void
log_view(const HitlInterrupt *interrupt)
{
	const HitlPolicy *policy = ballot_policy(interrupt);

	if (policy != NULL && policy->hides_args)
		ereport(LOG,
				(errmsg("hitl shows args that are hidden to \"%s\"", identity_actor()->person),
				 errdetail("They are those of interrupt %lld.", (long long) interrupt->interrupt_id),
				 errhidestmt(true)));
}

/* Where it cannot be kept that somebody looked: may it be shown all the same? */
static void
require_no_secret(const HitlInterrupt *interrupt)
{
	const HitlPolicy *policy = ballot_policy(interrupt);

	if (policy != NULL && policy->hides_args)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot show interrupt %lld in a read-only transaction", (long long) interrupt->interrupt_id),
				 errdetail("Its policy \"%s\" hides the args from lists, and wants it kept who has looked at them.", policy->name),
				 errhint("Look on the primary, in a transaction that may write.")));
}

/* An interrupt to be shown to the session's person, in whatever shape. */
HitlInterrupt *
show_row(int64 interrupt_id)
{
	HitlInterrupt *interrupt;

	rights_require_person("look at interrupts");
	interrupt = pending_get(interrupt_id);
	show_require_reader(interrupt);
	if (!XactReadOnly)
	{
		note_view(interrupt);
		log_view(interrupt);
	}
	else
		require_no_secret(interrupt);
	return interrupt;
}

/* hitl.show(): as jsonb. */
Jsonb *
show_interrupt(int64 interrupt_id)
{
	return document(show_row(interrupt_id));
}
