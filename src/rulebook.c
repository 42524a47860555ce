/*
 * rulebook.c
 *    Policies and rules that are in force: make them, and have them at hand.
 *
 * A version of a policy never changes, so what was read of it is kept.  Rules
 * come and go; each process keeps all of them until somebody writes one
 * (rowcache.c): so a question costs no statement where there are no rules.
 *
 * Whose rules count: a superuser's for every graph, and before all others; else
 * those of roles that may act as the graph's owner.  That is asked anew for each
 * question, for roles change.
 *
 * A policy calls code in sessions of others: a validator in the voter's, a
 * business time in whoever's it is asked.  It must belong to a superuser or to
 * hitl's owner, whom everybody here trusts anyway.  A guard runs as the graph's
 * owner, as his routers do, and may be his.
 *
 * Layer 3.  Memory: "hitl policies", for the life of the process.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "audit.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "clock.h"
#include "compat.h"
#include "db.h"
#include "function.h"
#include "gate.h"
#include "graph.h"
#include "json.h"
#include "miscadmin.h"
#include "policy.h"
#include "quorum.h"
#include "rights.h"
#include "rowcache.h"
#include "rulebook.h"
#include "store_breakpoint.h"
#include "store_graph.h"
#include "store_policy.h"
#include "store_rule.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* ------------------------------------------------------------ policies in memory */

typedef struct PolicyKey
{
	Oid			relation;		/* hitl.policy: another one after DROP and
								 * CREATE EXTENSION */
	int			version;
	int64		policy_id;
} PolicyKey;

typedef struct PolicyEntry
{
	PolicyKey	key;
	HitlPolicy *policy;
} PolicyEntry;

static MemoryContext policy_context = NULL;
static HTAB *policy_table = NULL;

static PolicyKey
make_key(int64 policy_id, int version)
{
	PolicyKey	key;

	memset(&key, 0, sizeof(key));
	key.relation = db_relation("policy");
	key.version = version;
	key.policy_id = policy_id;
	return key;
}

static const HitlPolicy *
find_kept(int64 policy_id, int version)
{
	PolicyKey	key = make_key(policy_id, version);
	PolicyEntry *entry;

	if (policy_table == NULL)
	{
		HASHCTL		control;

		policy_context = AllocSetContextCreate(TopMemoryContext, "hitl policies", ALLOCSET_DEFAULT_SIZES);
		memset(&control, 0, sizeof(control));
		control.keysize = sizeof(PolicyKey);
		control.entrysize = sizeof(PolicyEntry);
		control.hcxt = policy_context;
		policy_table = hash_create("hitl policies", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(policy_table, &key, HASH_FIND, NULL);
	return entry != NULL ? entry->policy : NULL;
}

static HitlPolicy *
parse_row(const HitlPolicyRow *row)
{
	HitlPolicy *policy = policy_parse(row->definition);

	policy->policy_id = row->policy_id;
	policy->version = row->version;
	policy->name = pstrdup(row->name);
	policy->owner = row->owner;
	for (int i = 0; row->groups != NULL && i < policy->n_groups; i++)
	{
		const char *oid = json_get_string(row->groups, policy->groups[i].role);

		policy->groups[i].oid = oid != NULL ? atooid(oid) : InvalidOid;
	}
	return policy;
}

/*
 * A row as a policy: kept, but not one that this transaction made itself and may
 * still roll back.
 */
static const HitlPolicy *
keep(const HitlPolicyRow *row)
{
	const HitlPolicy *kept = row->is_ours ? NULL : find_kept(row->policy_id, row->version);
	PolicyKey	key;
	PolicyEntry *entry;
	HitlPolicy *policy;
	MemoryContext old;

	if (kept != NULL)
		return kept;
	policy = parse_row(row);
	if (row->is_ours)
		return policy;
	/* read it again where it can stay, and only then enter it */
	old = MemoryContextSwitchTo(policy_context);
	policy = parse_row(row);
	MemoryContextSwitchTo(old);
	key = make_key(row->policy_id, row->version);
	entry = hash_search(policy_table, &key, HASH_ENTER, NULL);
	entry->policy = policy;
	return policy;
}

/* A version of a policy: that of an interrupt. */
const HitlPolicy *
rulebook_policy(int64 policy_id, int version)
{
	const HitlPolicy *kept = find_kept(policy_id, version);
	HitlPolicyRow *row;

	if (kept != NULL)
		return kept;
	row = store_policy_version(policy_id, version);
	if (row == NULL)
		elog(ERROR, "hitl has lost version %d of policy %lld", version, (long long) policy_id);
	return keep(row);
}

/* What a policy says now. */
const HitlPolicy *
rulebook_policy_latest(int64 policy_id)
{
	HitlPolicyRow *row = store_policy_find_id(policy_id);

	if (row == NULL || row->definition == NULL)
		elog(ERROR, "hitl has lost policy %lld", (long long) policy_id);
	return keep(row);
}

static void
error_unknown_policy(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("policy \"%s\" does not exist", name),
			 errdetail("No policy of that name was created in this database."),
			 errhint("SELECT policy FROM hitl.policies; or SELECT hitl.create_policy(%s, '{}');", quote_literal_cstr(name))));
}

