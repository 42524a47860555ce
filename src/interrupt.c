/*
 * interrupt.c
 *    A node asks: give back the recorded answer, or pause.
 *
 * A question is named within its task by a key: the author's, or its place in
 * the order of those without one.  An answer counts only for what was asked
 * (P5): when the node runs again and asks the same key with another action or
 * other args, nothing is done on the old answer; it is superseded by a new
 * interrupt.  A node that does so again and again is stopped (IH007).  The same
 * where the guard of its policy does not agree any more (guard.c).
 *
 * Layer 3.  Lock order: an interrupt that is superseded is locked before the
 * thread is.
 */
#include "postgres.h"

#include "answer.h"
#include "audit.h"
#include "continuation.h"
#include "errors.h"
#include "frame.h"
#include "guard.h"
#include "guc.h"
#include "interrupt.h"
#include "json.h"
#include "names.h"
#include "opening.h"
#include "store_interrupt.h"

/* In frame->context. */
static char *
name_question(HitlFrame *frame, const char *key)
{
	ListCell   *cell;

	if (key == NULL && frame->run->task->phase > 0)
		return psprintf("#%d.%d", frame->run->task->phase, ++frame->n_asked);
	if (key == NULL)
		return psprintf("#%d", ++frame->n_asked);
	frame_check_key("an interrupt", key);
	/* in continue mode an answer is given once, where it was asked for */
	if (continuation_is_on(frame))
		return pstrdup(key);
	foreach(cell, frame->keys)
		if (strcmp(lfirst(cell), key) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("a node cannot ask two questions under one key"),
					 errdetail("It has asked \"%s\" already in this run; one answer would answer both.", key),
					 errhint("Give each question a key of its own, or leave the key out.")));
	key = pstrdup(key);
	frame->keys = lappend(frame->keys, (void *) key);
	return (char *) key;
}

/*
 * Was it asked in an earlier phase of a node in C?  That phase has ended, and
 * has heard its answers; that of the question it paused with came with the next.
 */
static bool
is_of_earlier_phase(const HitlRun *run, const HitlInterrupt *asked)
{
	/* a task's interrupts have rising ids */
	return asked->interrupt_id <= run->task->phase_interrupt;
}

/*
 * What a task has asked last, if its time ran out so that the node is not to
 * run (the task fails, or goes elsewhere); else NULL.
 */
const HitlInterrupt *
interrupt_ran_out(List *interrupts)
{
	const HitlInterrupt *last = interrupts != NIL ? llast(interrupts) : NULL;

	return last != NULL && answer_is_lacking(last) ? last : NULL;
}

/*
 * The recorded answer to a question; NULL when there is none that counts.  If
 * one was given to something else, question->supersedes names it.
 */
static Jsonb *
find_answer(HitlFrame *frame, HitlQuestion *question)
{
	ListCell   *cell;
	int			n_reasked = 0;

	foreach(cell, frame->run->interrupts)
	{
		HitlInterrupt *asked = lfirst(cell);
		char	   *difference;

		if (strcmp(asked->question.key, question->key) != 0)
			continue;
		/* what hitl asks in front of the node holds for all its phases */
		if (question->key[0] != '#' && is_of_earlier_phase(frame->run, asked))
			continue;
		if (asked->status == HITL_INTERRUPT_SUPERSEDED && !answer_is_past_node(asked))
			n_reasked++;
		/* of one that people have reopened, the node is not to blame */
		if (asked->reopens != 0)
			n_reasked--;
		/* it failed for want of an answer and was retried: this one takes its place */
		if (answer_is_lacking(asked))
			question->supersedes = asked->interrupt_id;
		if (!answer_is_given(asked))
			continue;

		difference = question_difference(&asked->question, question);
		if (difference == NULL && guard_agrees(frame->run, asked))
		{
			asked->is_heard = true;
			return asked->decision;
		}
		if (difference == NULL)
			guard_require_round(frame->run, asked);
		else if (n_reasked >= guc_max_reasks)
			ereport(ERROR,
					(errcode(ERRCODE_HITL_ASKED_ELSE),
					 errmsg("node \"%s\" asks something else each time it runs", frame->run->task->node),
					 errdetail("Question \"%s\" was superseded %d times; it differs from interrupt %lld at \"%s\".",
							   question->key, n_reasked, (long long) asked->interrupt_id, difference),
					 errhint("Make action and args depend on the state only; put what changes, such as the time, into the description.")));
		question->supersedes = asked->interrupt_id;
	}
	return NULL;
}

