/*
 * store_rule.c
 *    Rows of hitl.rule: which policy a question gets, and what needs nobody.
 *
 * Few are in force, read whole and kept by rulebook.c.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "db.h"
#include "store_rule.h"

#define RULE_COLUMNS "rule_id, rule, owner, policy_id, action, graph_id, node, args, skip_when, priority"

static List *
list_rules(DbStatement *statement, const DbArg *args)
{
	DbCall		call;
	List	   *rules = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(statement, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlRule   *rule = palloc0(sizeof(HitlRule));

		rule->rule_id = db_get_bigint(i, 1);
		rule->name = db_get_text(&call, i, 2);
		rule->owner = db_get_oid(i, 3);
		rule->policy_id = db_get_bigint(i, 4);
		rule->action = db_get_text(&call, i, 5);
		rule->graph_id = db_get_bigint(i, 6);
		rule->node = db_get_text(&call, i, 7);
		rule->args = db_get_text(&call, i, 8);
		rule->skip_when = db_get_text(&call, i, 9);
		rule->priority = db_get_int(i, 10);
		rules = lappend(rules, rule);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return rules;
}

DB_STATEMENT_NO_ARGS(rule_list,
					 "SELECT " RULE_COLUMNS " FROM hitl.rule WHERE dropped_at IS NULL ORDER BY priority, rule_id");

/* Those in force, as HitlRule, in the order in which they are asked. */
List *
store_rule_list(void)
{
	return list_rules(&rule_list, NULL);
}

/* rule_in_force */
DB_STATEMENT(rule_find,
			 "SELECT " RULE_COLUMNS " FROM hitl.rule WHERE rule = $1 AND dropped_at IS NULL",
			 TEXTOID);

/* One in force; NULL when there is none of that name. */
HitlRule *
store_rule_find(const char *name)
{
	DbArg		args[] = {db_text(name)};
	List	   *found = list_rules(&rule_find, args);

	return found != NIL ? linitial(found) : NULL;
}

/* two who make the same at once: the second waits and is told */
DB_STATEMENT(rule_insert,
			 "INSERT INTO hitl.rule (rule, owner, policy_id, action, graph_id, node, args, skip_when, priority, created_by, created_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			 " ON CONFLICT (rule) WHERE dropped_at IS NULL DO NOTHING RETURNING rule_id",
			 TEXTOID, REGROLEOID, INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TIMESTAMPTZOID);

/* Returns the new id; 0 when one of that name is in force. */
int64
store_rule_insert(const HitlRule *rule, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {
		db_text(rule->name), db_oid(rule->owner), rule->policy_id != 0 ? db_bigint(rule->policy_id) : db_null(),
		db_text(rule->action), rule->graph_id != 0 ? db_bigint(rule->graph_id) : db_null(), db_text(rule->node),
		db_text(rule->args), db_text(rule->skip_when), db_int(rule->priority), db_text(by), db_time(at)
	};
	int64		rule_id = 0;

	db_open(&call);
	if (db_execute(&rule_insert, args) > 0)
		rule_id = db_get_bigint(0, 1);
	db_close(&call);
	return rule_id;
}

DB_STATEMENT(rule_drop,
			 "UPDATE hitl.rule SET dropped_by = $2, dropped_at = $3 WHERE rule_id = $1 AND dropped_at IS NULL",
			 INT8OID, TEXTOID, TIMESTAMPTZOID);

/* The row stays, as a trail.  Returns false when somebody else has dropped it. */
bool
store_rule_drop(int64 rule_id, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(rule_id), db_text(by), db_time(at)};
	bool		is_dropped;

	db_open(&call);
	is_dropped = db_execute(&rule_drop, args) > 0;
	db_close(&call);
	return is_dropped;
}
