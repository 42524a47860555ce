/*
 * hitl_test.c
 *    The pure logic of layer 1, and the words and JSON of layer 0, as SQL
 *    functions: for test/unit only, never installed with the extension.
 *
 * A function here decodes its arguments, calls one function of src/, encodes
 * the result, and decides nothing; what is right is said in the SQL that
 * calls it.  Linked from the objects of those layers alone: that it links at
 * all proves that they need neither SPI nor shared memory, settings or clock.
 *
 * Memory: the caller's.
 */
#include "postgres.h"

#include "answer.h"
#include "catalog/pg_type.h"
#include "content.h"
#include "definition.h"
#include "document.h"
#include "delta.h"
#include "fmgr.h"
#include "frontier.h"
#include "gate.h"
#include "json.h"
#include "ladder.h"
#include "lifecycle.h"
#include "mail.h"
#include "names.h"
#include "policy.h"
#include "question.h"
#include "quorum.h"
#include "pattern.h"
#include "reducer.h"
#include "rule.h"
#include "schema.h"
#include "subgraph.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "wording.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(unit_words);
PG_FUNCTION_INFO_V1(unit_ladder_plan);
PG_FUNCTION_INFO_V1(unit_ladder_verdict);
PG_FUNCTION_INFO_V1(unit_ladder_next);
PG_FUNCTION_INFO_V1(unit_ladder_compare);
PG_FUNCTION_INFO_V1(unit_thread_may_move);
PG_FUNCTION_INFO_V1(unit_task_may_move);
PG_FUNCTION_INFO_V1(unit_interrupt_may_move);
PG_FUNCTION_INFO_V1(unit_thread_has_ended);
PG_FUNCTION_INFO_V1(unit_step_is_complete);
PG_FUNCTION_INFO_V1(unit_thread_status);
PG_FUNCTION_INFO_V1(unit_count_move);
PG_FUNCTION_INFO_V1(unit_error_verdict);
PG_FUNCTION_INFO_V1(unit_conflict_delay_ms);
PG_FUNCTION_INFO_V1(unit_may_retry);
PG_FUNCTION_INFO_V1(unit_retry_delay_ms);
PG_FUNCTION_INFO_V1(unit_crash_delay_ms);
PG_FUNCTION_INFO_V1(unit_definition);
PG_FUNCTION_INFO_V1(unit_find_node);
PG_FUNCTION_INFO_V1(unit_next);
PG_FUNCTION_INFO_V1(unit_faults);
PG_FUNCTION_INFO_V1(unit_route);
PG_FUNCTION_INFO_V1(unit_command);
PG_FUNCTION_INFO_V1(unit_targets);
PG_FUNCTION_INFO_V1(unit_initial);
PG_FUNCTION_INFO_V1(unit_reduce);
PG_FUNCTION_INFO_V1(unit_delta);
PG_FUNCTION_INFO_V1(unit_apply);
PG_FUNCTION_INFO_V1(unit_subgraph_input);
PG_FUNCTION_INFO_V1(unit_subgraph_output);
PG_FUNCTION_INFO_V1(unit_gate_predicate_fault);
PG_FUNCTION_INFO_V1(unit_gate_question);
PG_FUNCTION_INFO_V1(unit_gate_apply);
PG_FUNCTION_INFO_V1(unit_policy);
PG_FUNCTION_INFO_V1(unit_wording);
PG_FUNCTION_INFO_V1(unit_tally);
PG_FUNCTION_INFO_V1(unit_rules);
PG_FUNCTION_INFO_V1(unit_action_matches);
PG_FUNCTION_INFO_V1(unit_answer);
PG_FUNCTION_INFO_V1(unit_decision);
PG_FUNCTION_INFO_V1(unit_question);
PG_FUNCTION_INFO_V1(unit_actions);
PG_FUNCTION_INFO_V1(unit_difference);
PG_FUNCTION_INFO_V1(unit_content);
PG_FUNCTION_INFO_V1(unit_schema_faults);
PG_FUNCTION_INFO_V1(unit_schema_violation);
PG_FUNCTION_INFO_V1(unit_pattern_fault);
PG_FUNCTION_INFO_V1(unit_pattern_matches);
PG_FUNCTION_INFO_V1(unit_json_merge);
PG_FUNCTION_INFO_V1(unit_json_equal);
PG_FUNCTION_INFO_V1(unit_json_difference);
PG_FUNCTION_INFO_V1(unit_json_keys);
PG_FUNCTION_INFO_V1(unit_json_type);
PG_FUNCTION_INFO_V1(unit_json_get);
PG_FUNCTION_INFO_V1(unit_json_array);
PG_FUNCTION_INFO_V1(unit_json_object);
PG_FUNCTION_INFO_V1(unit_mail_line);
PG_FUNCTION_INFO_V1(unit_mail_quote);
PG_FUNCTION_INFO_V1(unit_mail_address_fault);
PG_FUNCTION_INFO_V1(unit_mail_is_mailbox);
PG_FUNCTION_INFO_V1(unit_mail_header);
PG_FUNCTION_INFO_V1(unit_mail_date);
PG_FUNCTION_INFO_V1(unit_mail_body);