/*
 * The answer to a question, of a person or, if a rule says that nobody need be
 * asked, of the rule; NULL: it is to be opened, with what was chosen for it.
 * Who was asked once under this key is asked again, whatever rules say now.
 */
static Jsonb *
get_answer(HitlFrame *frame, HitlQuestion *question)
{
	Jsonb	   *answer = continuation_is_on(frame) ? NULL : find_answer(frame, question);

	if (answer == NULL)
		answer = opening_choose(frame->run, question, question->supersedes == 0);
	return answer;
}

/*
 * hitl.interrupt(): returns the decision if there is one for this question,
 * else does not return; in continue mode NULL, and the node leaves.  payload:
 * any JSON, or NULL; key: may be NULL.
 *
 * An error on the way is marked as a pause is: a handler that swallowed it
 * would let the node go on without a decision.
 */
Jsonb *
interrupt_ask(Jsonb *payload, const char *key)
{
	HitlFrame  *frame = frame_require("hitl.interrupt()");
	HitlQuestion *volatile question = NULL;
	Jsonb	   *volatile answer = NULL;
	HitlError  *volatile failure = NULL;
	MemoryContext old;

	/* the question outlives the node's subtransaction */
	old = MemoryContextSwitchTo(frame->context);
	PG_TRY();
	{
		Jsonb	   *copy = NULL;

		frame_require_node(frame, "hitl.interrupt()");
		continuation_require_running(frame);
		if (payload != NULL)
		{
			copy = palloc(VARSIZE(payload));
			memcpy(copy, payload, VARSIZE(payload));
		}
		question = question_parse(copy, name_question(frame, key));
		answer = get_answer(frame, question);
		if (answer == NULL && continuation_is_on(frame))
			continuation_pause(frame, question);
	}
	PG_CATCH();
	{
		failure = frame_catch(frame);
	}
	PG_END_TRY();
	if (failure != NULL)
		frame_fail(frame, failure);
	if (answer == NULL && !continuation_is_on(frame))
		frame_pause(frame, question);
	MemoryContextSwitchTo(old);
	return answer;
}

/*
 * A gate asks: as above, for a question that is made already, in
 * frame->context.
 */
Jsonb *
interrupt_ask_gate(HitlFrame *frame, HitlQuestion *question)
{
	Jsonb	   *answer = get_answer(frame, question);

	if (answer == NULL)
		frame_pause(frame, question);
	return answer;
}

/*
 * A task's answer no longer counts: its node asks something else.  interrupts:
 * what the task has asked.  Call it before the thread is locked.
 */
void
interrupt_supersede(List *interrupts, int64 interrupt_id)
{
	ListCell   *cell;

	foreach(cell, interrupts)
	{
		HitlInterrupt *interrupt = lfirst(cell);

		if (interrupt->interrupt_id != interrupt_id)
			continue;
		/* its decision stays: the trail must show what was decided */
		interrupt = store_interrupt_lock(interrupt_id);
		store_interrupt_settle(interrupt_id, HITL_INTERRUPT_SUPERSEDED, interrupt->decision,
							   interrupt->settled_by, interrupt->settled_at);
		audit_interrupt(interrupt, "superseded", NULL);
	}
}

/*
 * The question of a node in C that pauses with a phase, in frame->context.  It
 * is a new one, whatever was answered before.  An error is marked, as above.
 */
