/*
 * executor_main.c
 *    A session of one role in one database that runs what is due for it.
 *
 * The loop: say that we are idle, look for a task and run it, and only if
 * there was none, sleep.  A commit that finds us idle wakes us; one that finds
 * us busy does not have to, because we look again; so no task is overlooked.
 *
 * It ends when it has had nothing to do for a while, when it was asked to make
 * room, when there are more executors than allowed, or when the extension is
 * gone.  Errors of nodes are the engine's business and never come here; an
 * error that does is one of bookkeeping: it is logged, and after a pause we go
 * on.
 *
 * Layer 4.  Locks: that of shared memory, never while a task runs.
 * Memory: "hitl task", reset for each.
 */
#include "postgres.h"

#include "access/xact.h"
#include "clock.h"
#include "commands/extension.h"
#include "compat.h"
#include "crash.h"
#include "executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "session.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "worker.h"

/* pause after an error of bookkeeping: doubled for each in a row */
#define ERROR_PAUSE_MS 1000
#define ERROR_PAUSE_MAX_MS 30000

static uint32 wait_event = 0;
static long error_pause_ms = ERROR_PAUSE_MS;

/* ------------------------------------------------------------------------ slot */

/*
 * From here on, until we sleep or run something, a commit that finds us wakes
 * us.  Cancels for what we ran before have arrived by now; they are void.
 */
static void
become_idle(void)
{
	HitlSlot   *slot = slot_mine();

	shmem_lock();
	slot->state = HITL_PROCESS_IDLE;
	slot->is_woken = false;
	slot->thread_id = 0;
	slot->task_id = 0;
	slot->cancel_thread = 0;
	shmem_unlock();
	QueryCancelPending = false;
}

/* We sleep: who waits for a place may ask for ours. */
static TimestampTz
become_sleeper(void)
{
	HitlLatches latches = {0};
	HitlSlot   *slot = slot_mine();

	shmem_lock();
	if (slot->idle_since == 0)
	{
		slot->idle_since = clock_real();
		shmem_rouse_waiting(&latches);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
	return slot->idle_since;
}

/* Nobody is to wake us for a while. */
static void
become_busy(void)
{
	HitlSlot   *slot = slot_mine();

	shmem_lock();
	slot->state = HITL_PROCESS_BUSY;
	slot->busy_since = clock_real();
	slot->idle_since = 0;
	shmem_unlock();
}

/* How many places of max_executors are taken by those who mean to stay? */
static int
count_executors(void)
{
	int			n = 0;

	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		const HitlSlot *slot = &shmem_shared->slots[i];

		if (slot->kind == HITL_PROCESS_EXECUTOR && !slot->must_leave &&
			slot->state != HITL_PROCESS_LEAVING)
			n++;
	}
	return n;
}

/*
 * Do we have to go now, whatever is due?  Then the dispatcher has to see to
 * what we leave behind.  Decided and marked under the lock, so that of several
 * executors above a lowered limit only as many go as have to.
 */
static bool
has_to_leave(void)
{
	HitlLatches latches = {0};
	HitlSlot   *slot = slot_mine();
	bool		has_to;

	shmem_lock();
	has_to = slot->must_leave || count_executors() > guc_max_executors;
	if (has_to)
	{
		HitlEntry  *entry = shmem_entry_find(MyDatabaseId);

		slot->state = HITL_PROCESS_LEAVING;
		if (entry != NULL)
		{
			entry->has_work = true;
			shmem_entry_rouse(entry, &latches);
		}
	}
	shmem_unlock();
	shmem_latch_set(&latches);
	return has_to;
}

/* We have been idle long enough: leave, unless we were woken just now. */
static bool
try_leave(void)
{
	HitlSlot   *slot = slot_mine();
	bool		is_free;

	shmem_lock();
	is_free = !slot->is_woken;
	if (is_free)
		slot->state = HITL_PROCESS_LEAVING;
	shmem_unlock();
	return is_free;
}

/* ------------------------------------------------------------------------ tasks */