/* ------------------------------------------------------------------ decoding */

/* NULL for SQL NULL, here and below */
static char *
arg_string(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Jsonb *
arg_jsonb(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n);
}

static Datum
text_or_null(FunctionCallInfo fcinfo, const char *string)
{
	if (string == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(string));
}

static Datum
text_array(List *strings)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, strings)
		elements[n++] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A graph from its document; what is wrong with it is unit_definition()'s to tell. */
static HitlGraphVersion *
arg_graph(FunctionCallInfo fcinfo, int n)
{
	List	   *faults = NIL;
	HitlGraphVersion *graph = definition_parse(PG_GETARG_JSONB_P(n), &faults);

	graph->name = pstrdup("g");
	return graph;
}

/* The one node of a document made for it: {"nodes": {"n": {"handler": "f", key: value}}}. */
static const HitlNode *
arg_node_with(FunctionCallInfo fcinfo, int n, const char *key)
{
	List	   *faults = NIL;
	JsonBuilder node;
	JsonBuilder nodes;
	JsonBuilder document;

	json_begin(&node);
	json_add_string(&node, "handler", "f");
	json_add_jsonb(&node, key, arg_jsonb(fcinfo, n));
	json_begin(&nodes);
	json_add_jsonb(&nodes, "n", json_end(&node));
	json_begin(&document);
	json_add_jsonb(&document, "nodes", json_end(&nodes));
	return &definition_parse(json_end(&document), &faults)->nodes[0];
}

/* tasks: [{"node", "update", "targets", "is_diverted"}, ...], all done */
static List *
arg_tasks(FunctionCallInfo fcinfo, int n)
{
	List	   *tasks = NIL;
	ListCell   *cell;

	foreach(cell, json_elements(PG_GETARG_JSONB_P(n)))
	{
		Jsonb	   *json = lfirst(cell);
		HitlTask   *task = palloc0(sizeof(HitlTask));

		task->node = json_get_string(json, "node");
		task->status = HITL_TASK_DONE;
		task->update = json_get(json, "update");
		task->targets = targets_parse(json_get(json, "targets"));
		(void) json_get_bool(json_get(json, "is_diverted"), &task->is_diverted);
		tasks = lappend(tasks, task);
	}
	return tasks;
}

/* ------------------------------------------------------------- words (names.c) */

/* Every word of every state, there and back: "thread running", … */
Datum
unit_words(PG_FUNCTION_ARGS)
{
	List	   *words = NIL;
	HitlDecisionType type;

	(void) fcinfo;
	for (int i = HITL_THREAD_RUNNING; i <= HITL_THREAD_CANCELLED; i++)
		if ((int) name_to_thread_status(name_thread_status(i)) == i)
			words = lappend(words, psprintf("thread %s", name_thread_status(i)));
	for (int i = HITL_TASK_READY; i <= HITL_TASK_CANCELLED; i++)
		if ((int) name_to_task_status(name_task_status(i)) == i)
			words = lappend(words, psprintf("task %s", name_task_status(i)));
	for (int i = HITL_INTERRUPT_PENDING; i <= HITL_INTERRUPT_SUPERSEDED; i++)
		if ((int) name_to_interrupt_status(name_interrupt_status(i)) == i)
			words = lappend(words, psprintf("interrupt %s", name_interrupt_status(i)));
	for (int i = HITL_DECISION_APPROVE; i < HITL_DECISION_TYPES; i++)
		if (name_find_decision_type(name_decision_type(i), &type) && (int) type == i)
			words = lappend(words, psprintf("decision %s", name_decision_type(i)));
	if (!name_find_decision_type("agree", &type))
		words = lappend(words, psprintf("all: %s", name_decision_list(HITL_DECISION_ALL)));
	return text_array(words);
}

/* ------------------------------------------------------------------- ladder.c */

static int64
member_int64(Jsonb *object, const char *key)
{
	double		number;

	return json_get_number(json_get(object, key), &number) ? (int64) number : 0;
}