/* The same by its name; an error when there is none. */
const HitlPolicy *
rulebook_policy_named(const char *name)
{
	HitlPolicyRow *row = store_policy_find(name);

	if (row == NULL)
		error_unknown_policy(name);
	return keep(row);
}

/* ---------------------------------------------------------- functions and members */

static const struct
{
	const char *key;
	Oid			args[2];
	Oid			result;
	const char *shape;
}			functions[] = {
	[HITL_POLICY_VALIDATOR] = {"validator", {JSONBOID, JSONBOID}, TEXTOID, "f(question jsonb, answer jsonb) returns text"},
	[HITL_POLICY_GUARD] = {"guard", {JSONBOID, JSONBOID}, BOOLOID, "f(question jsonb, decision jsonb) returns boolean"},
	[HITL_POLICY_BUSINESS_TIME] = {"business_time", {TIMESTAMPTZOID, INTERVALOID}, TIMESTAMPTZOID,
	"f(from timestamptz, wait interval) returns timestamptz"},
};

static char *
function_signature(const HitlPolicy *policy, HitlPolicyFunction kind)
{
	switch (kind)
	{
		case HITL_POLICY_VALIDATOR:
			return policy->validator;
		case HITL_POLICY_GUARD:
			return policy->guard;
		case HITL_POLICY_BUSINESS_TIME:
			return policy->business_time;
	}
	return NULL;
}

static void
refuse_function(int sqlstate, const char *signature, HitlPolicyFunction kind, const char *fault)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("the %s of a policy cannot be called", functions[kind].key),
			 errdetail("%s: %s.", signature, fault),
			 errhint("It must be a function %s.", functions[kind].shape)));
}

/*
 * May this function stand there?  graph_owner: whose graph it is called for, or
 * InvalidOid if that is not known yet.  Raises if not.
 */
static void
check_function(Oid oid, const char *signature, HitlPolicyFunction kind, Oid graph_owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	Form_pg_proc row;
	bool		fits;
	Oid			owner;
	bool		is_trusted;

	if (!HeapTupleIsValid(tuple))
		refuse_function(ERRCODE_UNDEFINED_FUNCTION, signature, kind, "the function does not exist");
	row = (Form_pg_proc) GETSTRUCT(tuple);
	fits = row->prokind == PROKIND_FUNCTION && !row->proretset && row->pronargs == 2 &&
		row->proargtypes.values[0] == functions[kind].args[0] &&
		row->proargtypes.values[1] == functions[kind].args[1] && row->prorettype == functions[kind].result;
	owner = row->proowner;
	ReleaseSysCache(tuple);
	if (!fits)
		refuse_function(ERRCODE_INVALID_FUNCTION_DEFINITION, signature, kind, "it has not that form");
	is_trusted = superuser_arg(owner) || owner == db_owner();
	if (kind == HITL_POLICY_GUARD)
		is_trusted |= !OidIsValid(graph_owner) || owner == graph_owner;
	if (!is_trusted)
		refuse_function(ERRCODE_INSUFFICIENT_PRIVILEGE, signature, kind,
						psprintf("it belongs to \"%s\", and would run in sessions of others", rights_role_name(owner)));
}

/*
 * A function that a policy names, checked and ready for the current user to
 * call; InvalidOid when it names none.  graph_owner: of the interrupt's graph.
 */
