/*
 * store_policy.c
 *    Rows of hitl.policy, policy_version, policy_group and automatic_verdict.
 *
 * The policy's row is the lock of its versions, which never change.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "access/xact.h"
#include "db.h"
#include "store_policy.h"

static HitlPolicyRow *
find_policy(DbStatement *statement, const DbArg *args)
{
	DbCall		call;
	HitlPolicyRow *row = NULL;

	db_open(&call);
	if (db_execute(statement, args) > 0)
	{
		row = MemoryContextAllocZero(call.caller, sizeof(HitlPolicyRow));
		row->policy_id = db_get_bigint(0, 1);
		row->name = db_get_text(&call, 0, 2);
		row->owner = db_get_oid(0, 3);
		row->version = db_get_int(0, 4);
		row->definition = db_get_jsonb(&call, 0, 5);
		row->groups = db_get_jsonb(&call, 0, 7);
		row->is_ours = TransactionIdIsCurrentTransactionId((TransactionId) db_get_oid(0, 6));
	}
	db_close(&call);
	return row;
}

#define POLICY_COLUMNS "p.policy_id, p.policy, p.owner, v.version, v.definition, v.xmin," \
	" (SELECT pg_catalog.jsonb_object_agg(g.name, g.role::oid::text) FROM hitl.policy_group g" \
	"  WHERE g.policy_id = v.policy_id AND g.version = v.version)"
#define POLICY_JOIN "hitl.policy p LEFT JOIN hitl.policy_version v ON v.policy_id = p.policy_id AND v.version"

/* policy_name_key, policy_version_pkey */
DB_STATEMENT(policy_find,
			 "SELECT " POLICY_COLUMNS " FROM " POLICY_JOIN " = p.version WHERE p.policy = $1",
			 TEXTOID);

/* The latest version of a policy; NULL when there is none of that name. */
HitlPolicyRow *
store_policy_find(const char *name)
{
	DbArg		args[] = {db_text(name)};

	return find_policy(&policy_find, args);
}

/* policy_pkey, policy_version_pkey */
DB_STATEMENT(policy_find_id,
			 "SELECT " POLICY_COLUMNS " FROM " POLICY_JOIN " = p.version WHERE p.policy_id = $1",
			 INT8OID);

/* The same by its id. */
HitlPolicyRow *
store_policy_find_id(int64 policy_id)
{
	DbArg		args[] = {db_bigint(policy_id)};

	return find_policy(&policy_find_id, args);
}

DB_STATEMENT(policy_lock,
			 "SELECT policy_id, policy, owner, version, NULL::pg_catalog.jsonb, xmin, NULL::pg_catalog.jsonb FROM hitl.policy WHERE policy = $1 FOR NO KEY UPDATE",
			 TEXTOID);

/* The same with its row locked; without a definition. */
HitlPolicyRow *
store_policy_lock(const char *name)
{
	DbArg		args[] = {db_text(name)};

	return find_policy(&policy_lock, args);
}

DB_STATEMENT(policy_version_find,
			 "SELECT " POLICY_COLUMNS " FROM " POLICY_JOIN " = $2 WHERE p.policy_id = $1 AND v.version = $2",
			 INT8OID, INT4OID);

/* A version of a policy; NULL when it is not there. */
HitlPolicyRow *
store_policy_version(int64 policy_id, int version)
{
	DbArg		args[] = {db_bigint(policy_id), db_int(version)};

	return find_policy(&policy_version_find, args);
}

DB_STATEMENT(policy_insert,
			 "INSERT INTO hitl.policy (policy, owner, version) VALUES ($1, $2, 0)"
			 " ON CONFLICT (policy) DO NOTHING RETURNING policy_id",
			 TEXTOID, REGROLEOID);

