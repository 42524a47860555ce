/*
 * lifecycle.c
 *    The states of a thread, a task and an interrupt, and their legal moves.
 *
 * Layer 1: pure.  Nothing here knows the time, a setting or a table.
 */
#include "postgres.h"

#include <math.h>

#include "errors.h"
#include "lifecycle.h"
#include "utils/errcodes.h"

#define RUNNING		(1 << HITL_THREAD_RUNNING)
#define INTERRUPTED	(1 << HITL_THREAD_INTERRUPTED)
#define DONE		(1 << HITL_THREAD_DONE)
#define FAILED		(1 << HITL_THREAD_FAILED)
#define CANCELLED	(1 << HITL_THREAD_CANCELLED)

bool
lifecycle_thread_may_move(HitlThreadStatus from, HitlThreadStatus to)
{
	static const int moves[] = {
		[HITL_THREAD_RUNNING] = RUNNING | INTERRUPTED | DONE | FAILED | CANCELLED,
		[HITL_THREAD_INTERRUPTED] = RUNNING | INTERRUPTED | DONE | FAILED | CANCELLED,
		[HITL_THREAD_FAILED] = RUNNING | INTERRUPTED | DONE | FAILED | CANCELLED,
		[HITL_THREAD_DONE] = RUNNING,
		[HITL_THREAD_CANCELLED] = 0,
	};

	return (moves[from] & (1 << to)) != 0;
}

/* Is there anything to run, for whoever finds such a task in the run queue? */
bool
lifecycle_task_may_run(HitlTaskStatus status)
{
	return status == HITL_TASK_READY || status == HITL_TASK_INTERRUPTED || status == HITL_TASK_WAITING;
}

bool
lifecycle_task_may_move(HitlTaskStatus from, HitlTaskStatus to)
{
	switch (from)
	{
		case HITL_TASK_READY:
		case HITL_TASK_INTERRUPTED:
			return true;
		case HITL_TASK_WAITING:
			return to != HITL_TASK_READY;
		case HITL_TASK_FAILED:
			return to == HITL_TASK_READY || to == HITL_TASK_INTERRUPTED || to == HITL_TASK_CANCELLED;
		case HITL_TASK_DONE:
		case HITL_TASK_CANCELLED:
			return false;
	}
	return false;
}

bool
lifecycle_interrupt_may_move(HitlInterruptStatus from, HitlInterruptStatus to)
{
	switch (from)
	{
		case HITL_INTERRUPT_PENDING:
			return to != HITL_INTERRUPT_PENDING;
		case HITL_INTERRUPT_DECIDED:
		case HITL_INTERRUPT_EXPIRED:
			return to == HITL_INTERRUPT_SUPERSEDED;
		case HITL_INTERRUPT_CANCELLED:
		case HITL_INTERRUPT_SUPERSEDED:
			return false;
	}
	return false;
}

static void
count(HitlTaskCounts *counts, HitlTaskStatus status, int change)
{
	switch (status)
	{
		case HITL_TASK_READY:
			counts->ready += change;
			break;
		case HITL_TASK_INTERRUPTED:
			counts->interrupted += change;
			break;
		case HITL_TASK_WAITING:
			counts->waiting += change;
			break;
		case HITL_TASK_FAILED:
			counts->failed += change;
			break;
		case HITL_TASK_DONE:
		case HITL_TASK_CANCELLED:
			break;
	}
}

/* A task of the step moves: what is left to do? */
void
lifecycle_count_move(HitlTaskCounts *counts, HitlTaskStatus from, HitlTaskStatus to)
{
	count(counts, from, -1);
	count(counts, to, 1);
}

bool
lifecycle_thread_has_ended(HitlThreadStatus status)
{
	return status == HITL_THREAD_DONE || status == HITL_THREAD_CANCELLED;
}