/* {"warn_before_ms", "ladder": [{"after_ms", "unless_claimed", "n_repeats", "every_ms"}]}; NULL: none */
static HitlPolicy *
arg_ladder(FunctionCallInfo fcinfo, int n)
{
	Jsonb	   *document = arg_jsonb(fcinfo, n);
	HitlPolicy *policy;
	Jsonb	   *ladder;
	ListCell   *cell;

	if (document == NULL)
		return NULL;
	policy = palloc0(sizeof(HitlPolicy));
	policy->warn_before_ms = member_int64(document, "warn_before_ms");
	ladder = json_get(document, "ladder");
	if (ladder == NULL)
		return policy;
	foreach(cell, json_elements(ladder))
	{
		HitlLadderStep *step = palloc0(sizeof(HitlLadderStep));

		step->after_ms = member_int64(lfirst(cell), "after_ms");
		step->n_repeats = (int) member_int64(lfirst(cell), "n_repeats");
		step->every_ms = member_int64(lfirst(cell), "every_ms");
		(void) json_get_bool(json_get(lfirst(cell), "unless_claimed"), &step->unless_claimed);
		policy->ladder = lappend(policy->ladder, step);
	}
	return policy;
}

/* {"kind", "step", "round", "at"} */
static HitlTimer *
arg_timer(FunctionCallInfo fcinfo, int n)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(n);
	HitlTimer  *timer = palloc0(sizeof(HitlTimer));

	timer->kind = name_to_timer_kind(json_get_string(document, "kind"));
	timer->step = (int) member_int64(document, "step");
	timer->round = (int) member_int64(document, "round");
	timer->planned_at = timer->due_at =
		DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(json_get_string(document, "at")),
												ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return timer;
}

static Jsonb *
timer_document(const HitlTimer *timer)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "kind", name_timer_kind(timer->kind));
	json_add_int64(&b, "step", timer->step);
	json_add_int64(&b, "round", timer->round);
	json_add_time(&b, "at", timer->due_at);
	return json_end(&b);
}

static TimestampTz
arg_time(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(n);
}

/* (policy, opened_at, due_at, expires_at) */
Datum
unit_ladder_plan(PG_FUNCTION_ARGS)
{
	HitlInterrupt interrupt = {.opened_at = arg_time(fcinfo, 1), .due_at = arg_time(fcinfo, 2), .expires_at = arg_time(fcinfo, 3)};
	HitlPolicy *policy = arg_ladder(fcinfo, 0);
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, list_concat(ladder_deadlines(policy, &interrupt), ladder_steps(policy, interrupt.opened_at, NULL, NULL)))
		documents = lappend(documents, timer_document(lfirst(cell)));
	PG_RETURN_JSONB_P(json_list(documents));
}

/* (policy, timer, now, status, claimed_until, due_at, expires_at) */
Datum
unit_ladder_verdict(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {
		[HITL_TIMER_FIRES] = "fires", [HITL_TIMER_WAITS] = "waits", [HITL_TIMER_DROPS] = "drops"
	};
	HitlInterrupt interrupt = {
		.status = name_to_interrupt_status(arg_string(fcinfo, 3)),
		.claimed_by = PG_ARGISNULL(4) ? NULL : "mia",
		.claimed_until = arg_time(fcinfo, 4),
		.due_at = arg_time(fcinfo, 5),
		.expires_at = arg_time(fcinfo, 6)
	};

	return text_or_null(fcinfo, words[ladder_verdict(arg_ladder(fcinfo, 0), &interrupt, arg_timer(fcinfo, 1), arg_time(fcinfo, 2))]);
}

/* (policy, timer, now) */
Datum
unit_ladder_next(PG_FUNCTION_ARGS)
{
	HitlTimer  *next = ladder_next(arg_ladder(fcinfo, 0), arg_timer(fcinfo, 1), arg_time(fcinfo, 2), NULL, NULL);

	if (next == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(timer_document(next));
}

Datum
unit_ladder_compare(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(ladder_compare(arg_timer(fcinfo, 0), arg_timer(fcinfo, 1)));
}

/* ---------------------------------------------------------------- lifecycle.c */

Datum
unit_thread_may_move(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_thread_may_move(name_to_thread_status(arg_string(fcinfo, 0)),
											 name_to_thread_status(arg_string(fcinfo, 1))));
}

Datum
unit_task_may_move(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_task_may_move(name_to_task_status(arg_string(fcinfo, 0)),
										   name_to_task_status(arg_string(fcinfo, 1))));
}

