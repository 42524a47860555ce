/*
 * phase.c
 *    A node that has paused and kept what it did: what it is given when it goes on.
 *
 * Such are nodes in C (hook.c) and nodes in continue mode (continuation.c).  The
 * run returns, its subtransaction is released, and the executor writes the
 * question, the phase and what is saved in the commit of its effects.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "answer.h"
#include "ballot.h"
#include "guard.h"
#include "phase.h"

/* The question that the task has paused with; NULL: it has not. */
const HitlInterrupt *
phase_question(const HitlRun *run)
{
	ListCell   *cell;

	foreach(cell, run->interrupts)
		if (((HitlInterrupt *) lfirst(cell))->interrupt_id == run->task->phase_interrupt)
			return lfirst(cell);
	return NULL;
}

/* Is that decided, so that the node can be given the answer? */
bool
phase_is_decided(const HitlFrame *frame)
{
	const HitlInterrupt *question = phase_question(frame->run);

	return question != NULL && answer_is_given(question);
}

/* Pause.  question and saved: in frame->context. */
void
phase_park(HitlFrame *frame, HitlQuestion *question, int phase, Jsonb *saved)
{
	HitlRun    *run = frame->run;

	run->question = question;
	run->saved = saved;
	run->next_phase = phase;
	run->is_parked = true;
}

/*
 * Pause with the same question again, and go on in the same phase with what is
 * saved: the guard does not agree with what was decided, or the question was
 * taken back.
 */
void
phase_park_again(HitlFrame *frame)
{
	HitlRun    *run = frame->run;
	const HitlInterrupt *asked = phase_question(run);
	MemoryContext old = MemoryContextSwitchTo(frame->context);
	HitlQuestion *question = palloc(sizeof(HitlQuestion));

	if (answer_is_given(asked))
		guard_require_round(run, asked);
	*question = asked->question;
	question->supersedes = answer_is_given(asked) ? asked->interrupt_id : 0;
	question->under = ballot_policy(asked);
	question->rule = asked->rule;
	phase_park(frame, question, run->task->phase, run->task->saved);
	MemoryContextSwitchTo(old);
}
