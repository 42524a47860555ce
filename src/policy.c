/*
 * policy.c
 *    A policy as a document: read it strictly, and write it again.
 *
 * In full, every key optional, with its default:
 *
 *   {"allowed": ["approve", "edit", "reject", "respond"],
 *    "groups": ["finance", "legal"],      who may decide; none: the graph's owner and its reviewers
 *    "quorum": 1                          that many of them, or
 *              "all"                      each of them, or
 *              {"finance": 1, "legal": 2} so many of each group, or "all" of one, or
 *              {"weights": {"finance": 2, "legal": 1}, "needed": 3}
 *    "veto": true                         one reject is the end; false: rejects need the quorum too;
 *            ["legal"]                    the rejects of these groups are the end
 *    "starter_may_decide": false, "previous_decider_may_decide": false, "editor_may_decide_alone": true,
 *    "automation_may_decide": false, "asserted_may_decide": true, "may_delegate": true, "claim_required": false,
 *    "reason_required": false             true: for all types; ["reject"]: for these
 *    "editable": ["amount"],              keys of the args; absent: all
 *    "args_schema": {...}, "response_schema": {...},
 *    "validator": "f(jsonb, jsonb)", "guard": "f(jsonb, jsonb)", "business_time": "f(timestamptz, interval)",
 *    "priority": 0, "hide_args": false, "notify": ["finance"],
 *    "due_in": "1 day", "expires_in": "2 days 4 hours", "warn_before": "1 hour", "claim_for": "15 minutes",
 *    "on_expiry": "stay" | "reject" | "fail" | {"type": "approve", "without_a_person": true} |
 *                 {"type": "respond", "response": ...} | {"type": "route", "node": "x"},
 *    "ladder": [{"after": "30 minutes", "if": "not_decided" | "not_claimed", "do": "notify" | "widen" | "reassign" |
 *                "priority" | "decide", "role": "finance", "priority": -1, "decision": {"type": "reject"},
 *                "without_a_person": true, "repeat": 3, "every": "10 minutes"}]}
 *
 * A key that nobody knows is a fault: a misspelt "veto" must not be a policy
 * without one.  Whether roles and functions are there is asked by who makes the
 * policy (rulebook.c).
 *
 * Quorum, veto and separation of duties are those of AWS's multi-party approval
 * and GitHub's environments, the ladder is Opsgenie's.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "json.h"
#include "lib/stringinfo.h"
#include "names.h"
#include "policy.h"
#include "reader.h"
#include "schema.h"

#define PLACE "policy"
#define MAX_VOTES 1000
#define MAX_REPEATS 1000
#define MAX_STEPS 100
#define ALL_WORD "all"

/* ---------------------------------------------------------- groups and quorum */

/* The group of a role; made if it is not there. */
static HitlPolicyGroup *
group_of(List **groups, const char *role)
{
	HitlPolicyGroup *group;
	ListCell   *cell;

	foreach(cell, *groups)
	{
		group = lfirst(cell);
		if (strcmp(group->role, role) == 0)
			return group;
	}
	group = palloc0(sizeof(HitlPolicyGroup));
	group->role = pstrdup(role);
	*groups = lappend(*groups, group);
	return group;
}

/* The keys of an object that are names of roles. */
static List *
role_keys(HitlReader *reader, Jsonb *object, const char *what)
{
	List	   *keys = json_keys(object);
	ListCell   *cell;

	if (keys == NIL)
		reader_fault(reader, PLACE ": \"%s\" names no group", what);
	foreach(cell, keys)
	{
		const char *role = lfirst(cell);

		if (role[0] == '\0' || strlen(role) >= NAMEDATALEN)
			reader_fault(reader, PLACE ": \"%s\" must name groups, which are roles", what);
	}
	return keys;
}