Datum
unit_interrupt_may_move(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_interrupt_may_move(name_to_interrupt_status(arg_string(fcinfo, 0)),
												name_to_interrupt_status(arg_string(fcinfo, 1))));
}

Datum
unit_thread_has_ended(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_thread_has_ended(name_to_thread_status(arg_string(fcinfo, 0))));
}

/* ready, done (which are not counted), interrupted, failed, waiting */
static HitlTaskCounts
arg_counts(FunctionCallInfo fcinfo)
{
	HitlTaskCounts counts = {
		.ready = PG_GETARG_INT32(0),
		.interrupted = PG_GETARG_INT32(2),
		.failed = PG_GETARG_INT32(3),
		.waiting = PG_GETARG_INT32(4)
	};

	return counts;
}

Datum
unit_step_is_complete(PG_FUNCTION_ARGS)
{
	HitlTaskCounts counts = arg_counts(fcinfo);

	PG_RETURN_BOOL(lifecycle_step_is_complete(&counts));
}

Datum
unit_thread_status(PG_FUNCTION_ARGS)
{
	HitlTaskCounts counts = arg_counts(fcinfo);

	return text_or_null(fcinfo, name_thread_status(lifecycle_thread_status(&counts)));
}

Datum
unit_error_verdict(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {
		[HITL_ERROR_FAIL] = "fail",
		[HITL_ERROR_RETRY] = "retry",
		[HITL_ERROR_PUT_BACK] = "put back",
	};
	const char *code = arg_string(fcinfo, 0);

	return text_or_null(fcinfo, words[lifecycle_error_verdict(MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4]))]);
}

Datum
unit_conflict_delay_ms(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(lifecycle_conflict_delay_ms(PG_GETARG_INT32(0)));
}

/* ({ready, done (not counted), interrupted, failed}, from, to): the counts after the move */
Datum
unit_count_move(PG_FUNCTION_ARGS)
{
	Datum	   *elements;
	int			n_elements;
	HitlTaskCounts counts = {0};
	Datum		result[5];

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &elements, NULL, &n_elements);
	if (n_elements != 5)
		elog(ERROR, "five counts are needed");
	counts.ready = DatumGetInt32(elements[0]);
	counts.interrupted = DatumGetInt32(elements[2]);
	counts.failed = DatumGetInt32(elements[3]);
	counts.waiting = DatumGetInt32(elements[4]);
	lifecycle_count_move(&counts, name_to_task_status(arg_string(fcinfo, 1)), name_to_task_status(arg_string(fcinfo, 2)));
	result[0] = Int32GetDatum(counts.ready);
	result[1] = elements[1];
	result[2] = Int32GetDatum(counts.interrupted);
	result[3] = Int32GetDatum(counts.failed);
	result[4] = Int32GetDatum(counts.waiting);
	PG_RETURN_ARRAYTYPE_P(construct_array(result, 5, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* (crashes, random from 0 to 1) */
Datum
unit_crash_delay_ms(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(lifecycle_crash_delay_ms(PG_GETARG_INT32(0), PG_GETARG_FLOAT8(1)));
}

/* (retry as in a definition, attempt, SQLSTATE) */
Datum
unit_may_retry(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lifecycle_may_retry(&arg_node_with(fcinfo, 0, "retry")->retry, PG_GETARG_INT32(1), arg_string(fcinfo, 2)));
}

/* (retry as in a definition, attempt, random from 0 to 1) */
Datum
unit_retry_delay_ms(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(lifecycle_retry_delay_ms(&arg_node_with(fcinfo, 0, "retry")->retry, PG_GETARG_INT32(1), PG_GETARG_FLOAT8(2)));
}

/* ------------------------------------------------------- policy.c, quorum.c, rule.c */

/* {"document": written again, "roles": [...], "faults": [sentence, ...]} */
Datum
unit_policy(PG_FUNCTION_ARGS)
{
	List	   *faults = NIL;
	HitlPolicy *policy = policy_read(PG_GETARG_JSONB_P(0), &faults);
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "document", faults == NIL ? policy_document(policy) : NULL);
	json_add_jsonb(&b, "roles", json_string_list(policy_roles(policy)));
	json_add_jsonb(&b, "faults", json_string_list(faults));
	PG_RETURN_JSONB_P(json_end(&b));
}

/* What a policy says, in sentences. */
Datum
unit_wording(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(json_string_list(wording_policy(policy_parse(PG_GETARG_JSONB_P(0)))));
}

/* The strings of an array at a key; NIL when it is not there. */
static List *
strings_at(Jsonb *json, const char *key)
{
	List	   *strings = NIL;
	ListCell   *cell;

	if (json_get(json, key) != NULL)
		foreach(cell, json_elements(json_get(json, key)))
			strings = lappend(strings, json_scalar_string(lfirst(cell)));
	return strings;
}

