/*
 * shape.c
 *    Answers in the shapes of other tools.
 *
 * What is understood beside our own: LangChain's decisions (of the middleware and
 * per call, Python and JavaScript), the Agent Inbox's list, AG-UI's resume entry,
 * MCP's result of an elicitation, the AI SDK's and Cloudflare's approval, ADK's
 * confirmation, HumanLayer's call, LangGraph's Command.  A shape is recognised
 * by its keys; what fits none, or more than one, is refused, as is a key that a
 * shape has not: nobody approves by a misspelling.
 *
 * There an edit gives all of the args, here it says what changes: so it is
 * compared with the args as asked, and what is left out is removed.  Where a tool
 * sends back what it was shown (the Agent Inbox accepts so), that must still be
 * what is asked.  MCP's cancel, AG-UI's cancelled and the Agent Inbox's ignore
 * are no answer: the question goes back to the pool.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "errors.h"
#include "foreign.h"
#include "json.h"
#include "names.h"
#include "schema.h"
#include "shape.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static HitlAnswer *parse(Jsonb *given, const HitlInterrupt *interrupt, bool is_inner);

static void
shape_error(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the decision has not the shape of a decision"),
			 errdetail_internal("%s", detail),
			 errhint("Give {\"type\":\"approve\"}, {\"type\":\"edit\",\"edits\":{...}}, {\"type\":\"reject\",\"reason\":\"...\"} or {\"type\":\"respond\",\"response\":...}; for a batch {\"decisions\":[...]}; or an answer of LangChain, the Agent Inbox, AG-UI, MCP, the AI SDK, Cloudflare, ADK or HumanLayer.")));
}

/* Every key of an object must be one of these. */
static void
require_keys(Jsonb *object, const char *what, List *keys)
{
	ListCell   *cell;
	ListCell   *known;

	foreach(cell, json_keys(object))
	{
		bool		is_known = false;

		foreach(known, keys)
			is_known = is_known || strcmp(lfirst(known), lfirst(cell)) == 0;
		if (!is_known)
			shape_error(psprintf("%s has no key \"%s\".", what, (char *) lfirst(cell)));
	}
}

/* A string, or NULL where it is missing or null; anything else is an error. */
static char *
get_string(Jsonb *object, const char *key)
{
	Jsonb	   *value = json_get(object, key);
	char	   *string = json_scalar_string(value);

	if (value != NULL && string == NULL && !json_is_null(value))
		shape_error(psprintf("Its \"%s\" is not a string.", key));
	return string;
}

static HitlAnswer *
make_answer(HitlDecisionType type)
{
	HitlAnswer *answer = palloc0(sizeof(HitlAnswer));

	answer->type = type;
	return answer;
}

static HitlAnswer *
make_respond(Jsonb *response)
{
	HitlAnswer *answer = make_answer(HITL_DECISION_RESPOND);

	answer->response = response != NULL ? response : json_null();
	return answer;
}

/* Who answers by id must mean this interrupt: "42" or 42. */
static void
require_id(Jsonb *id, const HitlInterrupt *interrupt)
{
	char	   *text = psprintf("%lld", (long long) interrupt->interrupt_id);

	if (id == NULL || json_equal(id, json_string(text)) || json_equal(id, json_int64(interrupt->interrupt_id)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this is an answer to another question than interrupt %s", text),
			 errdetail("It names another id."),
			 errhint("Give it to the interrupt that it was meant for.")));
}

/* --------------------------------------------------------- edits of all the args */

/* The name of the action is not to be changed: that would be another question. */
static void
require_name(const char *name, const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	if (name == NULL)
		shape_error("The action that it hands back has no name.");
	if (strcmp(name, foreign_name(interrupt, action)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("interrupt %lld is about another action", (long long) interrupt->interrupt_id),
				 errdetail("An edit changes the args of an action, not the action."),
				 errhint("Reject it and say what to do instead.")));
}

/* An edit that makes these the args, as one of ours. */
static HitlAnswer *
edit_to(Jsonb *args, const HitlQuestion *action)
{
	HitlAnswer *answer = make_answer(HITL_DECISION_EDIT);
	JsonBuilder edits;
	ListCell   *cell;

	if (!json_is_object(args))
		shape_error("The args that it hands back are no object.");
	json_begin(&edits);
	foreach(cell, json_keys(args))
	{
		Jsonb	   *value = json_get(args, lfirst(cell));
		Jsonb	   *old = json_get(action->args, lfirst(cell));

		if (old == NULL || !json_equal(old, value))
			json_add_jsonb(&edits, lfirst(cell), value);
	}
	answer->edits = json_end(&edits);
	if (json_is_object(action->args))
		foreach(cell, json_keys(action->args))
			if (json_get(args, lfirst(cell)) == NULL)
				answer->removed = lappend(answer->removed, lfirst(cell));
	return answer;
}