Oid
rulebook_function(const HitlPolicy *policy, HitlPolicyFunction kind, Oid graph_owner)
{
	const char *signature = function_signature(policy, kind);
	Oid			oid;

	if (signature == NULL)
		return InvalidOid;
	oid = function_find_typed(signature, 2, functions[kind].args);
	check_function(oid, signature, kind, graph_owner);
	if (compat_function_aclcheck(oid, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
		refuse_function(ERRCODE_INSUFFICIENT_PRIVILEGE, signature, kind,
						psprintf("role \"%s\" may not execute it", rights_role_name(GetUserId())));
	return oid;
}

/*
 * Call a validator or a business time of a policy, as the current user, who can
 * neither put something in the place of what it looks up (it is given the
 * search_path "pg_catalog, pg_temp") nor be done more by it than it returns (a
 * security-restricted operation).  The policy names one.
 */
Datum
rulebook_call(const HitlPolicy *policy, HitlPolicyFunction kind, Datum first, Datum second, bool *is_null)
{
	FmgrInfo	function;
	LOCAL_FCINFO(call, 2);
	Datum		result;
	Oid			user;
	int			security;
	int			level;

	fmgr_info(rulebook_function(policy, kind, InvalidOid), &function);
	InitFunctionCallInfoData(*call, &function, 2, InvalidOid, NULL, NULL);
	call->args[0].value = first;
	call->args[0].isnull = false;
	call->args[1].value = second;
	call->args[1].isnull = false;
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(user, security | SECURITY_RESTRICTED_OPERATION);
	level = compat_push_search_path();
	result = FunctionCallInvoke(call);
	*is_null = call->isnull;
	compat_pop_search_path(level);
	SetUserIdAndSecContext(user, security);
	return result;
}

/* A role as the policy names it, if it is one of its groups. */
static const char *
name_of_group(const HitlPolicy *policy, Oid role)
{
	for (int i = 0; i < policy->n_groups; i++)
		if (policy->groups[i].oid == role)
			return policy->groups[i].role;
	return rights_role_name(role);
}

/*
 * Those who may decide, for quorum_tally(): NIL where it need not know them.
 * audience: the roles of the interrupt, as Oid.
 */
List *
rulebook_members(const HitlPolicy *policy, List *audience)
{
	List	   *members = NIL;
	ListCell   *cell;

	if (!quorum_counts_members(policy))
		return NIL;
	foreach(cell, audience)
	{
		HitlMembers *group = palloc(sizeof(HitlMembers));

		group->role = (char *) name_of_group(policy, lfirst_oid(cell));
		group->persons = store_policy_members(lfirst_oid(cell));
		members = lappend(members, group);
	}
	return members;
}

/* ---------------------------------------------------------------- rules in memory */

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static void *
copy_rule(const void *row)
{
	HitlRule   *rule = palloc(sizeof(HitlRule));

	*rule = *(const HitlRule *) row;
	rule->name = copy_text(rule->name);
	rule->action = copy_text(rule->action);
	rule->node = copy_text(rule->node);
	rule->args = copy_text(rule->args);
	rule->skip_when = copy_text(rule->skip_when);
	return rule;
}

/* in the order in which they are asked */
static RowCache rules = {.table = "rule", .read = store_rule_list, .copy = copy_rule};

/*
 * What the rules say of a question that a node asks.  They live until rules are
 * looked for again.
 */
HitlRuling
rulebook_choose(const HitlQuestion *question, Oid graph_owner, int64 graph_id, const char *node, bool may_skip)
{
	List	   *firsts = NIL;
	List	   *others = NIL;
	ListCell   *cell;

	foreach(cell, rowcache_rows(&rules))
	{
		HitlRule   *rule = lfirst(cell);

		if (superuser_arg(rule->owner))
			firsts = lappend(firsts, rule);
		else if (has_privs_of_role(rule->owner, graph_owner))
			others = lappend(others, rule);
	}
	return rule_choose(list_concat(firsts, others), question, graph_id, node, may_skip);
}

/* ------------------------------------------------------------------------- making */

static void
check_name(const char *kind, const char *name)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a %s must have 1 to %d bytes", kind, NAMEDATALEN - 1),
				 errdetail("It has %zu.", strlen(name)),
				 errhint("Choose another name.")));
}