static int
int_at(Jsonb *json, const char *key, int missing)
{
	double		number = missing;

	(void) json_get_number(json_get(json, key), &number);
	return (int) number;
}

/*
 * (policy or NULL, votes [{"voter", "type", "for", "groups", "withdrawn",
 * "revision"}, ...], revision, proposed_by, members [{"role", "persons"}, ...])
 */
Datum
unit_tally(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {
		[HITL_TALLY_WAIT] = "wait",
		[HITL_TALLY_PASSED] = "passed",
		[HITL_TALLY_REJECTED] = "rejected",
	};
	HitlPolicy *policy = PG_ARGISNULL(0) ? NULL : policy_parse(PG_GETARG_JSONB_P(0));
	List	   *votes = NIL;
	List	   *members = NIL;
	HitlTally	tally;
	ListCell   *cell;
	JsonBuilder b;

	foreach(cell, json_elements(PG_GETARG_JSONB_P(1)))
	{
		Jsonb	   *json = lfirst(cell);
		HitlVote   *vote = palloc0(sizeof(HitlVote));
		char	   *type = json_get_string(json, "type");

		vote->vote_id = foreach_current_index(cell) + 1;
		vote->revision = int_at(json, "revision", 1);
		vote->voter = json_get_string(json, "voter");
		vote->on_behalf_of = json_get_string(json, "for");
		vote->groups = strings_at(json, "groups");
		(void) json_get_bool(json_get(json, "withdrawn"), &vote->is_withdrawal);
		if (type != NULL && !name_find_decision_type(type, &vote->type))
			elog(ERROR, "no type of decision: %s", type);
		votes = lappend(votes, vote);
	}
	if (!PG_ARGISNULL(4))
		foreach(cell, json_elements(PG_GETARG_JSONB_P(4)))
		{
			HitlMembers *group = palloc0(sizeof(HitlMembers));

			group->role = json_get_string(lfirst(cell), "role");
			group->persons = strings_at(lfirst(cell), "persons");
			members = lappend(members, group);
		}
	tally = quorum_tally(policy, votes, PG_GETARG_INT32(2), arg_string(fcinfo, 3), members);
	json_begin(&b);
	json_add_string(&b, "verdict", words[tally.verdict]);
	json_add_int64(&b, "votes", tally.votes);
	json_add_int64(&b, "needed", tally.needed);
	json_add_jsonb(&b, "missing", json_string_list(tally.missing));
	PG_RETURN_JSONB_P(json_end(&b));
}

/*
 * What rules say of a question of node n in graph 1: (rules [{"name", "policy",
 * "action", "graph", "node", "args", "skip_when"}, ...], payload, may skip):
 * "none", "policy 1: name", "skip: names" or "conflict: names".
 */
Datum
unit_rules(PG_FUNCTION_ARGS)
{
	List	   *rules = NIL;
	StringInfoData text;
	HitlRuling	ruling;
	ListCell   *cell;

	foreach(cell, json_elements(PG_GETARG_JSONB_P(0)))
	{
		Jsonb	   *json = lfirst(cell);
		HitlRule   *rule = palloc0(sizeof(HitlRule));

		rule->name = json_get_string(json, "name");
		rule->policy_id = int_at(json, "policy", 0);
		rule->action = json_get_string(json, "action");
		rule->graph_id = int_at(json, "graph", 0);
		rule->node = json_get_string(json, "node");
		rule->args = json_get_string(json, "args");
		rule->skip_when = json_get_string(json, "skip_when");
		rules = lappend(rules, rule);
	}
	ruling = rule_choose(rules, question_parse(arg_jsonb(fcinfo, 1), "k"), 1, "n", PG_GETARG_BOOL(2));
	initStringInfo(&text);
	switch (ruling.verdict)
	{
		case HITL_RULE_NONE:
			appendStringInfoString(&text, "none");
			break;
		case HITL_RULE_POLICY:
			appendStringInfo(&text, "policy %d: %s", (int) ruling.rule->policy_id, ruling.rule->name);
			break;
		case HITL_RULE_SKIP:
			appendStringInfoString(&text, "skip:");
			foreach(cell, ruling.rules)
				appendStringInfo(&text, " %s", ((HitlRule *) lfirst(cell))->name);
			break;
		case HITL_RULE_CONFLICT:
			appendStringInfo(&text, "conflict: %s %s", ruling.rule->name, ruling.other->name);
			break;
	}
	return text_or_null(fcinfo, text.data);
}

