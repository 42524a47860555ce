/*
 * render.c
 *    A question as a text for a person: what is to be decided, and how to answer.
 *
 * The answers are whole statements, bound by seen to what stands above them: who
 * reads this mail, and decides after the question was edited, is told so.  What
 * comes from the node is marked, line by line, so that an agent that was talked
 * into something can write nothing that looks like ours (see mail.c).
 *
 * Layer 3.  Nothing here changes a row.
 */
#include "postgres.h"

#include "ballot.h"
#include "errors.h"
#include "identity.h"
#include "inbox.h"
#include "json.h"
#include "lib/stringinfo.h"
#include "mail.h"
#include "names.h"
#include "pending.h"
#include "question.h"
#include "render.h"
#include "rights.h"
#include "rulebook.h"
#include "sender.h"
#include "show.h"
#include "store_graph.h"
#include "store_interrupt.h"
#include "store_desk.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* how node's text is marked */
#define QUOTE "  | "

/* of the action, so much stands in a subject */
#define SUBJECT_MAX_CHARS 60

/* args longer than this are not repeated in the statement that edits them */
#define EDITS_MAX 120

/* how much of the question a message says */
typedef enum Content
{
	CONTENT_ALL,
	CONTENT_NO_ARGS,			/* the policy hides them: no more than a list says */
	CONTENT_NONE				/* who sends it may not read it */
} Content;

/* what a message says of its reason */
typedef struct KindWords
{
	const char *kind;
	const char *subject;
	const char *sentence;
} KindWords;

static const KindWords kinds[] = {
	{"opened", "to decide", "waits for a decision"},
	{"reopened", "to decide again", "was reopened and waits for a decision"},
	{"reminder", "still to decide", "still waits for a decision"},
	{"warning", "expires soon", "expires soon"},
	{"overdue", "overdue", "is overdue"},
	{"escalated", "escalated", "has been escalated to you"},
	{"assigned", "assigned to you", "was assigned to you"},
	{"delegated", "delegated to you", "was delegated to you"},
	{"expired", "expired", "has expired"},
	{"settled", "settled", "is settled"},
};

/* Of a question that is settled there is nothing to be done, whatever was the reason. */
static const char *
kind_of(const HitlInterrupt *interrupt, const char *kind)
{
	if (interrupt->status == HITL_INTERRUPT_PENDING)
		return kind;
	return interrupt->status == HITL_INTERRUPT_EXPIRED ? "expired" : "settled";
}

