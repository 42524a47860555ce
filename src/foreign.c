/*
 * foreign.c
 *    A question in the shapes of other tools.
 *
 * LangChain's HITLRequest, LangGraph's interrupt of one tool call, the Agent
 * Inbox's list of requests, AG-UI's Interrupt, MCP's elicitation.  The answers
 * that go with them are read by shape.c; both sides agree here on what a
 * question without a name is called and on which fields a form has.
 *
 * Those tools want args to be an object: where they are none, they are put into
 * one, and edit is not offered.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "errors.h"
#include "foreign.h"
#include "json.h"
#include "names.h"
#include "question.h"

/* The actions of a batch, or the question itself as the only one. */
static List *
all_actions(const HitlInterrupt *interrupt)
{
	List	   *actions = question_actions(&interrupt->question);

	return actions != NIL ? actions : list_make1((void *) &interrupt->question);
}

/* Of an action without a name: that of the node. */
const char *
foreign_name(const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	return action->action != NULL ? action->action : interrupt->node;
}

/* What is to be decided on, as an object. */
static Jsonb *
args_object(const HitlQuestion *action)
{
	Jsonb	   *args = action->args;
	JsonBuilder b;

	if (json_is_object(args))
		return args;
	json_begin(&b);
	if (args != NULL)
		json_add_jsonb(&b, "args", args);
	else if (action->action == NULL && action->payload != NULL)
		json_add_jsonb(&b, "payload", action->payload);
	return json_end(&b);
}

/* What the reader is told. */
static char *
message_of(const HitlInterrupt *interrupt, const HitlQuestion *action)
{
	char	   *text = json_scalar_string(action->payload);

	if (action->description != NULL)
		return action->description;
	return text != NULL ? text : psprintf("%s needs a decision", foreign_name(interrupt, action));
}

static bool
takes(const HitlQuestion *action, HitlDecisionType type)
{
	return (action->allowed & HITL_DECISION_BIT(type)) != 0 &&
		(type != HITL_DECISION_EDIT || json_is_object(action->args));
}

static Jsonb *
allowed_words(const HitlQuestion *action)
{
	List	   *words = NIL;

	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (takes(action, (HitlDecisionType) i))
			words = lappend(words, (void *) name_decision_type((HitlDecisionType) i));
	return json_string_list(words);
}

static char *
id_text(const HitlInterrupt *interrupt)
{
	return psprintf("%lld", (long long) interrupt->interrupt_id);
}

/* ------------------------------------------------------ schemas of the answers */

static Jsonb *
pair(const char *key, Jsonb *value)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, key, value);
	return json_end(&b);
}

static Jsonb *
of_type(const char *type)
{
	return pair("type", json_string(type));
}

/* An object with these properties, of which some must be there, and no others. */
static Jsonb *
object_schema(Jsonb *properties, List *required)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "type", "object");
	json_add_jsonb(&b, "properties", properties);
	json_add_jsonb(&b, "required", json_string_list(required));
	json_add_bool(&b, "additionalProperties", false);
	return json_end(&b);
}

/* A decision of one type, in our words or in LangChain's. */
static Jsonb *
decision_schema(HitlDecisionType type, const char *edited, const char *reason, const char *response)
{
	Jsonb	   *properties = pair("type", pair("const", json_string(name_decision_type(type))));
	List	   *required = list_make1("type");

	if (type == HITL_DECISION_EDIT)
	{
		Jsonb	   *value = of_type("object");

		if (strcmp(edited, "edits") != 0)
			value = object_schema(json_set(pair("name", of_type("string")), "args", of_type("object")),
								  list_make2("name", "args"));
		properties = json_set(properties, edited, value);
		required = lappend(required, (void *) edited);
	}
	if (type == HITL_DECISION_REJECT)
		properties = json_set(properties, reason, of_type("string"));
	if (type == HITL_DECISION_RESPOND)
	{
		properties = json_set(properties, response, strcmp(response, "message") == 0 ? of_type("string") : json_empty_object());
		required = lappend(required, (void *) response);
	}
	return object_schema(properties, required);
}

/* What an answer to an action may look like. */
static Jsonb *
decisions_schema(const HitlQuestion *action, const char *edited, const char *reason, const char *response)
{
	List	   *schemas = NIL;

	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (takes(action, (HitlDecisionType) i))
			schemas = lappend(schemas, decision_schema((HitlDecisionType) i, edited, reason, response));
	return pair("anyOf", json_list(schemas));
}

/* ------------------------------------------------------------------- LangChain */