/* Resolve a function of a policy that is being made: returns its signature. */
static char *
resolve_function(const char *name, HitlPolicyFunction kind)
{
	const char *written = strchr(name, '(') != NULL ? name
		: psprintf("%s(%s, %s)", name, format_type_be_qualified(functions[kind].args[0]),
				   format_type_be_qualified(functions[kind].args[1]));
	Oid			oid = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(written)));
	int			level = NewGUCNestLevel();
	char	   *signature;

	/* it is kept, and compared: written in one way */
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	signature = format_procedure_qualified(oid);
	AtEOXact_GUC(true, level);
	check_function(oid, signature, kind, InvalidOid);
	return signature;
}

/*
 * A group that is no role could never agree, and notices to it go nowhere.  From
 * now on a group is that role, by whatever name.
 */
static void
resolve_roles(HitlPolicy *policy)
{
	ListCell   *cell;

	foreach(cell, policy_roles(policy))
		if (!OidIsValid(get_role_oid(lfirst(cell), true)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist", (char *) lfirst(cell)),
					 errdetail("The policy names it, and groups are database roles."),
					 errhint("CREATE ROLE %s;", quote_identifier(lfirst(cell)))));
	for (int i = 0; i < policy->n_groups; i++)
		policy->groups[i].oid = get_role_oid(policy->groups[i].role, false);
}

/* Is a policy as it is stored this one, also in who its groups are? */
static bool
is_same(const HitlPolicyRow *stored, const HitlPolicy *policy, Jsonb *document)
{
	const HitlPolicy *other;

	if (!json_equal(stored->definition, document))
		return false;
	other = parse_row(stored);
	for (int i = 0; i < policy->n_groups; i++)
		if (other->groups[i].oid != policy->groups[i].oid)
			return false;
	return true;
}

/* Do votes of this role count under a quorum by groups or weights? */
static bool
is_counted(const HitlPolicy *policy, Oid role)
{
	for (int i = 0; i < policy->n_groups; i++)
	{
		const HitlPolicyGroup *group = &policy->groups[i];

		if ((group->needed != 0 || group->weight != 0) && has_privs_of_role(role, group->oid))
			return true;
	}
	return policy->quorum == HITL_QUORUM_COUNT;
}

/*
 * Who comes by the ladder may be in the groups of the quorum all the same, each
 * by himself: no fault, but worth a word.
 */
static void
notice_uncounted(const HitlPolicy *policy, const char *name)
{
	ListCell   *cell;

	foreach(cell, policy->ladder)
	{
		const HitlLadderStep *step = lfirst(cell);

		if ((step->action != HITL_LADDER_WIDEN && step->action != HITL_LADDER_REASSIGN) ||
			is_counted(policy, get_role_oid(step->role, true)))
			continue;
		ereport(NOTICE,
				(errmsg("step %d of the ladder of policy \"%s\" may bring in people whose approval does not count",
						foreach_current_index(cell) + 1, name),
				 errdetail("Role \"%s\" is in none of the groups that the quorum counts.", step->role),
				 errhint("Add it to the quorum, or GRANT one of those groups to who is to count.")));
	}
}

static void
require_policy_owner(const HitlPolicyRow *row)
{
	if (!rights_is_owner(row->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for policy \"%s\"", row->name),
				 errdetail("It belongs to role \"%s\".", rights_role_name(row->owner)),
				 errhint("Act as its owner, or as a superuser; or choose another name.")));
}

static Jsonb *
policy_detail(const char *name, int version)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "policy", name);
	json_add_int64(&b, "version", version);
	return json_end(&b);
}

/*
 * hitl.create_policy(): make a policy of the current user, or its next version;
 * returns that.  The same definition again is the version that is there.
 */