static const KindWords *
words_of(const char *kind)
{
	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

static void
add_fact(StringInfo text, const char *name, const char *value)
{
	if (value != NULL)
		appendStringInfo(text, "%-10s %s\n", name, mail_line(value, 0));
}

static void
add_time(StringInfo text, const char *name, TimestampTz at)
{
	if (at != DT_NOBEGIN)
		add_fact(text, name, timestamptz_to_str(at));
}

/* A value as the node gave it: an object a key a line, each marked. */
static void
add_json(StringInfo text, const char *name, Jsonb *json)
{
	ListCell   *cell;

	appendStringInfo(text, "\n%s\n", name);
	if (!json_is_object(json))
	{
		appendStringInfoString(text, mail_quote(JsonbToCString(NULL, &json->root, VARSIZE(json)), QUOTE));
		return;
	}
	foreach(cell, json_keys(json))
	{
		Jsonb	   *value = json_get(json, lfirst(cell));

		appendStringInfo(text, QUOTE "%s: %s\n", mail_line(lfirst(cell), 0),
						 mail_line(JsonbToCString(NULL, &value->root, VARSIZE(value)), 0));
	}
}

/*
 * ", seen => '...'": what the answers are bound to.  From the hash of args that
 * are not shown they could be guessed: there it is the revision.
 */
static const char *
seen_argument(const HitlInterrupt *interrupt, Content content)
{
	if (content == CONTENT_ALL && interrupt->content_hash != NULL)
		return psprintf(", seen => '%s'", interrupt->content_hash);
	return psprintf(", seen => '%d'", interrupt->revision);
}

/* Of the args, what the policy lets be edited. */
static Jsonb *
editable_args(const HitlInterrupt *interrupt)
{
	const HitlPolicy *policy = ballot_policy(interrupt);
	Jsonb	   *args = interrupt->question.args;
	ListCell   *cell;

	if (policy == NULL || !policy->is_edit_limited)
		return args;
	foreach(cell, json_keys(args))
	{
		ListCell   *key;
		bool		is_editable = false;

		foreach(key, policy->editable)
			is_editable |= strcmp(lfirst(key), lfirst(cell)) == 0;
		if (!is_editable)
			args = json_delete(args, lfirst(cell));
	}
	return args;
}

/* The edits to begin with: the args as they are, where they are short and shown. */
static char *
edits_literal(const HitlInterrupt *interrupt, Content content)
{
	Jsonb	   *args = interrupt->question.args;
	char	   *json;

	if (content != CONTENT_ALL || args == NULL || !json_is_object(args))
		return "'{\"key\": \"value\"}'";
	args = editable_args(interrupt);
	json = JsonbToCString(NULL, &args->root, VARSIZE(args));
	if (strlen(json) > EDITS_MAX || strcmp(json, mail_line(json, 0)) != 0)
		return "'{\"key\": \"value\"}'";
	return quote_literal_cstr(json);
}

/* A decision on one action of a batch, to begin with. */
static const char *
decision_literal(const HitlQuestion *action)
{
	if (action->allowed & HITL_DECISION_BIT(HITL_DECISION_APPROVE))
		return "{\"type\": \"approve\"}";
	if (action->allowed & HITL_DECISION_BIT(HITL_DECISION_REJECT))
		return "{\"type\": \"reject\", \"reason\": \"the reason\"}";
	if (action->allowed & HITL_DECISION_BIT(HITL_DECISION_RESPOND))
		return "{\"type\": \"respond\", \"response\": \"the response\"}";
	return "{\"type\": \"edit\", \"edits\": {\"key\": \"value\"}}";
}

/* Of all actions of a batch approve and reject can be said; else each has its own. */
static void
add_batch_answers(StringInfo text, const HitlInterrupt *interrupt, List *actions, const char *seen)
{
	long long	id = interrupt->interrupt_id;
	HitlDecisionSet allowed = HITL_DECISION_ALL;
	ListCell   *cell;

	foreach(cell, actions)
		allowed &= ((HitlQuestion *) lfirst(cell))->allowed;
	if (allowed & HITL_DECISION_BIT(HITL_DECISION_APPROVE))
		appendStringInfo(text, "  SELECT hitl.approve(%lld%s);\n", id, seen);
	if (allowed & HITL_DECISION_BIT(HITL_DECISION_REJECT))
		appendStringInfo(text, "  SELECT hitl.reject(%lld, 'the reason'%s);\n", id, seen);
	appendStringInfo(text, "  SELECT hitl.decide(%lld, '{\"decisions\": [", id);
	foreach(cell, actions)
		appendStringInfo(text, "%s%s", cell == list_head(actions) ? "" : ", ", decision_literal(lfirst(cell)));
	appendStringInfo(text, "]}'%s);\n", seen);
}

static void
add_answers(StringInfo text, const HitlInterrupt *interrupt, Content content)
{
	long long	id = interrupt->interrupt_id;
	const char *seen = seen_argument(interrupt, content);
	HitlDecisionSet allowed = interrupt->question.allowed;
	List	   *actions = question_actions(&interrupt->question);

	appendStringInfoString(text, "\nTo answer, one of:\n\n");
	if (actions != NIL)
	{
		add_batch_answers(text, interrupt, actions, seen);
		return;
	}
	if (allowed & HITL_DECISION_BIT(HITL_DECISION_APPROVE))
		appendStringInfo(text, "  SELECT hitl.approve(%lld%s);\n", id, seen);
	if ((allowed & HITL_DECISION_BIT(HITL_DECISION_EDIT)) && interrupt->question.args != NULL)
		appendStringInfo(text, "  SELECT hitl.edit(%lld, %s%s);\n", id, edits_literal(interrupt, content), seen);
	if (allowed & HITL_DECISION_BIT(HITL_DECISION_REJECT))
		appendStringInfo(text, "  SELECT hitl.reject(%lld, 'the reason'%s);\n", id, seen);
	if (allowed & HITL_DECISION_BIT(HITL_DECISION_RESPOND))
		appendStringInfo(text, "  SELECT hitl.respond(%lld, text => 'the response'%s);\n", id, seen);
}

static void
add_settled(StringInfo text, const HitlInterrupt *interrupt)
{
	char	   *type = interrupt->decision != NULL ? json_get_string(interrupt->decision, "type") : NULL;

	appendStringInfo(text, "\nIt takes no answer any more: %s", name_interrupt_status(interrupt->status));
	if (interrupt->settled_at != DT_NOBEGIN)
		appendStringInfo(text, " at %s", timestamptz_to_str(interrupt->settled_at));
	if (interrupt->settled_by != NULL)
		appendStringInfo(text, " by %s", mail_line(interrupt->settled_by, 0));
	if (type != NULL)
		appendStringInfo(text, ", %s", type);
	appendStringInfoString(text, ".\n");
}

/* "1 of 2, missing: 1 of legal" */
static char *
votes_sentence(const HitlInterrupt *interrupt)
{
	HitlTally	tally = ballot_count(interrupt);
	StringInfoData sentence;
	ListCell   *cell;

	initStringInfo(&sentence);
	appendStringInfo(&sentence, "%d of %d", tally.votes, tally.needed);
	foreach(cell, tally.missing)
		appendStringInfo(&sentence, "%s%s", cell == list_head(tally.missing) ? ", missing: " : ", ", (char *) lfirst(cell));
	return sentence.data;
}

/* What the node says of an action.  which: " 2 of 3" in a batch. */
static void
add_action(StringInfo text, const HitlQuestion *question, const char *which, Content content)
{
	if (question->action != NULL && content != CONTENT_NONE)
		appendStringInfo(text, "\nAction%s\n%s", which, mail_quote(mail_line(question->action, 0), QUOTE));
	if (question->description != NULL && content == CONTENT_ALL)
		appendStringInfo(text, "\nDescription%s\n%s", which, mail_quote(question->description, QUOTE));
	if (question->args != NULL && content == CONTENT_ALL)
		add_json(text, psprintf("Args%s", which), question->args);
}

static void
add_question(StringInfo text, const HitlQuestion *question, Content content)
{
	List	   *actions = question_actions(question);
	ListCell   *cell;

	if (actions != NIL && question->description != NULL && content == CONTENT_ALL)
		appendStringInfo(text, "\nDescription\n%s", mail_quote(question->description, QUOTE));
	foreach(cell, actions)
		add_action(text, lfirst(cell), psprintf(" %d of %d", foreach_current_index(cell) + 1, list_length(actions)), content);
	if (actions != NIL)
		return;
	add_action(text, question, "", content);
	if (content == CONTENT_ALL && question->args == NULL && question->action == NULL && question->payload != NULL)
		add_json(text, "Question", question->payload);
}

static char *
render_text(const HitlInterrupt *interrupt, const char *kind, Content content)
{
	const KindWords *words = words_of(kind);
	bool		is_pending = interrupt->status == HITL_INTERRUPT_PENDING;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Interrupt %lld %s.\n\n", (long long) interrupt->interrupt_id,
					 words != NULL ? words->sentence : psprintf("(%s)", mail_line(kind, 0)));
	add_fact(&text, "Graph", store_graph_name(interrupt->graph_id));
	add_fact(&text, "Node", interrupt->node);
	add_fact(&text, "Thread", psprintf("%lld, step %d", (long long) interrupt->thread_id, interrupt->step));
	if (interrupt->policy_id != 0)
		add_fact(&text, "Policy", rulebook_policy(interrupt->policy_id, interrupt->policy_version)->name);
	add_time(&text, "Opened", interrupt->opened_at);
	add_time(&text, "Due", interrupt->due_at);
	add_time(&text, "Expires", interrupt->expires_at);
	if (interrupt->reopens != 0)
		add_fact(&text, "Reopens", psprintf("interrupt %lld, see hitl.show(%lld)", (long long) interrupt->reopens,
											(long long) interrupt->interrupt_id));
	if (interrupt->revision > 1)
		add_fact(&text, "Revision", psprintf("%d, proposed by %s", interrupt->revision,
											 interrupt->proposed_by != NULL ? interrupt->proposed_by : "(nobody)"));

	if (is_pending && interrupt->policy_id != 0)
		add_fact(&text, "Votes", votes_sentence(interrupt));

	add_question(&text, &interrupt->question, content);
	if (content == CONTENT_ALL && interrupt->proposal != NULL)
		add_json(&text, "Proposed answer", interrupt->proposal);
	if (content != CONTENT_ALL)
		appendStringInfo(&text, "\nWhat it is about is shown by\n\n  SELECT hitl.show(%lld);\n", (long long) interrupt->interrupt_id);

	if (is_pending)
		add_answers(&text, interrupt, content);
	else
		add_settled(&text, interrupt);
	return text.data;
}