/* How many votes: a number, or "all". */
static int
read_needed(HitlReader *reader, Jsonb *object, const char *key, const char *what)
{
	char	   *word = json_get_string(object, key);
	double		number;

	if (word != NULL && strcmp(word, ALL_WORD) == 0)
		return HITL_QUORUM_ALL;
	if (!json_get_number(json_get(object, key), &number) || number < 1 || number > MAX_VOTES || number != (int) number)
	{
		reader_fault(reader, PLACE ": \"%s\" must be a whole number from 1 to %d, or \"all\"", what, MAX_VOTES);
		return 1;
	}
	return (int) number;
}

static void
read_quorum(HitlReader *reader, HitlPolicy *policy, List **groups, Jsonb *document)
{
	Jsonb	   *quorum = json_get(document, "quorum");
	Jsonb	   *weights = json_get(quorum, "weights");
	ListCell   *cell;

	policy->quorum = HITL_QUORUM_COUNT;
	policy->needed = 1;
	if (!reader_has(document, "quorum"))
		return;
	if (!json_is_object(quorum))
	{
		policy->needed = read_needed(reader, document, "quorum", "quorum");
		return;
	}
	/* a group may be called weights: then it has a number */
	if (json_is_object(weights))
	{
		policy->quorum = HITL_QUORUM_WEIGHTS;
		READER_KEYS(reader, PLACE ", quorum", quorum, "weights", "needed");
		foreach(cell, role_keys(reader, weights, "weights"))
			group_of(groups, lfirst(cell))->weight =
				reader_integer(reader, PLACE ", quorum, weights", weights, lfirst(cell), 1, 1, MAX_VOTES);
		if (!reader_has(quorum, "needed"))
			reader_fault(reader, PLACE ", quorum: \"needed\" is not there");
		policy->needed = reader_integer(reader, PLACE ", quorum", quorum, "needed", 1, 1, MAX_VOTES * MAX_VOTES);
		return;
	}
	policy->quorum = HITL_QUORUM_GROUPS;
	foreach(cell, role_keys(reader, quorum, "quorum"))
		group_of(groups, lfirst(cell))->needed = read_needed(reader, quorum, lfirst(cell), psprintf("quorum, %s", (char *) lfirst(cell)));
}

static void
read_veto(HitlReader *reader, HitlPolicy *policy, List **groups, Jsonb *document)
{
	ListCell   *cell;

	policy->has_veto = true;
	if (!reader_has(document, "veto"))
		return;
	if (json_get_bool(json_get(document, "veto"), &policy->has_veto))
		return;
	policy->has_veto = false;
	if (!json_is_array(json_get(document, "veto")) || json_elements(json_get(document, "veto")) == NIL)
		reader_fault(reader, PLACE ": \"veto\" must be true, false or an array of roles");
	else
		foreach(cell, reader_names(reader, PLACE, document, "veto", "roles"))
			group_of(groups, lfirst(cell))->has_veto = true;
}

static int
compare_groups(const void *a, const void *b)
{
	return strcmp(((const HitlPolicyGroup *) a)->role, ((const HitlPolicyGroup *) b)->role);
}

/* Who names a group in the quorum or gives it a veto lets it decide. */
static void
read_groups(HitlReader *reader, HitlPolicy *policy, Jsonb *document)
{
	List	   *groups = NIL;
	ListCell   *cell;

	foreach(cell, reader_names(reader, PLACE, document, "groups", "roles"))
		(void) group_of(&groups, lfirst(cell));
	if (reader_has(document, "groups") && json_is_array(json_get(document, "groups")) &&
		json_elements(json_get(document, "groups")) == NIL)
		reader_fault(reader, PLACE ": \"groups\" names nobody; leave it out for the graph's owner and reviewers");
	read_quorum(reader, policy, &groups, document);
	read_veto(reader, policy, &groups, document);

	policy->groups = palloc0(sizeof(HitlPolicyGroup) * Max(list_length(groups), 1));
	foreach(cell, groups)
		policy->groups[policy->n_groups++] = *(HitlPolicyGroup *) lfirst(cell);
	/* the order says nothing, and policies that are the same are to look so */
	qsort(policy->groups, policy->n_groups, sizeof(HitlPolicyGroup), compare_groups);
}

/* ---------------------------------------------------------- expiry and ladder */

