/*
 * store_interrupt.c
 *    Rows of hitl.interrupt and audience.
 *
 * The interrupt's row is the lock of its votes and of its settling.  What may
 * be decided is in the audience table, whose rows come and go with the
 * interrupt's pending state; so nothing searches by status.
 *
 * Layer 2.  Lock order: interrupt rows by id, then the thread's row.
 */
#include "postgres.h"

#include "db.h"
#include "names.h"
#include "store_interrupt.h"

/* the question and its audience in one statement */
DB_STATEMENT(interrupt_insert,
			 "WITH opened AS ("
			 " INSERT INTO hitl.interrupt (interrupt_id, thread_id, task_id, graph_id, owner, step, node, key, status,"
			 "   action, args, description, payload, allowed, opened_at, supersedes,"
			 "   policy_id, policy_version, rule, revision, content_hash, priority, due_at, expires_at, reopens, is_review)"
			 " VALUES (pg_catalog.nextval('hitl.interrupt_id_seq'), $1, $2, $3, $4, $5, $6, $7, 'pending',"
			 "   $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18, $19, $20, $21, $22, $25)"
			 " RETURNING interrupt_id)"
			 " INSERT INTO hitl.audience (role, priority, opened_at, interrupt_id, is_granted)"
			 " SELECT r.role, $19, $13, o.interrupt_id, r.is_granted FROM opened o, ("
			 "  SELECT a.role, false FROM pg_catalog.unnest($23) a (role)"
			 "  UNION ALL SELECT DISTINCT g.role, true FROM hitl.grant g"
			 "  WHERE $24 AND g.\"right\" = 'reviewer' AND g.graph_id IN (0, $3) AND g.role <> $4) r (role, is_granted)"
			 " RETURNING interrupt_id",
			 INT8OID, INT8OID, INT8OID, REGROLEOID, INT4OID, TEXTOID, TEXTOID,
			 TEXTOID, JSONBOID, TEXTOID, JSONBOID, TEXTARRAYOID, TIMESTAMPTZOID, INT8OID,
			 INT8OID, INT4OID, TEXTOID, TEXTOID, INT2OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, OIDARRAYOID, BOOLOID, BOOLOID);

static DbArg
id_or_null(int64 id)
{
	return id != 0 ? db_bigint(id) : db_null();
}

/*
 * Insert a pending interrupt; fills in its interrupt_id.  audience: the roles
 * that may decide it, one at least, none twice; is_granted: and those that
 * hitl.grant names as reviewers of the graph.
 */
void
store_interrupt_insert(HitlInterrupt *interrupt, const Oid *audience, int n_audience, bool is_granted)
{
	DbCall		call;
	const HitlQuestion *question = &interrupt->question;
	const char *allowed[HITL_DECISION_TYPES];
	int			n_allowed = 0;

	Assert(n_audience > 0);
	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (question->allowed & HITL_DECISION_BIT(i))
			allowed[n_allowed++] = name_decision_type((HitlDecisionType) i);
	{
		DbArg		args[] = {
			db_bigint(interrupt->thread_id), db_bigint(interrupt->task_id), db_bigint(interrupt->graph_id),
			db_oid(interrupt->owner), db_int(interrupt->step), db_text(interrupt->node), db_text(question->key),
			db_text(question->action), db_jsonb(question->args), db_text(question->description),
			db_jsonb(question->payload), db_text_array(allowed, n_allowed), db_time(interrupt->opened_at),
			id_or_null(question->supersedes), id_or_null(interrupt->policy_id),
			interrupt->policy_id != 0 ? db_int(interrupt->policy_version) : db_null(), db_text(interrupt->rule),
			db_text(interrupt->content_hash), db_smallint(interrupt->priority),
			db_time_or_null(interrupt->due_at), db_time_or_null(interrupt->expires_at),
			id_or_null(interrupt->reopens), db_oid_array(audience, n_audience), db_bool(is_granted),
			db_bool(interrupt->is_review)
		};

		db_open(&call);
		(void) db_execute(&interrupt_insert, args);
		interrupt->interrupt_id = db_get_bigint(0, 1);
		db_close(&call);
	}
}