/* --------------------------------------------------------------------- mail */

static char *
recipients(const HitlMessage *message)
{
	StringInfoData to;
	char	   *rest;

	/* the standard's way to name nobody */
	if (message == NULL || message->address == NULL)
		return "undisclosed-recipients:;";
	initStringInfo(&to);
	rest = pstrdup(message->address);
	while (rest != NULL)
	{
		char	   *address = strsep(&rest, ",");

		while (*address == ' ')
			address++;
		if (!mail_is_mailbox(address))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the contact of role \"%s\" is no mail address", message->role),
					 errdetail("A mail goes to an address such as mia@shop.example."),
					 errhint("SELECT hitl.set_contact(%s, 'mia@shop.example');", quote_literal_cstr(message->role))));
		appendStringInfo(&to, "%s<%s>", to.len > 0 ? ",\n " : "", address);
	}
	return to.data;
}

static char *
render_email(const HitlInterrupt *interrupt, const HitlMessage *message, const char *kind, Content content)
{
	const KindWords *words = words_of(kind);
	const char *action = content != CONTENT_NONE ? interrupt->question.action : NULL;
	char	   *subject;
	StringInfoData mail;

	subject = psprintf("[hitl] %s: %s (interrupt %lld)", words != NULL ? words->subject : kind,
					   mail_line(action != NULL ? action : interrupt->node, SUBJECT_MAX_CHARS),
					   (long long) interrupt->interrupt_id);
	initStringInfo(&mail);
	appendStringInfo(&mail, "To: %s\n", recipients(message));
	appendStringInfoString(&mail, mail_header("Subject", subject));
	appendStringInfo(&mail, "Date: %s\n", mail_date(message != NULL ? message->created_at : interrupt->opened_at));
	if (message != NULL)
		appendStringInfo(&mail, "Message-ID: <%s@hitl.invalid>\n", message->message_id);
	else
		appendStringInfo(&mail, "Message-ID: <interrupt.%lld.%d@hitl.invalid>\n", (long long) interrupt->interrupt_id, interrupt->revision);
	/* so that nobody's holiday answers it */
	appendStringInfoString(&mail, "Auto-Submitted: auto-generated\n");
	appendStringInfo(&mail, "X-Hitl-Interrupt: %lld\n", (long long) interrupt->interrupt_id);
	appendStringInfoString(&mail, mail_body(render_text(interrupt, kind, content)));
	return mail.data;
}