/* Does the place say in so many words that nobody need look?  A fault if not. */
static void
require_unattended(HitlReader *reader, const char *place, Jsonb *object)
{
	if (!reader_bool(reader, place, object, "without_a_person", false))
		reader_fault(reader, "%s: what runs without a person needs \"without_a_person\": true beside it", place);
}

static void
read_expiry(HitlReader *reader, HitlPolicy *policy, Jsonb *document)
{
	const char *place = PLACE ", on_expiry";
	Jsonb	   *json = json_get(document, "on_expiry");
	char	   *word = json_is_object(json) ? json_get_string(json, "type") : json_scalar_string(json);

	policy->on_expiry = HITL_EXPIRY_STAY;
	if (!reader_has(document, "on_expiry"))
		return;
	if (word == NULL || !name_find_expiry(word, &policy->on_expiry))
	{
		reader_fault(reader, PLACE ": \"on_expiry\" must be stay, reject, fail or an object with \"type\": approve, respond or route");
		return;
	}
	if (!json_is_object(json))
		json = json_empty_object();
	switch (policy->on_expiry)
	{
		case HITL_EXPIRY_STAY:
		case HITL_EXPIRY_REJECT:
		case HITL_EXPIRY_FAIL:
			READER_KEYS(reader, place, json, "type");
			break;
		case HITL_EXPIRY_APPROVE:
			READER_KEYS(reader, place, json, "type", "without_a_person");
			require_unattended(reader, place, json);
			break;
		case HITL_EXPIRY_RESPOND:
			READER_KEYS(reader, place, json, "type", "response");
			policy->expiry_response = json_get(json, "response");
			if (policy->expiry_response == NULL)
				reader_fault(reader, "%s: \"response\" is not there", place);
			break;
		case HITL_EXPIRY_ROUTE:
			READER_KEYS(reader, place, json, "type", "node");
			policy->expiry_node = reader_string(reader, place, json, "node", true);
			break;
	}
}

/* What a step of a ladder decides, as an answer is given. */
static void
read_ladder_decision(HitlReader *reader, const char *place, HitlLadderStep *step, Jsonb *json)
{
	Jsonb	   *decision = json_get(json, "decision");
	char	   *word = json_get_string(decision, "type");
	HitlDecisionType type;

	if (word == NULL || !name_find_decision_type(word, &type))
	{
		reader_fault(reader, "%s: \"decision\" must be an object with \"type\": %s", place, name_decision_list(HITL_DECISION_ALL));
		return;
	}
	step->decision = decision;
	place = psprintf("%s, decision", place);
	switch (type)
	{
		case HITL_DECISION_APPROVE:
			READER_KEYS(reader, place, decision, "type");
			require_unattended(reader, place, json);
			break;
		case HITL_DECISION_EDIT:
			READER_KEYS(reader, place, decision, "type", "edits");
			if (!json_is_object(json_get(decision, "edits")))
				reader_fault(reader, "%s: \"edits\" must be an object", place);
			require_unattended(reader, place, json);
			break;
		case HITL_DECISION_REJECT:
			READER_KEYS(reader, place, decision, "type", "reason");
			(void) reader_string(reader, place, decision, "reason", false);
			break;
		case HITL_DECISION_RESPOND:
			READER_KEYS(reader, place, decision, "type", "response");
			if (json_get(decision, "response") == NULL)
				reader_fault(reader, "%s: \"response\" is not there", place);
			break;
		case HITL_DECISION_BATCH:
			reader_fault(reader, "%s: a ladder decides all actions of a batch alike", place);
			break;
	}
}