/* ------------------------------------------------------ ours, and LangChain's */

/* {"edited_action": {"name", "args"}}, or in JavaScript's spelling. */
static HitlAnswer *
read_edited_action(Jsonb *given, const char *key, const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	Jsonb	   *edited = json_get(given, key);

	require_keys(given, "An edit of LangChain's", list_make2("type", (void *) key));
	if (!json_is_object(edited))
		shape_error(psprintf("Its \"%s\" is %s.", key, json_type(edited)));
	require_keys(edited, "An edited action", list_make2("name", "args"));
	require_name(get_string(edited, "name"), interrupt, action);
	return edit_to(json_get(edited, "args"), action);
}

/* One decision about a question that is no batch, or an action of one. */
HitlAnswer *
shape_parse_action(Jsonb *given, const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	char	   *type = json_get_string(given, "type");
	HitlAnswer *answer;

	if (type != NULL && strcmp(type, "edit") == 0 && json_get(given, "edited_action") != NULL)
		return read_edited_action(given, "edited_action", interrupt, action);
	if (type != NULL && strcmp(type, "edit") == 0 && json_get(given, "editedAction") != NULL)
		return read_edited_action(given, "editedAction", interrupt, action);
	if (type == NULL || json_get(given, "message") == NULL ||
		(strcmp(type, "reject") != 0 && strcmp(type, "respond") != 0))
	{
		if (json_get(given, "decisions") != NULL)
			shape_error("One of its \"decisions\" has decisions itself.");
		return answer_parse(given);
	}
	require_keys(given, "A decision of LangChain's", list_make2("type", "message"));
	if (strcmp(type, "respond") == 0)
	{
		if (json_scalar_string(json_get(given, "message")) == NULL)
			shape_error("Its \"message\" is not a string.");
		return make_respond(json_get(given, "message"));
	}
	answer = make_answer(HITL_DECISION_REJECT);
	answer->reason = get_string(given, "message");
	return answer;
}

/* {"decisions": [...]}: one per action, in order. */
static HitlAnswer *
read_decisions(Jsonb *given, const HitlInterrupt *interrupt)
{
	List	   *actions = question_actions(&interrupt->question);
	Jsonb	   *decisions = json_get(given, "decisions");
	List	   *elements = json_is_array(decisions) ? json_elements(decisions) : NIL;
	List	   *answers = NIL;
	HitlAnswer *answer;
	ListCell   *cell;

	if (elements == NIL)
		shape_error("Its \"decisions\" is not an array of decisions.");
	require_keys(given, "What holds decisions", list_make2("type", "decisions"));
	foreach(cell, elements)
	{
		/* too many, or too few, are refused once they are counted */
		int			n = foreach_current_index(cell);
		const HitlQuestion *action = n < list_length(actions) ? list_nth(actions, n) : &interrupt->question;

		answers = lappend(answers, shape_parse_action(lfirst(cell), interrupt, action));
	}
	/* LangChain wants a list of one also where one thing was asked */
	if (actions == NIL && list_length(answers) == 1)
		return linitial(answers);
	answer = answer_of_decisions(answers);
	if (json_get(given, "type") != NULL &&
		!json_equal(json_get(given, "type"), json_string(name_decision_type(answer->type))))
		shape_error("Its \"type\" is not what its \"decisions\" make of it.");
	return answer;
}

/* ----------------------------------------------------------------- Agent Inbox */

/*
 * A value that the inbox has turned into a string, as it was: it shows, and sends
 * back, all args as strings.  Text that is no JSON is the server's own error.
 */
static Jsonb *
from_string(Jsonb *given, Jsonb *asked, const char *key)
{
	char	   *text = json_scalar_string(given);
	Jsonb	   *value;

	if (text == NULL || asked == NULL || json_scalar_string(asked) != NULL)
		return given;
	value = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	if (!json_is_null(asked) && strcmp(json_type(value), json_type(asked)) != 0)
		shape_error(psprintf("Its \"%s\" is %s, and what was asked has %s there.", key, json_type(value), json_type(asked)));
	return value;
}