HitlQuestion *
interrupt_question(HitlFrame *frame, Jsonb *payload, const char *key)
{
	HitlQuestion *volatile question = NULL;
	HitlError  *volatile failure = NULL;
	MemoryContext old = MemoryContextSwitchTo(frame->context);

	PG_TRY();
	{
		Jsonb	   *copy = NULL;

		frame_require_node(frame, "hitl_pause()");
		if (payload != NULL)
		{
			copy = palloc(VARSIZE(payload));
			memcpy(copy, payload, VARSIZE(payload));
		}
		question = question_parse(copy, name_question(frame, key));
		(void) opening_choose(frame->run, question, false);
	}
	PG_CATCH();
	{
		failure = frame_catch(frame);
	}
	PG_END_TRY();
	if (failure != NULL)
		frame_fail(frame, failure);
	MemoryContextSwitchTo(old);
	return question;
}

/* Has somebody answered what a task has asked under this key? */
bool
interrupt_is_answered(List *interrupts, const char *key)
{
	ListCell   *cell;

	foreach(cell, interrupts)
	{
		const HitlInterrupt *interrupt = lfirst(cell);

		if (answer_is_given(interrupt) && strcmp(interrupt->question.key, key) == 0)
			return true;
	}
	return false;
}

/*
 * A node is about to end well: has it been given what people decided?  Its
 * state, its code or what else it looks at may have changed since it asked, so
 * that it does not ask any more.  What was approved may then be done; a reject,
 * an edit or a response that nobody heard must not end in the node's effects.
 * Raises IH007.
 */
void
interrupt_require_heard(const HitlRun *run)
{
	ListCell   *cell;

	foreach(cell, run->interrupts)
	{
		const HitlInterrupt *asked = lfirst(cell);
		char	   *type;

		if (!answer_is_given(asked) || asked->is_heard || is_of_earlier_phase(run, asked))
			continue;
		type = json_get_string(asked->decision, "type");
		if (type != NULL && strcmp(type, name_decision_type(HITL_DECISION_APPROVE)) == 0)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_HITL_ASKED_ELSE),
				 errmsg("node \"%s\" did not ask for the answer that was given", run->task->node),
				 errdetail("Interrupt %lld was decided: %s. When the node ran again it did not ask that any more, and what it did is rolled back.",
						   (long long) asked->interrupt_id, type != NULL ? type : "(nothing)"),
				 errhint("SELECT hitl.retry(%lld); once it asks again, or SELECT hitl.cancel(%lld);",
						 (long long) run->task->thread_id, (long long) run->thread->root_id)));
	}
}

bool
interrupt_is_any_pending(List *interrupts)
{
	ListCell   *cell;

	foreach(cell, interrupts)
		if (((HitlInterrupt *) lfirst(cell))->status == HITL_INTERRUPT_PENDING)
			return true;
	return false;
}

/* The pending interrupts of some threads as an array of objects, for invoke(). */
Jsonb *
interrupt_documents(const HitlIds *threads)
{
	List	   *pending = store_interrupt_pending(threads, HITL_LOCK_NONE);
	Jsonb	  **documents = palloc(sizeof(Jsonb *) * Max(list_length(pending), 1));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, pending)
	{
		HitlInterrupt *interrupt = lfirst(cell);
		HitlQuestion *question = &interrupt->question;
		Jsonb	   *allowed[HITL_DECISION_TYPES];
		int			n_allowed = 0;
		JsonBuilder b;

		for (int i = 0; i < HITL_DECISION_TYPES; i++)
			if (question->allowed & HITL_DECISION_BIT(i))
				allowed[n_allowed++] = json_string(name_decision_type((HitlDecisionType) i));
		json_begin(&b);
		json_add_int64(&b, "interrupt_id", interrupt->interrupt_id);
		json_add_int64(&b, "thread_id", interrupt->thread_id);
		json_add_string(&b, "node", interrupt->node);
		json_add_string(&b, "key", question->key);
		json_add_string(&b, "action", question->action);
		json_add_jsonb(&b, "args", question->args);
		json_add_string(&b, "description", question->description);
		json_add_jsonb(&b, "payload", question->payload);
		json_add_jsonb(&b, "allowed", json_array(allowed, n_allowed));
		documents[n++] = json_end(&b);
	}
	return json_array(documents, n);
}