static HitlLadderStep *
read_ladder_step(HitlReader *reader, const char *place, Jsonb *json)
{
	HitlLadderStep *step = palloc0(sizeof(HitlLadderStep));
	char	   *condition;
	char	   *word;

	if (!json_is_object(json))
	{
		reader_fault(reader, "%s must be an object", place);
		return step;
	}
	READER_KEYS(reader, place, json, "after", "if", "do", "role", "priority", "decision", "without_a_person", "repeat", "every");
	if (!reader_has(json, "after"))
		reader_fault(reader, "%s: \"after\" is not there", place);
	step->after_ms = reader_interval_ms(reader, place, json, "after");
	condition = reader_string(reader, place, json, "if", false);
	step->unless_claimed = condition != NULL && strcmp(condition, "not_claimed") == 0;
	if (condition != NULL && !step->unless_claimed && strcmp(condition, "not_decided") != 0)
		reader_fault(reader, "%s: \"if\" must be not_claimed or not_decided", place);

	word = reader_string(reader, place, json, "do", true);
	if (word != NULL && !name_find_ladder_action(word, &step->action))
		reader_fault(reader, "%s: \"do\" must be notify, widen, reassign, priority or decide", place);
	step->role = reader_string(reader, place, json, "role", step->action == HITL_LADDER_WIDEN || step->action == HITL_LADDER_REASSIGN);
	if (step->role != NULL && (step->role[0] == '\0' || strlen(step->role) >= NAMEDATALEN))
		reader_fault(reader, "%s: \"role\" must be the name of a role", place);
	step->priority = reader_integer(reader, place, json, "priority", 0, PG_INT16_MIN, PG_INT16_MAX);
	/* what belongs to another action would be passed over */
	if (step->role != NULL && (step->action == HITL_LADDER_PRIORITY || step->action == HITL_LADDER_DECIDE))
		reader_fault(reader, "%s: \"role\" belongs to notify, widen and reassign", place);
	if (reader_has(json, "priority") != (step->action == HITL_LADDER_PRIORITY))
		reader_fault(reader, "%s: \"priority\" belongs to priority, which needs it", place);
	if (step->action == HITL_LADDER_DECIDE)
		read_ladder_decision(reader, place, step, json);
	else if (reader_has(json, "decision") || reader_has(json, "without_a_person"))
		reader_fault(reader, "%s: \"decision\" and \"without_a_person\" belong to decide", place);

	step->n_repeats = reader_integer(reader, place, json, "repeat", 0, 0, MAX_REPEATS);
	step->every_ms = reader_interval_ms(reader, place, json, "every");
	if ((step->n_repeats > 0) != (step->every_ms > 0))
		reader_fault(reader, "%s: \"repeat\" and \"every\" go together", place);
	return step;
}

static void
read_ladder(HitlReader *reader, HitlPolicy *policy, Jsonb *document)
{
	Jsonb	   *ladder = json_get(document, "ladder");
	ListCell   *cell;

	if (!reader_has(document, "ladder"))
		return;
	if (!json_is_array(ladder))
		reader_fault(reader, PLACE ": \"ladder\" must be an array");
	else if (list_length(json_elements(ladder)) > MAX_STEPS)
		reader_fault(reader, PLACE ": \"ladder\" has more than %d steps", MAX_STEPS);
	else
		foreach(cell, json_elements(ladder))
			policy->ladder = lappend(policy->ladder,
									 read_ladder_step(reader, psprintf(PLACE ", ladder, step %d", foreach_current_index(cell) + 1),
													  lfirst(cell)));
}

/* ------------------------------------------------------------------ the whole */

/* For which types a reason is asked: true is all, false none. */
static HitlDecisionSet
read_reasons(HitlReader *reader, Jsonb *document)
{
	bool		is_all;

	if (!reader_has(document, "reason_required"))
		return 0;
	if (json_get_bool(json_get(document, "reason_required"), &is_all))
		return is_all ? HITL_DECISION_ALL : 0;
	return reader_decisions(reader, PLACE, document, "reason_required");
}

static Jsonb *
read_schema(HitlReader *reader, Jsonb *document, const char *key)
{
	Jsonb	   *schema = json_get(document, key);
	ListCell   *cell;

	if (!reader_has(document, key))
		return NULL;
	foreach(cell, schema_faults(schema))
		reader_fault(reader, PLACE ", %s: %s", key, (char *) lfirst(cell));
	return schema;
}