#define INTERRUPT_COLUMNS \
	"interrupt_id, thread_id, task_id, graph_id, owner, step, node, key, status," \
	" action, args, description, payload, allowed, supersedes, decision, settled_by, settled_at," \
	" opened_at, policy_id, policy_version, rule, revision, proposal, proposed_by, content_hash," \
	" priority, due_at, expires_at, claimed_by, claimed_until, reopens, is_review"

static HitlInterrupt *
read_interrupt(DbCall *call, uint64 row)
{
	HitlInterrupt *interrupt = MemoryContextAllocZero(call->caller, sizeof(HitlInterrupt));
	HitlQuestion *question = &interrupt->question;
	ListCell   *cell;

	interrupt->interrupt_id = db_get_bigint(row, 1);
	interrupt->thread_id = db_get_bigint(row, 2);
	interrupt->task_id = db_get_bigint(row, 3);
	interrupt->graph_id = db_get_bigint(row, 4);
	interrupt->owner = db_get_oid(row, 5);
	interrupt->step = db_get_int(row, 6);
	interrupt->node = db_get_text(call, row, 7);
	question->key = db_get_text(call, row, 8);
	interrupt->status = name_to_interrupt_status(db_get_text(call, row, 9));
	question->action = db_get_text(call, row, 10);
	question->args = db_get_jsonb(call, row, 11);
	question->description = db_get_text(call, row, 12);
	question->payload = db_get_jsonb(call, row, 13);
	foreach(cell, db_get_text_array(call, row, 14))
	{
		HitlDecisionType type;

		if (name_find_decision_type(lfirst(cell), &type))
			question->allowed |= HITL_DECISION_BIT(type);
	}
	question->supersedes = db_get_bigint(row, 15);
	interrupt->decision = db_get_jsonb(call, row, 16);
	interrupt->settled_by = db_get_text(call, row, 17);
	interrupt->settled_at = db_get_time(row, 18);
	interrupt->opened_at = db_get_time(row, 19);
	interrupt->policy_id = db_get_bigint(row, 20);
	interrupt->policy_version = db_get_int(row, 21);
	interrupt->rule = db_get_text(call, row, 22);
	interrupt->revision = db_get_int(row, 23);
	interrupt->proposal = db_get_jsonb(call, row, 24);
	interrupt->proposed_by = db_get_text(call, row, 25);
	interrupt->content_hash = db_get_text(call, row, 26);
	interrupt->priority = db_get_smallint(row, 27);
	interrupt->due_at = db_get_time(row, 28);
	interrupt->expires_at = db_get_time(row, 29);
	interrupt->claimed_by = db_get_text(call, row, 30);
	interrupt->claimed_until = db_get_time(row, 31);
	interrupt->reopens = db_get_bigint(row, 32);
	interrupt->is_review = db_get_bool(row, 33);
	return interrupt;
}