static bool
is_installed(void)
{
	bool		is_here;

	StartTransactionCommand();
	is_here = OidIsValid(get_extension_oid("hitl", true));
	CommitTransactionCommand();
	return is_here;
}

/* Nobody is to wake us for a while: errors in a row are not hurried. */
static void
pause_after_error(void)
{
	HitlSlot   *slot = slot_mine();
	TimestampTz until = TimestampTzPlusMilliseconds(clock_real(), error_pause_ms);
	TimestampTz now;

	error_pause_ms = Min(error_pause_ms * 2, ERROR_PAUSE_MAX_MS);
	become_busy();
	while (!slot->must_leave && (now = clock_real()) < until)
		(void) worker_wait(worker_ms_until(now, until), wait_event);
}

/*
 * Report an error that the engine let through, and get over it.  Somebody's
 * cancel that hit our own statements is neither news nor a reason to wait.
 */
static void
recover(MemoryContext task_context)
{
	HitlSlot   *slot = slot_mine();
	bool		is_cancel;

	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	MemoryContextSwitchTo(task_context);
	is_cancel = geterrcode() == ERRCODE_QUERY_CANCELED;
	if (!is_cancel)
		EmitErrorReport();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	if (!is_cancel && slot->thread_id != 0)
		ereport(LOG,
				(errmsg("could not record a run of thread %lld", (long long) slot->thread_id),
				 errdetail("Task %lld stays in the queue.", (long long) slot->task_id)));
	slot_idle();
	QueryCancelPending = false;
	RESUME_INTERRUPTS();

	if (is_cancel)
		return;
	if (is_installed())
		pause_after_error();
	else
	{
		shmem_lock();
		slot->must_leave = true;
		shmem_unlock();
	}
}

/* Run one task that is due; false if there was none. */
static bool
run_task(Oid owner, MemoryContext task_context)
{
	volatile bool has_run = true;

	pgstat_report_activity(STATE_RUNNING, "hitl: run what is due");
	SetCurrentStatementStartTimestamp();
	MemoryContextReset(task_context);
	MemoryContextSwitchTo(task_context);
	PG_TRY();
	{
		crash_collect(owner);
		has_run = executor_run_due(owner);
		error_pause_ms = ERROR_PAUSE_MS;
	}
	PG_CATCH();
	{
		recover(task_context);
	}
	PG_END_TRY();
	return has_run;
}

/*
 * Sleep until woken, asked to leave or idle for too long; true: leave.
 * Statistics that could not be sent yet are sent during the sleep.
 */
static bool
sleep_until_woken(void)
{
	long		report_in = pgstat_report_stat(false);
	TimestampTz leave_at;
	TimestampTz now;
	long		timeout;

	pgstat_report_activity(STATE_IDLE, NULL);
	leave_at = TimestampTzPlusMilliseconds(become_sleeper(), guc_executor_idle_timeout);
	now = clock_real();
	if (now >= leave_at)
		return try_leave();
	timeout = worker_ms_until(now, leave_at);
	if (report_in > 0)
		timeout = Min(timeout, report_in);
	(void) worker_wait(timeout, wait_event);
	return false;
}

void
hitl_executor_main(Datum main_arg pg_attribute_unused())
{
	MemoryContext task_context;
	HitlSlot   *slot;

	worker_attach(HITL_PROCESS_EXECUTOR, clock_real());
	slot = slot_mine();
	BackgroundWorkerInitializeConnectionByOid(slot->dboid, slot->roleoid,
											  COMPAT_BGWORKER_ROLE_FLAGS);
	worker_connected();
	session_begin();
	task_context = AllocSetContextCreate(TopMemoryContext, "hitl task",
										 ALLOCSET_DEFAULT_SIZES);
	wait_event = compat_wait_event("HitlExecutorIdle");

	for (;;)
	{
		(void) worker_wait(0, wait_event);
		if (has_to_leave())
			proc_exit(0);
		become_idle();
		if (run_task(slot->roleoid, task_context))
		{
			/* at most one report a second; autovacuum depends on them */
			(void) pgstat_report_stat(false);
			continue;
		}
		if (sleep_until_woken())
			proc_exit(0);
	}
}
