/*
 * store_vote.c
 *    Rows of hitl.vote: what each reviewer said.
 *
 * A row is never changed: who votes again, or takes a vote back, adds one.
 * What they come to is said by the pure logic; here they are only kept, in the
 * order in which they came.  A person has the name that the role has now: who was
 * renamed since is nobody else.
 *
 * Layer 2.  Who inserts holds the interrupt's row.
 */
#include "postgres.h"

#include "db.h"
#include "names.h"
#include "store_vote.h"

DB_STATEMENT(vote_insert,
			 "INSERT INTO hitl.vote (interrupt_id, revision, voter, login, role, on_behalf_of, is_asserted, is_withdrawal,"
			 "  type, answer, groups, comment, idempotency_key, voted_at, voter_role, seat_role)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
			 INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID,
			 TEXTOID, JSONBOID, TEXTARRAYOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, REGROLEOID, REGROLEOID);

/* The caller holds the interrupt's row. */
void
store_vote_insert(const HitlVote *vote)
{
	DbCall		call;
	const char **groups = palloc(sizeof(char *) * Max(list_length(vote->groups), 1));
	int			n_groups = 0;
	ListCell   *cell;

	foreach(cell, vote->groups)
		groups[n_groups++] = lfirst(cell);
	{
		DbArg		args[] = {
			db_bigint(vote->interrupt_id), db_int(vote->revision), db_text(vote->voter), db_text(vote->login),
			db_text(vote->role), db_text(vote->on_behalf_of), db_bool(vote->is_asserted), db_bool(vote->is_withdrawal),
			db_text(name_decision_type(vote->type)), db_jsonb(vote->answer), db_text_array(groups, n_groups),
			db_text(vote->comment), db_text(vote->idempotency_key), db_time(vote->voted_at),
			OidIsValid(vote->voter_role) ? db_oid(vote->voter_role) : db_null(),
			OidIsValid(vote->seat_role) ? db_oid(vote->seat_role) : db_null()
		};

		db_open(&call);
		(void) db_execute(&vote_insert, args);
		db_close(&call);
	}
}

/* a range of the primary key: an interrupt has few votes */
DB_STATEMENT(vote_find,
			 "SELECT v.answer FROM hitl.vote v WHERE v.interrupt_id = $1 AND " VOTER_NOW(v) " = $2 AND v.idempotency_key = $3 AND NOT v.is_withdrawal"
			 " ORDER BY v.interrupt_id, v.vote_id DESC LIMIT 1",
			 INT8OID, TEXTOID, TEXTOID);

/* The answer that a voter gave under a key; NULL when there is none. */
Jsonb *
store_vote_find(int64 interrupt_id, const char *voter, const char *idempotency_key)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id), db_text(voter), db_text(idempotency_key)};
	Jsonb	   *answer = NULL;

	db_open(&call);
	if (db_execute(&vote_find, args) > 0)
		answer = db_get_jsonb(&call, 0, 1);
	db_close(&call);
	return answer;
}

/* the same range */
DB_STATEMENT(vote_list,
			 "SELECT v.vote_id, v.revision, " VOTER_NOW(v) ", v.login, v.role, "
			 PERSON_NOW("v.seat_role", "v.on_behalf_of") ", v.is_asserted, v.is_withdrawal,"
			 "  v.type, v.answer, v.groups, v.comment, v.idempotency_key, v.voted_at, v.voter_role, v.seat_role"
			 " FROM hitl.vote v WHERE v.interrupt_id = $1 ORDER BY v.interrupt_id, v.vote_id",
			 INT8OID);

/* All votes of an interrupt, of all revisions, as HitlVote: the oldest first. */
List *
store_votes(int64 interrupt_id)
{
	DbCall		call;
	DbArg		args[] = {db_bigint(interrupt_id)};
	List	   *votes = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&vote_list, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlVote   *vote = palloc0(sizeof(HitlVote));

		vote->interrupt_id = interrupt_id;
		vote->vote_id = db_get_bigint(i, 1);
		vote->revision = db_get_int(i, 2);
		vote->voter = db_get_text(&call, i, 3);
		vote->login = db_get_text(&call, i, 4);
		vote->role = db_get_text(&call, i, 5);
		vote->on_behalf_of = db_get_text(&call, i, 6);
		vote->is_asserted = db_get_bool(i, 7);
		vote->is_withdrawal = db_get_bool(i, 8);
		vote->type = name_to_decision_type(db_get_text(&call, i, 9));
		vote->answer = db_get_jsonb(&call, i, 10);
		vote->groups = db_get_text_array(&call, i, 11);
		vote->comment = db_get_text(&call, i, 12);
		vote->idempotency_key = db_get_text(&call, i, 13);
		vote->voted_at = db_get_time(i, 14);
		vote->voter_role = db_get_oid(i, 15);
		vote->seat_role = db_get_oid(i, 16);
		votes = lappend(votes, vote);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return votes;
}