static List *
list_interrupts(DbStatement *statement, const DbArg *args)
{
	DbCall		call;
	List	   *interrupts = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(statement, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		interrupts = lappend(interrupts, read_interrupt(&call, i));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return interrupts;
}

/* by primary key, which alone is named: see the planner trap of partial indexes */
DB_STATEMENT(interrupt_find,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt WHERE interrupt_id = $1",
			 INT8OID);

/* NULL when there is none */
HitlInterrupt *
store_interrupt_find(int64 interrupt_id)
{
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *found = list_interrupts(&interrupt_find, args);

	return found != NIL ? linitial(found) : NULL;
}

DB_STATEMENT(interrupt_lock,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt WHERE interrupt_id = $1 FOR UPDATE",
			 INT8OID);

/* The same, locked: waits for a vote that is not committed. */
HitlInterrupt *
store_interrupt_lock(int64 interrupt_id)
{
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *found = list_interrupts(&interrupt_lock, args);

	return found != NIL ? linitial(found) : NULL;
}

DB_STATEMENT(interrupt_lock_free,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt WHERE interrupt_id = $1 FOR UPDATE SKIP LOCKED",
			 INT8OID);

/* The same, without waiting: NULL also when somebody else has locked it. */
HitlInterrupt *
store_interrupt_lock_free(int64 interrupt_id)
{
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *found = list_interrupts(&interrupt_lock_free, args);

	return found != NIL ? linitial(found) : NULL;
}

/* in any order, since it waits for nobody; who holds one settles it or looks again */
DB_STATEMENT(interrupt_lock_set,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt WHERE interrupt_id = ANY ($1)"
			 " ORDER BY pg_catalog.array_position($1, interrupt_id) LIMIT $2 FOR UPDATE SKIP LOCKED",
			 INT8ARRAYOID, INT8OID);

/* Those of some interrupts that nobody holds, the first so many of them, locked. */
List *
store_interrupt_lock_set(const HitlIds *interrupts, int limit)
{
	DbArg		args[] = {db_bigint_array(interrupts->ids, interrupts->n), db_bigint(limit)};

	return list_interrupts(&interrupt_lock_set, args);
}

/* interrupt_task: all that a task has asked, oldest first; of a review it knows nothing */
DB_STATEMENT(interrupt_of_task,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt WHERE thread_id = $1 AND task_id = $2 AND NOT is_review"
			 " ORDER BY interrupt_id",
			 INT8OID, INT8OID);

List *
store_interrupt_of_task(int64 thread_id, int64 task_id)
{
	DbArg		args[] = {db_bigint(thread_id), db_bigint(task_id)};

	return list_interrupts(&interrupt_of_task, args);
}

/* interrupt_task: what the threads have asked up to now; nobody waits for a review */
DB_STATEMENT(interrupt_pending,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt i WHERE thread_id = ANY ($1) AND status = 'pending' AND NOT is_review"
			 " ORDER BY interrupt_id",
			 INT8ARRAYOID);

DB_STATEMENT(interrupt_pending_lock,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt i WHERE thread_id = ANY ($1) AND status = 'pending' AND NOT is_review"
			 " ORDER BY interrupt_id FOR UPDATE",
			 INT8ARRAYOID);

DB_STATEMENT(interrupt_pending_skip,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt i WHERE thread_id = ANY ($1) AND status = 'pending' AND NOT is_review"
			 " ORDER BY interrupt_id FOR UPDATE SKIP LOCKED",
			 INT8ARRAYOID);

/*
 * The pending interrupts of some threads, in id order.  Waiting for a vote that is
 * not committed, one that it settles is left out.
 */
List *
store_interrupt_pending(const HitlIds *threads, HitlLock lock)
{
	static DbStatement *const statements[] = {
		[HITL_LOCK_NONE] = &interrupt_pending,
		[HITL_LOCK_WAIT] = &interrupt_pending_lock,
		[HITL_LOCK_SKIP] = &interrupt_pending_skip,
	};
	DbArg		args[] = {db_bigint_array(threads->ids, threads->n)};

	return list_interrupts(statements[lock], args);
}

/* by primary key, from each round to the one before it */
DB_STATEMENT(interrupt_rounds,
			 "WITH RECURSIVE earlier (id) AS ("
			 "  SELECT COALESCE(i.reopens, i.supersedes) FROM hitl.interrupt i WHERE i.interrupt_id = $1"
			 "  UNION"
			 "  SELECT COALESCE(i.reopens, i.supersedes) FROM earlier e JOIN hitl.interrupt i ON i.interrupt_id = e.id)"
			 " SELECT " INTERRUPT_COLUMNS " FROM earlier e"
			 " CROSS JOIN LATERAL (SELECT * FROM hitl.interrupt i WHERE i.interrupt_id = e.id OFFSET 0) i ORDER BY interrupt_id",
			 INT8OID);

/* The rounds before this one: what it reopens or supersedes, oldest first. */
List *
store_interrupt_rounds(int64 interrupt_id)
{
	DbArg		args[] = {db_bigint(interrupt_id)};

	return list_interrupts(&interrupt_rounds, args);
}

/* interrupt_task; who holds one is superseding it already */
DB_STATEMENT(interrupt_unused,
			 "SELECT " INTERRUPT_COLUMNS " FROM hitl.interrupt i WHERE thread_id = $1 AND step = $2 AND status IN ('decided', 'expired') AND NOT is_review"
			 " AND EXISTS (SELECT FROM hitl.task k WHERE k.thread_id = $1 AND k.step = $2 AND k.task_id = i.task_id AND k.status <> 'done')"
			 " ORDER BY interrupt_id FOR UPDATE OF i SKIP LOCKED",
			 INT8OID, INT4OID);

/* The answers in a step whose tasks have not come to their end: locked. */
List *
store_interrupt_unused(int64 thread_id, int step)
{
	DbArg		args[] = {db_bigint(thread_id), db_int(step)};

	return list_interrupts(&interrupt_unused, args);
}

/*
 * interrupt_task and thread_parent.  A checkpoint holds what the steps before
 * the one that followed it have written, and that of their subgraphs.
 */
DB_STATEMENT(interrupt_behind,
			 "WITH RECURSIVE at AS ("
			 "  SELECT COALESCE(c.next_step, c.step + 1) AS step FROM hitl.checkpoint c WHERE c.thread_id = $1 AND c.checkpoint = $2),"
			 " below AS ("
			 "  SELECT t.thread_id FROM hitl.thread t, at WHERE t.parent_id = $1 AND t.parent_step < at.step"
			 "  UNION ALL"
			 "  SELECT t.thread_id FROM below b JOIN hitl.thread t ON t.parent_id = b.thread_id)"
			 " SELECT i.interrupt_id, pg_catalog.count(*) OVER () FROM ("
			 "  SELECT i.interrupt_id FROM hitl.interrupt i, at WHERE i.thread_id = $1 AND i.step < at.step AND i.status IN ('decided', 'expired') AND NOT i.is_review"
			 "  UNION ALL"
			 "  SELECT i.interrupt_id FROM below b JOIN hitl.interrupt i ON i.thread_id = b.thread_id WHERE i.status IN ('decided', 'expired') AND NOT i.is_review) i"
			 " ORDER BY i.interrupt_id DESC LIMIT $3",
			 INT8OID, INT4OID, INT4OID);

/*
 * The answers that a checkpoint stands on: those that were given to the steps
 * before it.  Returns the ids of the latest, latest first; *n: of all.
 */
HitlIds
store_interrupt_behind(int64 thread_id, int checkpoint, int limit, int64 *n)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(thread_id), db_int(checkpoint), db_int(limit)};
	HitlIds		ids;

	db_open(&call);
	ids.n = (int) db_execute(&interrupt_behind, args);
	ids.ids = MemoryContextAlloc(call.caller, sizeof(int64) * Max(ids.n, 1));
	for (int i = 0; i < ids.n; i++)
		ids.ids[i] = db_get_bigint(i, 1);
	*n = ids.n > 0 ? db_get_bigint(0, 2) : 0;
	db_close(&call);
	return ids;
}