/* The args of {"action", "args"}, as they were before the inbox showed them. */
static Jsonb *
inbox_args(Jsonb *request, const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	Jsonb	   *args = json_get(request, "args");
	JsonBuilder b;
	ListCell   *cell;

	if (!json_is_object(request) || !json_is_object(args))
		shape_error("The action that it hands back has no args.");
	require_keys(request, "An action request", list_make2("action", "args"));
	require_name(get_string(request, "action"), interrupt, action);
	json_begin(&b);
	foreach(cell, json_keys(args))
	{
		const char *key = lfirst(cell);

		json_add_jsonb(&b, key, from_string(json_get(args, key), json_get(action->args, key), key));
	}
	return json_end(&b);
}

/* One of the inbox's answers; NULL: ignore. */
static HitlAnswer *
read_inbox_element(Jsonb *given, const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	char	   *type = json_get_string(given, "type");
	Jsonb	   *args = json_get(given, "args");

	if (type == NULL)
		shape_error("An answer in its list has no \"type\".");
	require_keys(given, "An answer of the Agent Inbox", list_make2("type", "args"));
	if (strcmp(type, "ignore") == 0)
		return NULL;
	if (strcmp(type, "response") == 0)
		return make_respond(args);
	if (strcmp(type, "edit") == 0)
		return edit_to(inbox_args(args, interrupt, action), action);
	if (strcmp(type, "accept") != 0)
		shape_error("The type of an answer in its list is none of accept, edit, response, ignore.");
	/* it sends back what it has shown: the args as asked */
	if (args != NULL && !json_is_null(args) && json_is_object(action->args) &&
		!json_equal(inbox_args(args, interrupt, action), action->args))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_STALE),
				 errmsg("interrupt %lld is not what was seen", (long long) interrupt->interrupt_id),
				 errdetail("It was accepted with other args than it has."),
				 errhint("Look at it again; to change the args, edit it.")));
	return make_answer(HITL_DECISION_APPROVE);
}

/* A list of one, or of as many as a batch has actions; NULL: ignored. */
static HitlAnswer *
read_inbox(Jsonb *given, const HitlInterrupt *interrupt)
{
	List	   *actions = question_actions(&interrupt->question);
	List	   *elements = json_elements(given);
	List	   *answers = NIL;
	int			n_ignored = 0;
	ListCell   *cell;

	if (list_length(elements) != Max(list_length(actions), 1))
		shape_error(psprintf("It is an array of %d answers, and %d are needed.", list_length(elements), Max(list_length(actions), 1)));
	foreach(cell, elements)
	{
		int			n = foreach_current_index(cell);
		HitlAnswer *answer = read_inbox_element(lfirst(cell), interrupt, actions != NIL ? list_nth(actions, n) : &interrupt->question);

		if (answer == NULL)
			n_ignored++;
		answers = lappend(answers, answer);
	}
	if (n_ignored == list_length(answers))
		return NULL;
	if (n_ignored > 0)
		shape_error("Some of its answers are to be ignored and some are not: a batch is decided as a whole.");
	return actions != NIL ? answer_of_decisions(answers) : linitial(answers);
}

/* ----------------------------------------------------------------------- AG-UI */

/* {"interruptId", "status", "payload"}; NULL: cancelled. */
static HitlAnswer *
read_agui(Jsonb *given, const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	Jsonb	   *payload = json_get(given, "payload");
	Jsonb	   *schema = question_response_schema(question);
	char	   *status = get_string(given, "status");

	require_keys(given, "A resume entry", list_make4("interruptId", "status", "payload", "metadata"));
	if (json_get(given, "interruptId") == NULL)
		shape_error("A resume entry names its \"interruptId\".");
	require_id(json_get(given, "interruptId"), interrupt);
	if (status != NULL && strcmp(status, "cancelled") == 0)
		return NULL;
	if (status == NULL || strcmp(status, "resolved") != 0)
		shape_error("The status of a resume entry is resolved or cancelled.");
	if (payload == NULL || json_is_null(payload))
		return make_answer(HITL_DECISION_APPROVE);
	/* where the question has a schema of its own, that was what was asked for */
	if (schema != NULL && (question->allowed & HITL_DECISION_BIT(HITL_DECISION_RESPOND)) &&
		schema_violation(schema, payload) == NULL)
		return make_respond(payload);
	return parse(payload, interrupt, true);
}

/* ------------------------------------------------------------------------- MCP */

