/*
 * lifecycle.h
 *    The states of a thread, a task and an interrupt, and their legal moves.
 *
 * thread     FROM -> TO                                     [who moves it]
 *   running     -> running, interrupted, done, failed       [thread_settle]
 *   interrupted -> running, interrupted, done, failed       [thread_settle]
 *   failed      -> failed, running, interrupted, done       [thread_retry; thread_settle]
 *   interrupted, failed -> running, done                    [steer_update]
 *   any but done and cancelled -> cancelled                 [thread_cancel]
 *   any but cancelled -> running: more input begins a turn    [thread_begin_turn]
 *   done and cancelled are ends; from done only input leads on.
 *
 * task
 *   ready       -> done, interrupted, waiting, failed, cancelled, ready (put back)
 *   interrupted -> done, interrupted, waiting, failed, cancelled, ready (put back)
 *   waiting     -> done, interrupted, waiting (put back), failed, cancelled
 *   failed      -> ready (retry), interrupted (reopen), cancelled
 *   done, cancelled: the end.
 *
 * interrupt
 *   pending -> decided [decision], expired (its deadline has decided it),
 *      cancelled [thread_cancel], superseded [steer]
 *   decided, expired -> superseded: the node now asks something else, or, before the
 *      node had acted on it, the thread was sent elsewhere [steer] or it was
 *      reopened [reopen]
 *   cancelled, superseded: the end.
 *
 * Invariants, each a query of hitl.check():
 *   I1 a running thread has a row in the run queue or waits for a child
 *   I2 an interrupted thread waits for an interrupt or is queued
 *   I3 a row of the run queue has its task
 *   I4 a pending interrupt has its interrupted task, unless it is a review, and an audience
 *   I5 a settled interrupt has no audience
 *   I6 a thread that ended has nothing left to do
 *   I7 an answer has its run: an interrupted task has a pending interrupt or
 *      a row in the run queue
 *   I8 a thread has its graph version and its latest checkpoint
 *   I9 no orphan rows
 *   I10 a decided interrupt has its decision and a vote
 *   I11 an owner is a role
 *   I12 a thread counts the tasks of its step rightly
 *   I13 a waiting task has a child that lives, or a row in the run queue
 *   I14 a child that lives has the parent and the task that wait for it
 *   I15 an input waits for the end of its thread, which counts it
 *   I16 a vote is for a revision that its interrupt had
 *   I17 a proposal is somebody's vote, and a revision of its own
 *   I18 a round that reopens has the one before it: superseded, or of a review decided
 *   I19 a timer is that of a pending interrupt
 *   I20 a pending interrupt with a deadline has the timer of it, or it has fired
 *   I21 a claim has its holder and its end
 *   I22 what lies on a desk is of an interrupt that is there; an absence has an
 *      end behind its beginning, and somebody else as its substitute
 *   I23 a policy has its versions, and who names one finds it
 *   I24 a grant names roles that are there, and its graph
 *   I25 who decides a pending interrupt is there, or somebody has dropped the role
 *
 * Layer 1: pure.
 */
#ifndef HITL_LIFECYCLE_H
#define HITL_LIFECYCLE_H

#include "types.h"

/* what to do with an error that ended a node */
typedef enum HitlErrorVerdict
{
	HITL_ERROR_FAIL,			/* the node's own: the task has failed */
	HITL_ERROR_RETRY,			/* a conflict with others: run it again */
	HITL_ERROR_PUT_BACK			/* the server's trouble: later, not counted */
} HitlErrorVerdict;

extern bool lifecycle_thread_may_move(HitlThreadStatus from, HitlThreadStatus to);
extern bool lifecycle_task_may_run(HitlTaskStatus status);
extern bool lifecycle_task_may_move(HitlTaskStatus from, HitlTaskStatus to);
extern bool lifecycle_interrupt_may_move(HitlInterruptStatus from, HitlInterruptStatus to);
extern void lifecycle_count_move(HitlTaskCounts *counts, HitlTaskStatus from, HitlTaskStatus to);
extern bool lifecycle_thread_has_ended(HitlThreadStatus status);
extern bool lifecycle_step_is_complete(const HitlTaskCounts *counts);
extern HitlThreadStatus lifecycle_thread_status(const HitlTaskCounts *counts);
extern HitlErrorVerdict lifecycle_error_verdict(int sqlerrcode);
extern bool lifecycle_error_is_fault(int sqlerrcode);
extern int64 lifecycle_conflict_delay_ms(int conflicts);
extern int64 lifecycle_crash_delay_ms(int crashes, double random);
extern bool lifecycle_may_retry(const HitlRetry *retry, int attempt, const char *sqlstate);
extern int64 lifecycle_retry_delay_ms(const HitlRetry *retry, int attempt, double random);

#endif							/* HITL_LIFECYCLE_H */