DB_STATEMENT(interrupt_settle,
			 "WITH settled AS ("
			 " UPDATE hitl.interrupt SET status = $2, decision = $3, settled_by = $4, settled_at = $5"
			 " WHERE interrupt_id = $1),"
			 " stopped AS (DELETE FROM hitl.timer WHERE interrupt_id = $1)"
			 " DELETE FROM hitl.audience WHERE interrupt_id = $1",
			 INT8OID, TEXTOID, JSONBOID, TEXTOID, TIMESTAMPTZOID);

/* Take an interrupt out of pending, with its audience and its timers; the caller holds its row. */
void
store_interrupt_settle(int64 interrupt_id, HitlInterruptStatus status,
					   Jsonb *decision, const char *by, TimestampTz at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(name_interrupt_status(status)),
	db_jsonb(decision), db_text(by), db_time(at)};

	db_open(&call);
	(void) db_execute(&interrupt_settle, args);
	db_close(&call);
}

/* interrupt_task: the next round is of the same task */
DB_STATEMENT(interrupt_reopened,
			 "SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = $1 AND task_id = $2 AND reopens = $3"
			 " ORDER BY interrupt_id DESC LIMIT 1",
			 INT8OID, INT8OID, INT8OID);

/* The interrupt that looks at this one again; 0: there is none. */
int64
store_interrupt_reopened(const HitlInterrupt *interrupt)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt->thread_id), db_bigint(interrupt->task_id), db_bigint(interrupt->interrupt_id)};
	int64		reopened = 0;

	db_open(&call);
	if (db_execute(&interrupt_reopened, args) > 0)
		reopened = db_get_bigint(0, 1);
	db_close(&call);
	return reopened;
}