/* Returns the new id; 0 when the name is taken. */
int64
store_policy_insert(const char *name, Oid owner)
{
	DbCall		call;
	DbArg		args[] = {db_text(name), db_oid(owner)};
	int64		policy_id = 0;

	db_open(&call);
	if (db_execute(&policy_insert, args) > 0)
		policy_id = db_get_bigint(0, 1);
	db_close(&call);
	return policy_id;
}

DB_STATEMENT(policy_put,
			 "WITH latest AS (UPDATE hitl.policy SET version = $2 WHERE policy_id = $1),"
			 " groups AS (INSERT INTO hitl.policy_group (policy_id, version, name, role)"
			 "  SELECT $1, $2, g.name, g.role FROM ROWS FROM (pg_catalog.unnest($6), pg_catalog.unnest($7)) g (name, role))"
			 " INSERT INTO hitl.policy_version (policy_id, version, definition, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
			 INT8OID, INT4OID, JSONBOID, TEXTOID, TIMESTAMPTZOID, TEXTARRAYOID, OIDARRAYOID);

/*
 * Add a version, the latest from now on; the caller holds the policy's row.
 * policy: the definition as read, with the roles of its groups.
 */
void
store_policy_put(int64 policy_id, int version, Jsonb *definition, const HitlPolicy *policy,
				 const char *by, TimestampTz at)
{
	DbCall		call;
	const char **names = palloc(sizeof(char *) * Max(policy->n_groups, 1));
	Oid		   *roles = palloc(sizeof(Oid) * Max(policy->n_groups, 1));

	for (int i = 0; i < policy->n_groups; i++)
	{
		names[i] = policy->groups[i].role;
		roles[i] = policy->groups[i].oid;
	}
	{
		DbArg		args[] = {
			db_bigint(policy_id), db_int(version), db_jsonb(definition), db_text(by), db_time(at),
			db_text_array(names, policy->n_groups), db_oid_array(roles, policy->n_groups)
		};

		db_open(&call);
		(void) db_execute(&policy_put, args);
		db_close(&call);
	}
}

/* superusers are in every role: to count them would be to wait for all of them */
DB_STATEMENT(policy_members,
			 "SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r"
			 " WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, $1, 'USAGE') ORDER BY 1",
			 OIDOID);

/* The logins that may act as a role, by name, but for superusers. */
List *
store_policy_members(Oid role)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role)};
	List	   *members = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&policy_members, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		members = lappend(members, db_get_text(&call, i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return members;
}

DB_STATEMENT(automatic_insert,
			 "INSERT INTO hitl.automatic_verdict (thread_id, task_id, graph_id, node, key, action, rule, at)"
			 " SELECT $1, $2, $3, $4, a.key, NULLIF(a.action, ''), a.rule, $8"
			 " FROM ROWS FROM (pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7)) a (key, action, rule)",
			 INT8OID, INT8OID, INT8OID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID);

/* Record what a task was let do without a person: HitlAutomatic, one at least. */
void
store_automatic_insert(const HitlTask *task, int64 graph_id, List *automatic, TimestampTz at)
{
	DbCall		call;
	int			n = list_length(automatic);
	const char **keys = palloc(sizeof(char *) * n);
	const char **actions = palloc(sizeof(char *) * n);
	const char **rules = palloc(sizeof(char *) * n);
	ListCell   *cell;

	foreach(cell, automatic)
	{
		const HitlAutomatic *verdict = lfirst(cell);

		keys[foreach_current_index(cell)] = verdict->key;
		actions[foreach_current_index(cell)] = verdict->action != NULL ? verdict->action : "";
		rules[foreach_current_index(cell)] = verdict->rule;
	}
	{
		DbArg		args[] = {
			db_bigint(task->thread_id), db_bigint(task->task_id), db_bigint(graph_id), db_text(task->node),
			db_text_array(keys, n), db_text_array(actions, n), db_text_array(rules, n), db_time(at)
		};

		db_open(&call);
		(void) db_execute(&automatic_insert, args);
		db_close(&call);
	}
}