static Jsonb *
per_call(const HitlInterrupt *interrupt, bool is_camel)
{
	const HitlQuestion *action = &interrupt->question;
	JsonBuilder value;
	JsonBuilder b;
	char	   *call_id = json_get_string(action->payload, "tool_call_id");

	if (question_actions(action) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interrupt %lld is a batch, and has no shape per call", (long long) interrupt->interrupt_id),
				 errdetail("There one interrupt is about one call of a tool."),
				 errhint("SELECT hitl.as_langchain(%lld);", (long long) interrupt->interrupt_id)));
	json_begin(&value);
	json_add_string(&value, "type", "tool_approval");
	json_add_string(&value, is_camel ? "toolCallId" : "tool_call_id", call_id != NULL ? call_id : id_text(interrupt));
	json_add_string(&value, "name", foreign_name(interrupt, action));
	json_add_jsonb(&value, "args", args_object(action));
	json_add_string(&value, "description", message_of(interrupt, action));
	json_begin(&b);
	json_add_string(&b, "id", id_text(interrupt));
	json_add_jsonb(&b, "value", json_end(&value));
	json_add_jsonb(&b, is_camel ? "responseSchema" : "response_schema",
				   decisions_schema(action, is_camel ? "editedAction" : "edited_action", "message", "message"));
	return json_end(&b);
}

/*
 * LangChain's HITLRequest, in Python's or in JavaScript's spelling; is_per_call:
 * LangGraph's interrupt about one call of a tool, with its id and schema.
 */
Jsonb *
foreign_langchain(const HitlInterrupt *interrupt, bool is_camel, bool is_per_call)
{
	List	   *requests = NIL;
	List	   *configs = NIL;
	ListCell   *cell;
	JsonBuilder b;

	if (is_per_call)
		return per_call(interrupt, is_camel);
	foreach(cell, all_actions(interrupt))
	{
		const HitlQuestion *action = lfirst(cell);
		Jsonb	   *schema = question_args_schema(action);

		json_begin(&b);
		json_add_string(&b, "name", foreign_name(interrupt, action));
		json_add_jsonb(&b, "args", args_object(action));
		json_add_string(&b, "description", message_of(interrupt, action));
		requests = lappend(requests, json_end(&b));
		json_begin(&b);
		json_add_string(&b, is_camel ? "actionName" : "action_name", foreign_name(interrupt, action));
		json_add_jsonb(&b, is_camel ? "allowedDecisions" : "allowed_decisions", allowed_words(action));
		if (schema != NULL)
			json_add_jsonb(&b, is_camel ? "argsSchema" : "args_schema", schema);
		configs = lappend(configs, json_end(&b));
	}
	json_begin(&b);
	json_add_jsonb(&b, is_camel ? "actionRequests" : "action_requests", json_list(requests));
	json_add_jsonb(&b, is_camel ? "reviewConfigs" : "review_configs", json_list(configs));
	return json_end(&b);
}

/* ----------------------------------------------------------------- Agent Inbox */

/* The Agent Inbox's list of requests: one, or one for each action of a batch. */
Jsonb *
foreign_agent_inbox(const HitlInterrupt *interrupt)
{
	List	   *requests = NIL;
	ListCell   *cell;

	foreach(cell, all_actions(interrupt))
	{
		const HitlQuestion *action = lfirst(cell);
		JsonBuilder request;
		JsonBuilder config;
		JsonBuilder b;

		json_begin(&request);
		json_add_string(&request, "action", foreign_name(interrupt, action));
		json_add_jsonb(&request, "args", args_object(action));
		json_begin(&config);
		json_add_bool(&config, "allow_ignore", true);
		json_add_bool(&config, "allow_respond", takes(action, HITL_DECISION_RESPOND));
		json_add_bool(&config, "allow_edit", takes(action, HITL_DECISION_EDIT));
		json_add_bool(&config, "allow_accept", takes(action, HITL_DECISION_APPROVE));
		json_begin(&b);
		json_add_jsonb(&b, "action_request", json_end(&request));
		json_add_jsonb(&b, "config", json_end(&config));
		json_add_string(&b, "description", message_of(interrupt, action));
		requests = lappend(requests, json_end(&b));
	}
	return json_list(requests);
}

/* ----------------------------------------------------------------------- AG-UI */

/* AG-UI's Interrupt, for the outcome of RUN_FINISHED. */
Jsonb *
foreign_agui(const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	List	   *actions = question_actions(question);
	Jsonb	   *schema = question_response_schema(question);
	char	   *call_id = json_get_string(question->payload, "tool_call_id");
	JsonBuilder metadata;
	JsonBuilder b;

	if (schema == NULL || !takes(question, HITL_DECISION_RESPOND))
		schema = decisions_schema(question, "edits", "reason", "response");
	if (actions != NIL)
	{
		List	   *schemas = NIL;
		ListCell   *cell;

		foreach(cell, actions)
			schemas = lappend(schemas, decisions_schema(lfirst(cell), "edits", "reason", "response"));
		json_begin(&b);
		json_add_string(&b, "type", "array");
		json_add_jsonb(&b, "items", pair("anyOf", json_list(schemas)));
		json_add_int64(&b, "minItems", list_length(actions));
		json_add_int64(&b, "maxItems", list_length(actions));
		schema = object_schema(pair("decisions", json_end(&b)), list_make1("decisions"));
	}
	json_begin(&metadata);
	json_add_string(&metadata, "action", question->action);
	json_add_jsonb(&metadata, "args", question->args);
	json_add_jsonb(&metadata, "allowed", allowed_words(question));
	json_begin(&b);
	json_add_string(&b, "id", id_text(interrupt));
	json_add_string(&b, "reason", question_is_named(question) ? "tool_call" : "input_required");
	json_add_string(&b, "message", message_of(interrupt, question));
	if (call_id != NULL)
		json_add_string(&b, "toolCallId", call_id);
	json_add_jsonb(&b, "responseSchema", schema);
	if (interrupt->expires_at != DT_NOBEGIN)
		json_add_time(&b, "expiresAt", interrupt->expires_at);
	json_add_jsonb(&b, "metadata", json_end(&metadata));
	return json_end(&b);
}