/*
 * Read a document.  Always returns a policy, with what could be read; adds a
 * sentence to *faults for each thing that could not.  It has no id, version,
 * name and owner: they are not in the document.
 */
HitlPolicy *
policy_read(Jsonb *definition, List **faults)
{
	HitlPolicy *policy = palloc0(sizeof(HitlPolicy));
	HitlReader	reader = {*faults};

	if (!json_is_object(definition))
	{
		reader_fault(&reader, PLACE ": it must be an object, and this is %s", json_type(definition));
		definition = json_empty_object();
	}
	READER_KEYS(&reader, PLACE, definition, "allowed", "groups", "quorum", "veto", "starter_may_decide",
				"previous_decider_may_decide", "editor_may_decide_alone", "automation_may_decide", "asserted_may_decide",
				"may_delegate", "claim_required", "reason_required", "editable", "args_schema", "response_schema",
				"validator", "guard", "business_time", "priority", "hide_args", "due_in", "expires_in", "warn_before",
				"claim_for", "notify", "on_expiry", "ladder");
	policy->allowed = reader_decisions(&reader, PLACE, definition, "allowed");
	read_groups(&reader, policy, definition);
	policy->starter_may_decide = reader_bool(&reader, PLACE, definition, "starter_may_decide", false);
	policy->previous_decider_may_decide = reader_bool(&reader, PLACE, definition, "previous_decider_may_decide", false);
	policy->editor_may_decide_alone = reader_bool(&reader, PLACE, definition, "editor_may_decide_alone", true);
	policy->automation_may_decide = reader_bool(&reader, PLACE, definition, "automation_may_decide", false);
	policy->asserted_may_decide = reader_bool(&reader, PLACE, definition, "asserted_may_decide", true);
	policy->may_delegate = reader_bool(&reader, PLACE, definition, "may_delegate", true);
	policy->needs_claim = reader_bool(&reader, PLACE, definition, "claim_required", false);
	policy->needs_reason = read_reasons(&reader, definition);
	policy->is_edit_limited = reader_has(definition, "editable");
	policy->editable = reader_names(&reader, PLACE, definition, "editable", "keys of the args");
	policy->args_schema = read_schema(&reader, definition, "args_schema");
	policy->response_schema = read_schema(&reader, definition, "response_schema");
	policy->validator = reader_string(&reader, PLACE, definition, "validator", false);
	policy->guard = reader_string(&reader, PLACE, definition, "guard", false);
	policy->business_time = reader_string(&reader, PLACE, definition, "business_time", false);
	policy->priority = reader_integer(&reader, PLACE, definition, "priority", 0, PG_INT16_MIN, PG_INT16_MAX);
	policy->hides_args = reader_bool(&reader, PLACE, definition, "hide_args", false);
	policy->due_in_ms = reader_interval_ms(&reader, PLACE, definition, "due_in");
	policy->expires_in_ms = reader_interval_ms(&reader, PLACE, definition, "expires_in");
	policy->warn_before_ms = reader_interval_ms(&reader, PLACE, definition, "warn_before");
	policy->claim_for_ms = reader_interval_ms(&reader, PLACE, definition, "claim_for");
	policy->notify = reader_names(&reader, PLACE, definition, "notify", "roles");
	read_expiry(&reader, policy, definition);
	read_ladder(&reader, policy, definition);
	if (policy->expires_in_ms > 0 && policy->warn_before_ms >= policy->expires_in_ms)
		reader_fault(&reader, PLACE ": \"warn_before\" must be shorter than \"expires_in\"");
	*faults = reader.faults;
	return policy;
}

/* The same, where faults are an error. */
HitlPolicy *
policy_parse(Jsonb *definition)
{
	List	   *faults = NIL;
	HitlPolicy *policy = policy_read(definition, &faults);
	StringInfoData detail;
	ListCell   *cell;

	if (faults == NIL)
		return policy;
	initStringInfo(&detail);
	foreach(cell, faults)
		appendStringInfo(&detail, "%s%s.", detail.len > 0 ? "\n" : "", (char *) lfirst(cell));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the definition of the policy is not valid"),
			 errdetail_internal("%s", detail.data),
			 errhint("Mend what the detail lists; \\df+ hitl.create_policy shows the keys.")));
	return NULL;				/* not reached */
}