/* The answer to a form about a batch: approve or reject, for each action. */
static HitlAnswer *
read_batch_form(Jsonb *content, const HitlInterrupt *interrupt)
{
	List	   *answers = NIL;
	int			n_actions = list_length(question_actions(&interrupt->question));

	for (int n = 1; n <= n_actions; n++)
	{
		char	   *word = json_get_string(content, psprintf("decision_%d", n));

		if (word == NULL || (strcmp(word, "approve") != 0 && strcmp(word, "reject") != 0))
			shape_error(psprintf("Its \"decision_%d\" is neither approve nor reject.", n));
		answers = lappend(answers, make_answer(word[0] == 'a' ? HITL_DECISION_APPROVE : HITL_DECISION_REJECT));
	}
	return answer_of_decisions(answers);
}

/* {"action": "accept" | "decline" | "cancel", "content"}; NULL: cancel. */
static HitlAnswer *
read_mcp(Jsonb *given, const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	char	   *action = get_string(given, "action");
	Jsonb	   *content = json_get(given, "content");
	HitlFormKind kind = foreign_form(interrupt);
	bool		may_approve = (question->allowed & HITL_DECISION_BIT(HITL_DECISION_APPROVE)) != 0;
	HitlAnswer *edit;

	require_keys(given, "The result of an elicitation", list_make3("action", "content", "_meta"));
	if (action != NULL && strcmp(action, "cancel") == 0)
		return NULL;
	if (action != NULL && strcmp(action, "decline") == 0)
		return make_answer(HITL_DECISION_REJECT);
	if (action == NULL || strcmp(action, "accept") != 0)
		shape_error("The action of an elicitation's result is accept, decline or cancel.");
	if (content == NULL || json_is_null(content))
		content = json_empty_object();
	if (!json_is_object(content))
		shape_error(psprintf("Its \"content\" is %s.", json_type(content)));
	if (kind == HITL_FORM_SCHEMA)
		return make_respond(content);
	require_keys(content, "The form", json_keys(foreign_form_fields(interrupt, kind)));
	switch (kind)
	{
		case HITL_FORM_BATCH:
			return read_batch_form(content, interrupt);
		case HITL_FORM_TEXT:
			if (json_get(content, "response") != NULL || !may_approve)
				return make_respond(json_get(content, "response"));
			break;
		case HITL_FORM_ARGS:
			edit = edit_to(json_merge(question->args, content), question);
			if (json_keys(edit->edits) != NIL || !may_approve)
				return edit;
			break;
		case HITL_FORM_BARE:
		case HITL_FORM_SCHEMA:
			break;
	}
	return make_answer(HITL_DECISION_APPROVE);
}

/* ------------------------------------------------------------ a word of approval */

/*
 * {"approved": true | false, "reason"}: the AI SDK, Cloudflare, and the status of
 * a HumanLayer call, which has a comment.
 */
static HitlAnswer *
read_approved(Jsonb *given, const HitlInterrupt *interrupt)
{
	bool		is_approved;
	char	   *type = get_string(given, "type");
	char	   *reason = get_string(given, "reason");
	HitlAnswer *answer;

	require_keys(given, "An approval",
				 list_concat(list_make5("type", "approvalId", "approved", "reason", "providerExecuted"),
							 list_make5("metadata", "comment", "requested_at", "responded_at", "reject_option_name")));
	if (type != NULL && strcmp(type, "tool-approval-response") != 0)
		shape_error("Its \"type\" is not tool-approval-response.");
	require_id(json_get(given, "approvalId"), interrupt);
	if (!json_get_bool(json_get(given, "approved"), &is_approved))
		shape_error("Its \"approved\" is neither true nor false.");
	if (reason == NULL)
		reason = get_string(given, "comment");
	answer = make_answer(is_approved ? HITL_DECISION_APPROVE : HITL_DECISION_REJECT);
	if (is_approved)
		answer->note = reason;
	else
		answer->reason = reason != NULL ? reason : get_string(given, "reject_option_name");
	return answer;
}

/* {"hint", "payload", "confirmed"}: ADK. */
static HitlAnswer *
read_confirmed(Jsonb *given, const HitlInterrupt *interrupt pg_attribute_unused())
{
	bool		is_confirmed;
	Jsonb	   *payload = json_get(given, "payload");

	require_keys(given, "A confirmation", list_make3("hint", "payload", "confirmed"));
	if (!json_get_bool(json_get(given, "confirmed"), &is_confirmed))
		shape_error("Its \"confirmed\" is neither true nor false.");
	/* what it is to do, no shape says */
	if (payload != NULL && !json_is_null(payload))
		shape_error("A confirmation with a payload is not understood.");
	return make_answer(is_confirmed ? HITL_DECISION_APPROVE : HITL_DECISION_REJECT);
}