/* ------------------------------------------------------------------------- MCP */

/* The type of a value that a form can have a field for; NULL: it cannot. */
static const char *
flat_type(Jsonb *value)
{
	double		number;
	bool		boolean;

	if (json_scalar_string(value) != NULL)
		return "string";
	if (json_get_number(value, &number))
		return "number";
	return json_get_bool(value, &boolean) ? "boolean" : NULL;
}

/* Is it a schema that MCP takes: an object of plain values? */
static bool
is_flat(Jsonb *schema)
{
	Jsonb	   *properties = json_get(schema, "properties");
	ListCell   *cell;

	if (!json_is_object(properties))
		return false;
	foreach(cell, json_keys(properties))
	{
		char	   *type = json_get_string(json_get(properties, lfirst(cell)), "type");

		if (type == NULL || strcmp(type, "object") == 0 || strcmp(type, "array") == 0 || strcmp(type, "null") == 0)
			return false;
	}
	return true;
}

HitlFormKind
foreign_form(const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;

	if (question_actions(question) != NIL)
		return HITL_FORM_BATCH;
	if (takes(question, HITL_DECISION_RESPOND) && is_flat(question_response_schema(question)))
		return HITL_FORM_SCHEMA;
	if (takes(question, HITL_DECISION_EDIT))
		return HITL_FORM_ARGS;
	return takes(question, HITL_DECISION_RESPOND) ? HITL_FORM_TEXT : HITL_FORM_BARE;
}

/* The fields of the form, as an object of schemas. */
Jsonb *
foreign_form_fields(const HitlInterrupt *interrupt, HitlFormKind kind)
{
	const HitlQuestion *question = &interrupt->question;
	JsonBuilder b;
	ListCell   *cell;

	if (kind == HITL_FORM_SCHEMA)
		return json_get(question_response_schema(question), "properties");
	json_begin(&b);
	if (kind == HITL_FORM_TEXT)
		json_add_jsonb(&b, "response", of_type("string"));
	if (kind == HITL_FORM_ARGS)
		foreach(cell, json_keys(question->args))
		{
			Jsonb	   *value = json_get(question->args, lfirst(cell));
			const char *type = flat_type(value);

			if (type != NULL)
				json_add_jsonb(&b, lfirst(cell), json_set(of_type(type), "default", value));
		}
	if (kind == HITL_FORM_BATCH)
		foreach(cell, question_actions(question))
		{
			const HitlQuestion *action = lfirst(cell);
			List	   *words = NIL;

			if (takes(action, HITL_DECISION_APPROVE))
				words = lappend(words, "approve");
			if (takes(action, HITL_DECISION_REJECT))
				words = lappend(words, "reject");
			json_add_jsonb(&b, psprintf("decision_%d", foreach_current_index(cell) + 1),
						   json_set(json_set(of_type("string"), "enum", json_string_list(words)), "title",
									json_string(action->action)));
		}
	return json_end(&b);
}

/* The parameters of MCP's elicitation/create, in form mode. */
Jsonb *
foreign_mcp(const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	HitlFormKind kind = foreign_form(interrupt);
	Jsonb	   *fields = foreign_form_fields(interrupt, kind);
	JsonBuilder schema;
	JsonBuilder b;

	json_begin(&schema);
	json_add_string(&schema, "type", "object");
	json_add_jsonb(&schema, "properties", fields);
	if (kind == HITL_FORM_SCHEMA && json_get(question_response_schema(question), "required") != NULL)
		json_add_jsonb(&schema, "required", json_get(question_response_schema(question), "required"));
	else if (kind == HITL_FORM_BATCH || (kind == HITL_FORM_TEXT && !takes(question, HITL_DECISION_APPROVE)))
		json_add_jsonb(&schema, "required", json_string_list(json_keys(fields)));
	json_begin(&b);
	json_add_string(&b, "mode", "form");
	json_add_string(&b, "message", message_of(interrupt, question));
	json_add_jsonb(&b, "requestedSchema", json_end(&schema));
	return json_end(&b);
}