/* All roles that a policy names, each once, as C strings. */
List *
policy_roles(const HitlPolicy *policy)
{
	List	   *named = NIL;
	List	   *roles = NIL;
	ListCell   *cell;
	ListCell   *other;

	for (int i = 0; i < policy->n_groups; i++)
		named = lappend(named, policy->groups[i].role);
	foreach(cell, policy->notify)
		named = lappend(named, lfirst(cell));
	foreach(cell, policy->ladder)
		if (((HitlLadderStep *) lfirst(cell))->role != NULL)
			named = lappend(named, ((HitlLadderStep *) lfirst(cell))->role);
	foreach(cell, named)
	{
		bool		is_known = false;

		foreach(other, roles)
			is_known |= strcmp(lfirst(other), lfirst(cell)) == 0;
		if (!is_known)
			roles = lappend(roles, lfirst(cell));
	}
	return roles;
}

/* -------------------------------------------------------------------- writing */

static Jsonb *
decisions_document(HitlDecisionSet set)
{
	List	   *words = NIL;

	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (set & HITL_DECISION_BIT(i))
			words = lappend(words, (void *) name_decision_type((HitlDecisionType) i));
	return json_string_list(words);
}

static Jsonb *
needed_document(int needed)
{
	return needed == HITL_QUORUM_ALL ? json_string(ALL_WORD) : json_int64(needed);
}

static Jsonb *
quorum_document(const HitlPolicy *policy)
{
	JsonBuilder members;
	JsonBuilder b;

	if (policy->quorum == HITL_QUORUM_COUNT)
		return needed_document(policy->needed);
	json_begin(&members);
	for (int i = 0; i < policy->n_groups; i++)
	{
		const HitlPolicyGroup *group = &policy->groups[i];

		if (policy->quorum == HITL_QUORUM_GROUPS && group->needed != 0)
			json_add_jsonb(&members, group->role, needed_document(group->needed));
		if (policy->quorum == HITL_QUORUM_WEIGHTS && group->weight != 0)
			json_add_int64(&members, group->role, group->weight);
	}
	if (policy->quorum == HITL_QUORUM_GROUPS)
		return json_end(&members);
	json_begin(&b);
	json_add_jsonb(&b, "weights", json_end(&members));
	json_add_int64(&b, "needed", policy->needed);
	return json_end(&b);
}

/* The types alone that are words; the others have something beside them. */
static Jsonb *
expiry_document(const HitlPolicy *policy)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "type", name_expiry(policy->on_expiry));
	switch (policy->on_expiry)
	{
		case HITL_EXPIRY_STAY:
		case HITL_EXPIRY_REJECT:
		case HITL_EXPIRY_FAIL:
			return json_string(name_expiry(policy->on_expiry));
		case HITL_EXPIRY_APPROVE:
			json_add_bool(&b, "without_a_person", true);
			break;
		case HITL_EXPIRY_RESPOND:
			json_add_jsonb(&b, "response", policy->expiry_response);
			break;
		case HITL_EXPIRY_ROUTE:
			json_add_string(&b, "node", policy->expiry_node);
			break;
	}
	return json_end(&b);
}

static Jsonb *
ladder_document(List *ladder)
{
	List	   *steps = NIL;
	ListCell   *cell;

	foreach(cell, ladder)
	{
		const HitlLadderStep *step = lfirst(cell);
		HitlDecisionType type;
		JsonBuilder b;

		json_begin(&b);
		json_add_string(&b, "after", reader_interval(step->after_ms));
		json_add_string(&b, "if", step->unless_claimed ? "not_claimed" : "not_decided");
		json_add_string(&b, "do", name_ladder_action(step->action));
		if (step->role != NULL)
			json_add_string(&b, "role", step->role);
		if (step->action == HITL_LADDER_PRIORITY)
			json_add_int64(&b, "priority", step->priority);
		if (step->decision != NULL)
		{
			json_add_jsonb(&b, "decision", step->decision);
			if (name_find_decision_type(json_get_string(step->decision, "type"), &type) &&
				(type == HITL_DECISION_APPROVE || type == HITL_DECISION_EDIT))
				json_add_bool(&b, "without_a_person", true);
		}
		if (step->n_repeats > 0)
		{
			json_add_int64(&b, "repeat", step->n_repeats);
			json_add_string(&b, "every", reader_interval(step->every_ms));
		}
		steps = lappend(steps, json_end(&b));
	}
	return json_list(steps);
}