Datum
unit_action_matches(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rule_action_matches(arg_string(fcinfo, 0), arg_string(fcinfo, 1)));
}

/* --------------------------------------------------------------- definition.c */

/* {"document": as it was understood, written again, "faults": [sentence, ...]} */
Datum
unit_definition(PG_FUNCTION_ARGS)
{
	List	   *faults = NIL;
	HitlGraphVersion *graph = definition_parse(PG_GETARG_JSONB_P(0), &faults);
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "document", faults == NIL ? document_write(graph) : NULL);
	json_add_jsonb(&b, "faults", json_string_list(faults));
	PG_RETURN_JSONB_P(json_end(&b));
}

/* ----------------------------------------------------------------- frontier.c */

Datum
unit_find_node(PG_FUNCTION_ARGS)
{
	const HitlNode *node = frontier_find_node(arg_graph(fcinfo, 0), arg_string(fcinfo, 1));

	return text_or_null(fcinfo, node != NULL ? node->name : NULL);
}

/* (definition, tasks, joins): {"next": [target, ...], "joins": {...}} */
Datum
unit_next(PG_FUNCTION_ARGS)
{
	Jsonb	   *joins = arg_jsonb(fcinfo, 2);
	List	   *next = frontier_next(arg_graph(fcinfo, 0), arg_tasks(fcinfo, 1), &joins);
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "next", next != NIL ? targets_document(next) : json_list(NIL));
	json_add_jsonb(&b, "joins", joins);
	PG_RETURN_JSONB_P(json_end(&b));
}

Datum
unit_faults(PG_FUNCTION_ARGS)
{
	return text_array(frontier_faults(arg_graph(fcinfo, 0)));
}

/* (definition, what the first router returned): the targets */
Datum
unit_route(PG_FUNCTION_ARGS)
{
	HitlGraphVersion *graph = arg_graph(fcinfo, 0);
	Jsonb	   *targets = targets_document(targets_from_route(graph, &graph->branches[0], arg_jsonb(fcinfo, 1)));

	if (targets == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(targets);
}

/* (definition, node, what it returned): {"update", "targets"} */
Datum
unit_command(PG_FUNCTION_ARGS)
{
	HitlGraphVersion *graph = arg_graph(fcinfo, 0);
	Jsonb	   *update;
	List	   *targets = targets_from_command(graph, frontier_find_node(graph, arg_string(fcinfo, 1)), arg_jsonb(fcinfo, 2), &update);
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "update", update);
	json_add_jsonb(&b, "targets", targets_document(targets));
	PG_RETURN_JSONB_P(json_end(&b));
}

/* Targets as a document, read and written again. */
Datum
unit_targets(PG_FUNCTION_ARGS)
{
	Jsonb	   *targets = targets_document(targets_parse(arg_jsonb(fcinfo, 0)));

	if (targets == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(targets);
}

/* ------------------------------------------------------------------ reducer.c */

Datum
unit_initial(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(reducer_initial(arg_graph(fcinfo, 0)));
}

/* An author's reducer that hides nothing of how it was called: [channel, current, [update, ...]]. */
static Jsonb *
call_author(void *arg, const HitlChannel *channel, Jsonb *current, List *updates)
{
	(void) arg;
	return json_list(list_make3(json_string(channel->name), current != NULL ? current : json_string("none"), json_list(updates)));
}

/* (definition, state, tasks): what changed; a task with no "update" is that of a node that returned NULL */
Datum
unit_reduce(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(reducer_apply(arg_graph(fcinfo, 0), PG_GETARG_JSONB_P(1), arg_tasks(fcinfo, 2), call_author, NULL));
}

/* ----------------------------------------------------------------- subgraph.c */

/* unit_subgraph_input(map, given) */
Datum
unit_subgraph_input(PG_FUNCTION_ARGS)
{
	HitlSubgraph subgraph = {.input = arg_jsonb(fcinfo, 0)};

	PG_RETURN_JSONB_P(subgraph_input(&subgraph, PG_GETARG_JSONB_P(1)));
}

/* unit_subgraph_output(map, before, after) */
Datum
unit_subgraph_output(PG_FUNCTION_ARGS)
{
	HitlSubgraph subgraph = {.output = arg_jsonb(fcinfo, 0)};

	PG_RETURN_JSONB_P(subgraph_output(&subgraph, PG_GETARG_JSONB_P(1), PG_GETARG_JSONB_P(2)));
}

/* -------------------------------------------------------------------- delta.c */

/* unit_delta(state, changes): {"values", "patch"} */
Datum
unit_delta(PG_FUNCTION_ARGS)
{
	HitlDelta	delta = delta_make(arg_jsonb(fcinfo, 0), arg_jsonb(fcinfo, 1));
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, "values", delta.values);
	if (delta.patch != NULL)
		json_add_jsonb(&b, "patch", delta.patch);
	PG_RETURN_JSONB_P(json_end(&b));
}