/* ------------------------------------------------------------------- rights */

static Content
content_of(const HitlInterrupt *interrupt, bool may_read)
{
	if (!may_read)
		return CONTENT_NONE;
	if (interrupt->policy_id != 0 && rulebook_policy(interrupt->policy_id, interrupt->policy_version)->hides_args)
		return CONTENT_NO_ARGS;
	return CONTENT_ALL;
}

/*
 * May the session's person read the question: who owns its graph or audits it,
 * may decide it, or has voted on it?
 */
static bool
may_read(const HitlInterrupt *interrupt)
{
	return rights_may_access(HITL_ACCESS_READ, interrupt->owner, interrupt->graph_id) ||
		inbox_admits(identity_viewer(), interrupt) ||
		store_has_voted(interrupt->interrupt_id, identity_viewer()->person);
}

/*
 * hitl.render(): format is text or email.  outbox_id: the message that this is,
 * for who sends it; 0: none.  An operator sends what he may not read himself: to
 * him it says only that there is something to decide.
 */
char *
render_interrupt(int64 interrupt_id, const char *format, int64 outbox_id)
{
	HitlInterrupt *interrupt;
	HitlMessage *message = NULL;
	const char *kind;
	Content		content;
	bool		is_mail = strcmp(format, "email") == 0;

	if (!is_mail && strcmp(format, "text") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such format of a message"),
				 errdetail("It is text or email."),
				 errhint("SELECT hitl.render(%lld, 'text');", (long long) interrupt_id)));
	interrupt = pending_get(interrupt_id);
	kind = interrupt->reopens != 0 ? "reopened" : "opened";
	if (outbox_id != 0)
	{
		message = sender_require(outbox_id);
		if (message->interrupt_id != interrupt_id)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("message %lld is not about interrupt %lld", (long long) outbox_id, (long long) interrupt_id),
					 errdetail("It is about interrupt %lld.", (long long) message->interrupt_id),
					 errhint("SELECT hitl.render(%lld, 'text', %lld);", (long long) message->interrupt_id, (long long) outbox_id)));
		kind = message->kind;
	}
	else if (!may_read(interrupt))
		show_require_reader(interrupt);
	kind = kind_of(interrupt, kind);
	content = content_of(interrupt, may_read(interrupt));
	return is_mail ? render_email(interrupt, message, kind, content) : render_text(interrupt, kind, content);
}