/* Is it time to apply the reducers and go on? */
bool
lifecycle_step_is_complete(const HitlTaskCounts *counts)
{
	return counts->ready == 0 && counts->interrupted == 0 && counts->waiting == 0 && counts->failed == 0;
}

/*
 * What a thread is while its super-step is not complete.  A failure shows only
 * once no sibling can run on; it outranks a question, because answering the
 * question alone will not bring the thread to its end.  A thread with waiting
 * tasks is running as far as its row can know: what it is shown as depends on
 * the threads below it (tree_status()).
 */
HitlThreadStatus
lifecycle_thread_status(const HitlTaskCounts *counts)
{
	if (counts->ready > 0 || counts->waiting > 0)
		return HITL_THREAD_RUNNING;
	if (counts->failed > 0)
		return HITL_THREAD_FAILED;
	if (counts->interrupted > 0)
		return HITL_THREAD_INTERRUPTED;
	return HITL_THREAD_RUNNING;
}

/*
 * 40001, 40P01 and 55P03 are conflicts with other sessions; classes 53, 57P
 * and 58 are the server's trouble (out of resources, shutting down, I/O).
 * Neither says anything about the node.
 */
HitlErrorVerdict
lifecycle_error_verdict(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return HITL_ERROR_RETRY;
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_CRASH_SHUTDOWN:
		case ERRCODE_CANNOT_CONNECT_NOW:
		case ERRCODE_DATABASE_DROPPED:
		case ERRCODE_IDLE_SESSION_TIMEOUT:
			return HITL_ERROR_PUT_BACK;
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
			return HITL_ERROR_PUT_BACK;
		default:
			return HITL_ERROR_FAIL;
	}
}

/* Does an error say that what an author wrote is wrong?  A cancel does not. */
bool
lifecycle_error_is_fault(int sqlerrcode)
{
	return sqlerrcode != ERRCODE_QUERY_CANCELED && lifecycle_error_verdict(sqlerrcode) == HITL_ERROR_FAIL;
}

/*
 * How long a task that was put back waits: 0.1 s doubled with each time, at
 * most a minute.
 */
int64
lifecycle_conflict_delay_ms(int conflicts)
{
	if (conflicts > 9)
		return 60000;
	return INT64CONST(100) << Max(conflicts, 0);
}

/*
 * How long a task waits that has crashed so often (from 1): a second doubled
 * with each time, at most a minute, and up to as much again (random: from 0 to
 * 1), so that those that crashed together do not meet again.
 */
int64
lifecycle_crash_delay_ms(int crashes, double random)
{
	int64		delay = crashes > 6 ? 60000 : Min(60000, INT64CONST(1000) << Max(crashes - 1, 0));

	return delay + (int64) (delay * random);
}

/* A node has failed for the attempt-th time (from 1): may it be run again? */
bool
lifecycle_may_retry(const HitlRetry *retry, int attempt, const char *sqlstate)
{
	ListCell   *cell;

	if (attempt >= retry->max_attempts)
		return false;
	/* a function that has changed stays changed */
	if (MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]) == ERRCODE_HITL_CHANGED)
		return false;
	if (retry->retry_on == NIL)
		return true;
	foreach(cell, retry->retry_on)
		if (strncmp(lfirst(cell), sqlstate, strlen(lfirst(cell))) == 0)
			return true;
	return false;
}

/*
 * How long to wait after the attempt-th failure (from 1).  random: from 0 to
 * 1; with jitter it adds up to a second, as LangGraph's RetryPolicy does.
 */
int64
lifecycle_retry_delay_ms(const HitlRetry *retry, int attempt, double random)
{
	double		seconds = retry->initial_interval * pow(retry->backoff_factor, attempt - 1);

	/* 0 times infinity is no number */
	if (retry->initial_interval == 0)
		seconds = 0;
	seconds = Min(seconds, retry->max_interval);
	if (retry->jitter)
		seconds += random;
	return (int64) (seconds * 1000);
}