/* A call of HumanLayer's, with its status. */
static HitlAnswer *
read_call(Jsonb *given, const HitlInterrupt *interrupt)
{
	Jsonb	   *status = json_get(given, "status");
	Jsonb	   *response = json_get(status, "response");

	require_keys(given, "A call of HumanLayer's", list_make4("run_id", "call_id", "spec", "status"));
	require_id(json_get(given, "call_id"), interrupt);
	if (response == NULL || json_is_null(response))
		return read_approved(status, interrupt);
	require_keys(status, "The status of a call", list_make4("requested_at", "responded_at", "response", "response_option_name"));
	return make_respond(response);
}

/* LangGraph's Command: {"resume": answer}, or {"resume": {id: answer}}. */
static HitlAnswer *
read_command(Jsonb *given, const HitlInterrupt *interrupt)
{
	Jsonb	   *resume = json_get(given, "resume");
	char	   *id = psprintf("%lld", (long long) interrupt->interrupt_id);

	require_keys(given, "A command that answers", list_make1("resume"));
	if (json_is_object(resume) && list_length(json_keys(resume)) == 1 && json_get(resume, id) != NULL)
		resume = json_get(resume, id);
	return parse(resume, interrupt, true);
}

/* ---------------------------------------------------------------- recognising it */

static bool
is_ours(Jsonb *given)
{
	HitlDecisionType type;
	char	   *word = json_get_string(given, "type");

	return json_get(given, "decisions") != NULL || (word != NULL && name_find_decision_type(word, &type));
}

static bool
is_agui(Jsonb *given)
{
	return json_get(given, "interruptId") != NULL || json_get_string(given, "status") != NULL;
}

static bool
is_mcp(Jsonb *given)
{
	return json_get(given, "action") != NULL;
}

static bool
is_approved(Jsonb *given)
{
	return json_get(given, "approved") != NULL;
}

static bool
is_confirmed(Jsonb *given)
{
	return json_get(given, "confirmed") != NULL;
}

static bool
is_call(Jsonb *given)
{
	return json_is_object(json_get(given, "status"));
}

static bool
is_command(Jsonb *given)
{
	return json_get(given, "resume") != NULL;
}

static HitlAnswer *
read_ours(Jsonb *given, const HitlInterrupt *interrupt)
{
	if (json_get(given, "decisions") != NULL)
		return read_decisions(given, interrupt);
	return shape_parse_action(given, interrupt, &interrupt->question);
}

static const struct
{
	bool		(*fits) (Jsonb *given);
	HitlAnswer *(*read) (Jsonb *given, const HitlInterrupt *interrupt);
	bool		is_envelope;	/* holds another answer: not inside of one */
}			shapes[] = {
	{is_ours, read_ours, false},
	{is_agui, read_agui, true},
	{is_mcp, read_mcp, false},
	{is_approved, read_approved, false},
	{is_confirmed, read_confirmed, false},
	{is_call, read_call, true},
	{is_command, read_command, true},
};

/* is_inner: what is read is held by a shape already */
static HitlAnswer *
parse(Jsonb *given, const HitlInterrupt *interrupt, bool is_inner)
{
	int			found = -1;

	if (json_is_array(given))
	{
		List	   *elements = json_elements(given);

		if (!is_inner && list_length(elements) == 1 && is_agui(linitial(elements)))
			return read_agui(linitial(elements), interrupt);
		return read_inbox(given, interrupt);
	}
	if (!json_is_object(given))
		shape_error(psprintf("It is %s, not an object.", json_type(given)));
	for (int i = 0; i < (int) lengthof(shapes); i++)
	{
		if (!shapes[i].fits(given))
			continue;
		if (found >= 0)
			shape_error("It has the keys of more than one shape.");
		found = i;
	}
	if (found < 0 && json_get_string(given, "type") == NULL)
		shape_error("It has no \"type\", or its type is not a string.");
	if (found < 0)
		shape_error(psprintf("Its type is none of %s.", name_decision_list(HITL_DECISION_ALL)));
	if (is_inner && shapes[found].is_envelope)
		shape_error("It holds an answer that holds an answer.");
	return shapes[found].read(given, interrupt);
}

/*
 * Read an answer to an interrupt, in whatever shape.  NULL: it is none, the
 * question is to go back to the pool.  Raises 22023 for what fits no shape or
 * several, or names another interrupt; IH004 for an edit that changes the
 * action; IH002 for an acceptance of other args.  What the question takes,
 * answer_check() says.
 */
HitlAnswer *
shape_parse(Jsonb *given, const HitlInterrupt *interrupt)
{
	return parse(given, interrupt, false);
}