DB_STATEMENT(interrupt_revise,
			 "UPDATE hitl.interrupt SET revision = $2, proposal = $3, proposed_by = $4, content_hash = $5"
			 " WHERE interrupt_id = $1",
			 INT8OID, INT4OID, JSONBOID, TEXTOID, TEXTOID);

/* Write what is voted on from now on; the caller holds the interrupt's row. */
void
store_interrupt_revise(const HitlInterrupt *interrupt)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt->interrupt_id), db_int(interrupt->revision), db_jsonb(interrupt->proposal),
	db_text(interrupt->proposed_by), db_text(interrupt->content_hash)};

	db_open(&call);
	(void) db_execute(&interrupt_revise, args);
	db_close(&call);
}

DB_STATEMENT(interrupt_touch,
			 "UPDATE hitl.interrupt SET revision = revision WHERE interrupt_id = $1",
			 INT8OID);

/*
 * Its votes or its rounds have changed, and nothing of the row itself: who waits
 * for the row at a snapshot that does not have them gets 40001.  The caller
 * holds it.
 */
void
store_interrupt_touch(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};

	db_open(&call);
	(void) db_execute(&interrupt_touch, args);
	db_close(&call);
}

/* primary keys */
DB_STATEMENT(audience_of,
			 "SELECT a.role FROM hitl._audience a WHERE a.interrupt_id = $1 ORDER BY a.role",
			 INT8OID);

/* The roles that may decide an interrupt, as Oid; NIL once it is settled. */
List *
store_audience(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *roles = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute_latest(&audience_of, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		roles = lappend_oid(roles, db_get_oid(i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return roles;
}

/* one more role, or, alone, that and nobody else */
/* where it was there for a delegation only, the right is its own now */
DB_STATEMENT(audience_widen,
			 "WITH own AS (UPDATE hitl.delegation SET is_added = false WHERE interrupt_id = $4 AND role = $1 AND is_added)"
			 " INSERT INTO hitl.audience (role, priority, opened_at, interrupt_id) VALUES ($1, $2, $3, $4)"
			 " ON CONFLICT (interrupt_id, role) DO NOTHING",
			 REGROLEOID, INT2OID, TIMESTAMPTZOID, INT8OID);

DB_STATEMENT(audience_leave,
			 "WITH released AS (UPDATE hitl.interrupt SET claimed_by = NULL, claimed_until = NULL WHERE interrupt_id = $1)"
			 " DELETE FROM hitl.audience WHERE interrupt_id = $1 AND role <> $2",
			 INT8OID, REGROLEOID);

/*
 * A role may decide an interrupt, which the caller holds; is_alone: nobody else
 * may any more, and who has claimed it gives it up.
 */
void
store_audience_add(const HitlInterrupt *interrupt, Oid role, bool is_alone)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role), db_smallint(interrupt->priority), db_time(interrupt->opened_at), db_bigint(interrupt->interrupt_id)};
	DbArg		leave_args[] = {db_bigint(interrupt->interrupt_id), db_oid(role)};

	db_open(&call);
	(void) db_execute(&audience_widen, args);
	if (is_alone)
		(void) db_execute(&audience_leave, leave_args);
	db_close(&call);
}

DB_STATEMENT(interrupt_set_priority,
			 "WITH raised AS (UPDATE hitl.interrupt SET priority = $2 WHERE interrupt_id = $1)"
			 " UPDATE hitl.audience SET priority = $2 WHERE interrupt_id = $1",
			 INT8OID, INT2OID);

/* The caller holds it. */
void
store_interrupt_set_priority(int64 interrupt_id, int priority)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_smallint(priority)};

	db_open(&call);
	(void) db_execute(&interrupt_set_priority, args);
	db_close(&call);
}

DB_STATEMENT(interrupt_set_deadline,
			 "UPDATE hitl.interrupt SET due_at = $2, expires_at = $3 WHERE interrupt_id = $1",
			 INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID);

/* DT_NOBEGIN: no such time.  The caller holds it. */
void
store_interrupt_set_deadline(int64 interrupt_id, TimestampTz due_at, TimestampTz expires_at)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_time_or_null(due_at), db_time_or_null(expires_at)};

	db_open(&call);
	(void) db_execute(&interrupt_set_deadline, args);
	db_close(&call);
}