/*
 * A policy as a document: all that is in force, also what nobody has said; what
 * is not there is left out.  Policies that are the same give the same.
 */
Jsonb *
policy_document(const HitlPolicy *policy)
{
	List	   *roles = NIL;
	List	   *vetoes = NIL;
	JsonBuilder b;

	for (int i = 0; i < policy->n_groups; i++)
	{
		roles = lappend(roles, policy->groups[i].role);
		if (policy->groups[i].has_veto)
			vetoes = lappend(vetoes, policy->groups[i].role);
	}
	json_begin(&b);
	json_add_jsonb(&b, "allowed", decisions_document(policy->allowed));
	if (roles != NIL)
		json_add_jsonb(&b, "groups", json_string_list(roles));
	json_add_jsonb(&b, "quorum", quorum_document(policy));
	if (vetoes != NIL)
		json_add_jsonb(&b, "veto", json_string_list(vetoes));
	else
		json_add_bool(&b, "veto", policy->has_veto);
	json_add_bool(&b, "starter_may_decide", policy->starter_may_decide);
	json_add_bool(&b, "previous_decider_may_decide", policy->previous_decider_may_decide);
	json_add_bool(&b, "editor_may_decide_alone", policy->editor_may_decide_alone);
	json_add_bool(&b, "automation_may_decide", policy->automation_may_decide);
	json_add_bool(&b, "asserted_may_decide", policy->asserted_may_decide);
	json_add_bool(&b, "may_delegate", policy->may_delegate);
	json_add_bool(&b, "claim_required", policy->needs_claim);
	if (policy->needs_reason == 0 || policy->needs_reason == HITL_DECISION_ALL)
		json_add_bool(&b, "reason_required", policy->needs_reason != 0);
	else
		json_add_jsonb(&b, "reason_required", decisions_document(policy->needs_reason));
	if (policy->is_edit_limited)
		json_add_jsonb(&b, "editable", json_string_list(policy->editable));
	if (policy->args_schema != NULL)
		json_add_jsonb(&b, "args_schema", policy->args_schema);
	if (policy->response_schema != NULL)
		json_add_jsonb(&b, "response_schema", policy->response_schema);
	if (policy->validator != NULL)
		json_add_string(&b, "validator", policy->validator);
	if (policy->guard != NULL)
		json_add_string(&b, "guard", policy->guard);
	if (policy->business_time != NULL)
		json_add_string(&b, "business_time", policy->business_time);
	json_add_int64(&b, "priority", policy->priority);
	json_add_bool(&b, "hide_args", policy->hides_args);
	if (policy->due_in_ms > 0)
		json_add_string(&b, "due_in", reader_interval(policy->due_in_ms));
	if (policy->expires_in_ms > 0)
		json_add_string(&b, "expires_in", reader_interval(policy->expires_in_ms));
	if (policy->warn_before_ms > 0)
		json_add_string(&b, "warn_before", reader_interval(policy->warn_before_ms));
	if (policy->claim_for_ms > 0)
		json_add_string(&b, "claim_for", reader_interval(policy->claim_for_ms));
	if (policy->notify != NIL)
		json_add_jsonb(&b, "notify", json_string_list(policy->notify));
	json_add_jsonb(&b, "on_expiry", expiry_document(policy));
	if (policy->ladder != NIL)
		json_add_jsonb(&b, "ladder", ladder_document(policy->ladder));
	return json_end(&b);
}