int
rulebook_create_policy(const char *name, Jsonb *definition)
{
	HitlPolicy *policy;
	HitlPolicyRow *row;
	HitlPolicyRow *latest;
	Jsonb	   *document;

	rights_require_author("create policies");
	check_name("policy", name);
	policy = policy_parse(definition);
	resolve_roles(policy);
	if (policy->validator != NULL)
		policy->validator = resolve_function(policy->validator, HITL_POLICY_VALIDATOR);
	if (policy->guard != NULL)
		policy->guard = resolve_function(policy->guard, HITL_POLICY_GUARD);
	if (policy->business_time != NULL)
		policy->business_time = resolve_function(policy->business_time, HITL_POLICY_BUSINESS_TIME);
	document = policy_document(policy);
	notice_uncounted(policy, name);

	/* the right first: who may not write must not hold up who may */
	row = store_policy_find(name);
	if (row == NULL)
	{
		store_graph_mark_owner(GetUserId());
		(void) store_policy_insert(name, GetUserId());
	}
	else
		require_policy_owner(row);
	row = store_policy_lock(name);
	require_policy_owner(row);
	latest = row->version > 0 ? store_policy_version(row->policy_id, row->version) : NULL;
	if (latest != NULL && is_same(latest, policy, document))
		return row->version;
	store_policy_put(row->policy_id, row->version + 1, document, policy, audit_session_user(), clock_now());
	audit_thread(0, "policy_created", policy_detail(name, row->version + 1));
	return row->version + 1;
}

static void
check_predicate(const char *name, const char *predicate)
{
	const char *fault = predicate != NULL ? gate_check_predicate(predicate) : NULL;

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the predicate in %s of a rule cannot be used", name),
				 errdetail("%s.", fault),
				 errhint("Compare what must be there, such as $.amount <= 1000.")));
}

static Jsonb *
rule_detail(const HitlRule *rule)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "rule", rule->name);
	json_add_int64(&b, "rule_id", rule->rule_id);
	return json_end(&b);
}

/*
 * hitl.create_rule(): rule has what its author says, the names may be NULL.
 * Returns its id.
 */
int64
rulebook_create_rule(HitlRule *rule, const char *policy_name, const char *graph_name)
{
	rights_require_author("create rules");
	check_name("rule", rule->name);
	if (strcmp(rule->name, HITL_RULE_GATE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule cannot be called \"%s\"", HITL_RULE_GATE),
				 errdetail("That is how an automatic verdict names the gate of a node."),
				 errhint("Choose another name.")));
	if (policy_name == NULL && rule->skip_when == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule \"%s\" would do nothing", rule->name),
				 errdetail("It has neither a policy nor skip_when."),
				 errhint("Name a policy, or say when nobody need be asked.")));
	check_predicate("args", rule->args);
	check_predicate("skip_when", rule->skip_when);
	if (policy_name != NULL)
		rule->policy_id = rulebook_policy_named(policy_name)->policy_id;
	if (graph_name != NULL)
		rule->graph_id = graph_require(graph_name)->graph_id;
	/* a misspelt one would never be asked for */
	if (rule->node != NULL && !store_breakpoint_has_node(rule->graph_id, rule->node))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node \"%s\" does not exist", rule->node),
				 graph_name != NULL ? errdetail("No version of graph \"%s\" has a node of that name.", graph_name)
				 : errdetail("No graph has a node of that name."),
				 graph_name != NULL ? errhint("SELECT hitl.mermaid(%s);", quote_literal_cstr(graph_name))
				 : errhint("Name a node, or leave it out for all.")));

	rule->owner = GetUserId();
	store_graph_mark_owner(rule->owner);
	rowcache_changed(&rules);
	rule->rule_id = store_rule_insert(rule, audit_session_user(), clock_now());
	if (rule->rule_id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("rule \"%s\" already exists", rule->name),
				 errdetail("The names of rules in force are unique in a database."),
				 errhint("SELECT hitl.drop_rule(%s); in the same transaction, to change it.", quote_literal_cstr(rule->name))));
	audit_thread(0, "rule_created", rule_detail(rule));
	return rule->rule_id;
}

void
rulebook_drop_rule(const char *name)
{
	HitlRule   *rule;

	rights_require_person("write rules");
	rule = store_rule_find(name);
	if (rule != NULL && !rights_is_owner(rule->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for rule \"%s\"", name),
				 errdetail("It belongs to role \"%s\".", rights_role_name(rule->owner)),
				 errhint("Act as its owner, or as a superuser.")));
	if (rule != NULL)
		rowcache_changed(&rules);
	if (rule == NULL || !store_rule_drop(rule->rule_id, audit_session_user(), clock_now()))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rule \"%s\" does not exist", name),
				 errdetail("No rule of that name is in force."),
				 errhint("SELECT rule FROM hitl.rules;")));
	audit_thread(0, "rule_dropped", rule_detail(rule));
}