/* unit_apply(state, deltas jsonb[]): the state with all of them laid over it */
Datum
unit_apply(PG_FUNCTION_ARGS)
{
	HitlDelta  *deltas;
	Datum	   *elements;
	int			n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), JSONBOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	deltas = palloc(sizeof(HitlDelta) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		deltas[i].values = json_get(DatumGetJsonbP(elements[i]), "values");
		deltas[i].patch = json_get(DatumGetJsonbP(elements[i]), "patch");
	}
	PG_RETURN_JSONB_P(delta_apply(arg_jsonb(fcinfo, 0), deltas, n));
}

/* --------------------------------------------------------------------- gate.c */

/* what is wrong with a predicate */
Datum
unit_gate_predicate_fault(PG_FUNCTION_ARGS)
{
	Datum		predicate = DirectFunctionCall1(jsonpath_in, CStringGetDatum(arg_string(fcinfo, 0)));

	return text_or_null(fcinfo, gate_predicate_fault(DatumGetCString(DirectFunctionCall1(jsonpath_out, predicate))));
}

/* (gate as in a definition, state): what it asks, {"action", "args", "allowed", "payload"}; NULL: nothing */
Datum
unit_gate_question(PG_FUNCTION_ARGS)
{
	HitlGate   *gate = arg_node_with(fcinfo, 0, "gate")->gate;
	HitlQuestion *question;
	JsonBuilder b;

	if (gate_skips(gate, PG_GETARG_JSONB_P(1)))
		PG_RETURN_NULL();
	question = gate_question(gate, PG_GETARG_JSONB_P(1), "k");
	json_begin(&b);
	json_add_string(&b, "action", question->action);
	json_add_jsonb(&b, "args", question->args);
	json_add_string(&b, "allowed", name_decision_list(question->allowed));
	json_add_jsonb(&b, "payload", question->payload);
	PG_RETURN_JSONB_P(json_end(&b));
}

/* (gate as in a definition, decision, state): {"verdict", "state": as the node gets it, "update"} */
Datum
unit_gate_apply(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {
		[HITL_GATE_RUN] = "run",
		[HITL_GATE_OUTPUT] = "output",
		[HITL_GATE_REJECTED] = "rejected",
	};
	Jsonb	   *state = PG_GETARG_JSONB_P(2);
	Jsonb	   *update;
	HitlGateVerdict verdict = gate_apply(arg_node_with(fcinfo, 0, "gate")->gate, PG_GETARG_JSONB_P(1), &state, &update);
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "verdict", words[verdict]);
	json_add_jsonb(&b, "state", state);
	json_add_jsonb(&b, "update", update);
	PG_RETURN_JSONB_P(json_end(&b));
}

/* ------------------------------------------------------------------- answer.c */

/* A decision as it was understood, written again. */
Datum
unit_answer(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(answer_document(answer_parse(PG_GETARG_JSONB_P(0))));
}

/* (payload, decision, by, at): what the node is handed, or the refusal */
Datum
unit_decision(PG_FUNCTION_ARGS)
{
	HitlQuestion *question = question_parse(arg_jsonb(fcinfo, 0), "k");
	HitlAnswer *answer = answer_parse(PG_GETARG_JSONB_P(1));

	answer_check(answer, question, 42);
	PG_RETURN_JSONB_P(answer_decision(answer, question, arg_string(fcinfo, 2), PG_GETARG_TIMESTAMPTZ(3)));
}

static Jsonb *
question_document(const HitlQuestion *question)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "action", question->action);
	json_add_jsonb(&b, "args", question->args);
	json_add_string(&b, "description", question->description);
	json_add_string(&b, "allowed", name_decision_list(question->allowed));
	return json_end(&b);
}

/* What is read from a payload. */
Datum
unit_question(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(question_document(question_parse(arg_jsonb(fcinfo, 0), "k")));
}

/* the actions of a payload, as questions; NULL: it is no batch */
Datum
unit_actions(PG_FUNCTION_ARGS)
{
	List	   *actions = question_actions(question_parse(arg_jsonb(fcinfo, 0), "k"));
	List	   *documents = NIL;
	ListCell   *cell;

	foreach(cell, actions)
		documents = lappend(documents, question_document(lfirst(cell)));
	if (actions == NIL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(json_list(documents));
}

/* (payload, key, payload, key): where the contents differ */
Datum
unit_difference(PG_FUNCTION_ARGS)
{
	HitlQuestion *a = question_parse(arg_jsonb(fcinfo, 0), arg_string(fcinfo, 1));
	HitlQuestion *b = question_parse(arg_jsonb(fcinfo, 2), arg_string(fcinfo, 3));

	return text_or_null(fcinfo, question_difference(a, b));
}

/* (payload, key, proposal): the hash of its content */
Datum
unit_content(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(content_hash(question_parse(arg_jsonb(fcinfo, 0), arg_string(fcinfo, 1)),
												  arg_jsonb(fcinfo, 2))));
}

/* ------------------------------------------------------- schema.c, pattern.c */

Datum
unit_schema_faults(PG_FUNCTION_ARGS)
{
	return text_array(schema_faults(PG_GETARG_JSONB_P(0)));
}

/* (schema, value) */
Datum
unit_schema_violation(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, schema_violation(PG_GETARG_JSONB_P(0), arg_jsonb(fcinfo, 1)));
}

Datum
unit_pattern_fault(PG_FUNCTION_ARGS)
{
	char	   *pattern = arg_string(fcinfo, 0);

	return text_or_null(fcinfo, pattern_fault(pattern, strlen(pattern)));
}

/* (pattern, string) */
Datum
unit_pattern_matches(PG_FUNCTION_ARGS)
{
	char	   *pattern = arg_string(fcinfo, 0);
	char	   *string = arg_string(fcinfo, 1);

	PG_RETURN_BOOL(pattern_matches(pattern, strlen(pattern), string, strlen(string)));
}

/* --------------------------------------------------------------------- json.c */

Datum
unit_json_merge(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(json_merge(PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)));
}

Datum
unit_json_equal(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(json_equal(arg_jsonb(fcinfo, 0), arg_jsonb(fcinfo, 1)));
}

Datum
unit_json_difference(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, json_difference(arg_jsonb(fcinfo, 0), arg_jsonb(fcinfo, 1), "it"));
}

Datum
unit_json_keys(PG_FUNCTION_ARGS)
{
	return text_array(json_keys(PG_GETARG_JSONB_P(0)));
}

Datum
unit_json_type(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = arg_jsonb(fcinfo, 0);

	return text_or_null(fcinfo, psprintf("%s%s%s", json_type(json),
										 json_is_object(json) ? ", is_object" : "",
										 json_is_null(json) ? ", is_null" : ""));
}

Datum
unit_json_get(PG_FUNCTION_ARGS)
{
	Jsonb	   *value = json_get(arg_jsonb(fcinfo, 0), arg_string(fcinfo, 1));

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(value);
}

/* two values as an array */
Datum
unit_json_array(PG_FUNCTION_ARGS)
{
	Jsonb	   *elements[] = {PG_GETARG_JSONB_P(0), PG_GETARG_JSONB_P(1)};

	PG_RETURN_JSONB_P(json_array(elements, lengthof(elements)));
}

/* (string, number, time, json) under a key each, one of them twice */
Datum
unit_json_object(PG_FUNCTION_ARGS)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "twice", "first");
	json_add_string(&b, "string", arg_string(fcinfo, 0));
	json_add_int64(&b, "number", PG_GETARG_INT64(1));
	json_add_time(&b, "time", PG_GETARG_TIMESTAMPTZ(2));
	json_add_jsonb(&b, "json", arg_jsonb(fcinfo, 3));
	json_add_string(&b, "twice", "last");
	PG_RETURN_JSONB_P(json_end(&b));
}

/* ---------------------------------------------------------------------- mail */

Datum
unit_mail_line(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_line(arg_string(fcinfo, 0), PG_GETARG_INT32(1)));
}

Datum
unit_mail_quote(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_quote(arg_string(fcinfo, 0), arg_string(fcinfo, 1)));
}

Datum
unit_mail_address_fault(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_address_fault(arg_string(fcinfo, 0)));
}

Datum
unit_mail_is_mailbox(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(mail_is_mailbox(arg_string(fcinfo, 0)));
}

Datum
unit_mail_header(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_header(arg_string(fcinfo, 0), arg_string(fcinfo, 1)));
}

Datum
unit_mail_date(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_date(PG_GETARG_TIMESTAMPTZ(0)));
}

Datum
unit_mail_body(PG_FUNCTION_ARGS)
{
	return text_or_null(fcinfo, mail_body(arg_string(fcinfo, 0)));
}
