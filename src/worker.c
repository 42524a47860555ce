/*
 * worker.c
 *    The life of one of our processes: taken slot, start, attach, exit.
 *
 * The starter takes a slot under the lock, releases the lock and registers the
 * process with the postmaster.  The process finds its slot by place and
 * generation, and gives it back in an exit callback that is registered before
 * it connects: such callbacks run last registered first, so when the slot is
 * free the process is gone from the server's list of sessions too, and DROP
 * DATABASE does not see it.
 *
 * Whoever leaves work behind says so in the database's entry, however it ends.
 *
 * Layer 4.  Locks: that of shared memory, never while registering or waiting.
 */
#include "postgres.h"

#include "clock.h"
#include "compat.h"
#include "marks.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/timestamp.h"
#include "worker.h"

/* a process that has not come by then will not */
#define START_TIMEOUT_MS 30000
/* how long a place is kept for the executor for which another one left */
#define GRANT_TIMEOUT_MS 5000
/* first and last pause after the server had no room for a process */
#define NO_ROOM_MS 100
#define NO_ROOM_MAX_MS 10000
/* first pauses after a dispatcher died and after a role could not connect;
 * doubled for each failure in a row */
#define FAILURE_MS 250
#define REFUSAL_MS 1000
#define PAUSE_MAX_MS 60000
/* longest sleep for a time that is to come */
#define SLEEP_MAX_MS 60000

static long no_room_ms = 0;
static TimestampTz no_room_until = 0;

/* ---------------------------------------------------------- the starter's side */

/* Keep what is needed to start the process after the lock is released. */
void
worker_start_fill(HitlStart *start, const HitlSlot *slot)
{
	start->place = slot - shmem_shared->slots;
	start->generation = slot->generation;
	start->kind = slot->kind;
	start->dboid = slot->dboid;
	start->roleoid = slot->roleoid;
}

/* Ask the one of our processes that has slept longest to make room. */
static void
make_room(TimestampTz now)
{
	HitlLatches latches = {0};
	HitlSlot   *sleeper = NULL;

	shmem_lock();
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_NONE && slot->state == HITL_PROCESS_IDLE &&
			slot->idle_since != 0 && !slot->is_woken && !slot->must_leave &&
			slot != slot_mine() &&
			slot->idle_since <= TimestampTzPlusMilliseconds(now, -1000) &&
			(sleeper == NULL || slot->idle_since < sleeper->idle_since))
			sleeper = slot;
	}
	if (sleeper != NULL)
	{
		sleeper->must_leave = true;
		shmem_latch_add(&latches, sleeper->procno);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
}

/*
 * Have the postmaster start a process for a taken slot.  False, with the slot
 * free again, if all of max_worker_processes are in use; the caller tries
 * again at worker_no_room_until().
 */
bool
worker_start(const HitlStart *start, const char *name, TimestampTz now)
{
	BackgroundWorker worker = {0};
	bool		is_executor = start->kind == HITL_PROCESS_EXECUTOR;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	strlcpy(worker.bgw_library_name, "hitl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name,
			is_executor ? "hitl_executor_main" : "hitl_dispatcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_type, is_executor ? "hitl executor" : "hitl dispatcher",
			BGW_MAXLEN);
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	StaticAssertStmt(sizeof(HitlStart) <= BGW_EXTRALEN, "bgw_extra is too small");
	memcpy(worker.bgw_extra, start, sizeof(HitlStart));

	if (RegisterDynamicBackgroundWorker(&worker, NULL))
	{
		no_room_ms = 0;
		return true;
	}

	shmem_lock();
	if (shmem_shared->slots[start->place].generation == start->generation)
		slot_free(&shmem_shared->slots[start->place]);
	shmem_unlock();
	if (no_room_ms == 0)
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start %s", name),
				 errdetail("All %d background worker slots of the server are in use.",
						   max_worker_processes),
				 errhint("Increase \"max_worker_processes\", or decrease "
						 "\"hitl.max_executors\" or \"hitl.max_dispatchers\".")));
	no_room_ms = Min(NO_ROOM_MAX_MS, Max(NO_ROOM_MS, no_room_ms * 2));
	no_room_until = TimestampTzPlusMilliseconds(now, no_room_ms);
	make_room(now);
	return false;
}

/* When this process may ask the postmaster again; the past if it may now. */
TimestampTz
worker_no_room_until(void)
{
	return no_room_ms == 0 ? 0 : no_room_until;
}

/*
 * Free the slots of processes that never came, and places that were kept for
 * an executor that is no longer wanted.
 */
void
worker_reclaim(TimestampTz now)
{
	HitlLatches latches = {0};

	shmem_lock();
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];
		long		limit = slot->state == HITL_PROCESS_GRANTED ?
			GRANT_TIMEOUT_MS : START_TIMEOUT_MS;
		HitlEntry  *entry;

		if (slot->kind == HITL_PROCESS_NONE || slot->pid != 0 ||
			now < TimestampTzPlusMilliseconds(slot->started_at, limit))
			continue;
		entry = shmem_entry_find(slot->dboid);
		slot_free(slot);
		if (entry != NULL)
			entry->has_work = true;
		shmem_rouse_waiting(&latches);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
}

/* --------------------------------------------------------------- at exit */

static TimestampTz
pause_until(TimestampTz now, int64 first_ms, int failures)
{
	int64		ms = first_ms << Min(failures, 10);

	return TimestampTzPlusMilliseconds(now, Min(ms, PAUSE_MAX_MS));
}

/*
 * An executor that was to make room hands its place on, so that the role that
 * it ran for does not get it back first.
 */
static void
leave_executor(HitlSlot *slot, TimestampTz now, HitlLatches *latches)
{
	HitlEntry  *entry = shmem_entry_find(slot->dboid);
	HitlEntry  *granted = OidIsValid(slot->grant_role) ?
		shmem_entry_find(slot->grant_dboid) : NULL;
	Oid			role = slot->grant_role;

	/* it could not connect: not again at once.  So if what it ran ended it,
	 * unless that is held against the task alone. */
	if ((!slot->is_proven || (slot->thread_id != 0 && !marks_is_on())) && !slot->must_leave)
	{
		HitlRefusal *refusal = shmem_refusal_make(slot->dboid, slot->roleoid);

		refusal->retry_at = pause_until(now, REFUSAL_MS, refusal->failures);
		refusal->failures++;
	}
	if (slot->state != HITL_PROCESS_LEAVING && entry != NULL)
	{
		entry->has_work = true;
		shmem_entry_rouse(entry, latches);
	}

	slot_free(slot);
	if (granted != NULL && !shmem_database_is_held(granted->dboid))
	{
		slot->kind = HITL_PROCESS_EXECUTOR;
		slot->state = HITL_PROCESS_GRANTED;
		slot->dboid = granted->dboid;
		slot->roleoid = role;
		slot->started_at = now;
		shmem_shared->slots_used = Max(shmem_shared->slots_used,
									  (int) (slot - shmem_shared->slots) + 1);
		granted->has_work = true;
		shmem_entry_rouse(granted, latches);
	}
	else
		shmem_rouse_waiting(latches);
}

/* Events that a dispatcher had taken and not sent are lost: resync. */
static void
leave_dispatcher(HitlSlot *slot, TimestampTz now, HitlLatches *latches)
{
	HitlEntry  *entry = shmem_entry_find(slot->dboid);

	if (entry != NULL && slot->state != HITL_PROCESS_LEAVING)
	{
		entry->has_work = true;
		if (slot->state == HITL_PROCESS_BUSY)
			entry->needs_resync = true;
		if ((slot->state == HITL_PROCESS_BUSY || !slot->is_proven) && !slot->must_leave)
		{
			entry->retry_at = pause_until(now, FAILURE_MS, entry->failures);
			entry->failures++;
		}
	}
	slot_free(slot);
	shmem_rouse_launcher(latches);
}

static void
leave(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	HitlLatches latches = {0};
	HitlSlot   *slot = slot_mine();
	TimestampTz now = clock_real();

	if (slot == NULL)
		return;
	shmem_lock();
	if (slot->kind == HITL_PROCESS_EXECUTOR)
		leave_executor(slot, now, &latches);
	else if (slot->kind == HITL_PROCESS_DISPATCHER)
		leave_dispatcher(slot, now, &latches);
	else
		slot_free(slot);
	shmem_unlock();
	slot_disown();
	shmem_latch_set(&latches);
}

/* --------------------------------------------------------- the process's side */

/*
 * Signals as for sessions, except that only an executor can be cancelled.
 * SIGUSR1 keeps the server's handler: barriers and catch-up come through it.
 * A process whose slot was given away has nothing to do and ends here.
 */
void
worker_attach(HitlProcessKind kind, TimestampTz now)
{
	HitlStart	start;
	HitlSlot   *slot;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, kind == HITL_PROCESS_EXECUTOR ? StatementCancelHandler : SIG_IGN);

	memset(&start, 0, sizeof(start));
	if (kind != HITL_PROCESS_LAUNCHER)
		memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	if (shmem_shared == NULL)
		proc_exit(1);
	shmem_lock();
	slot = slot_adopt(kind, start.place, start.generation, now);
	shmem_unlock();
	if (slot == NULL)
		proc_exit(0);
	on_shmem_exit(leave, (Datum) 0);
	BackgroundWorkerUnblockSignals();

	/* a role's own setting of it still wins */
	SetConfigOption("application_name", MyBgworkerEntry->bgw_type,
					PGC_USERSET, PGC_S_DYNAMIC_DEFAULT);
}

/* This process has its connection. */
void
worker_connected(void)
{
	HitlSlot   *slot = slot_mine();
	HitlRefusal *refusal;

	shmem_lock();
	slot->state = HITL_PROCESS_IDLE;
	if (slot->kind != HITL_PROCESS_DISPATCHER)
		slot->is_proven = true;
	if (slot->kind == HITL_PROCESS_EXECUTOR)
	{
		refusal = shmem_refusal_find(slot->dboid, slot->roleoid);
		if (refusal != NULL)
			memset(refusal, 0, sizeof(HitlRefusal));
	}
	shmem_unlock();
	/* before the first run, and to see it if the server crashes */
	marks_attach();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Sleep, and do what a session does when it is woken; false if the time is
 * over.  A cancel that comes while nothing runs is meant for nothing: it is
 * dropped, and so does not hit the next task either.
 */
bool
worker_wait(long timeout_ms, uint32 wait_event)
{
	int			rc = 0;

	if (timeout_ms != 0)
		rc = WaitLatch(MyLatch,
					   WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout_ms > 0 ? WL_TIMEOUT : 0),
					   timeout_ms, wait_event);
	ResetLatch(MyLatch);

	HOLD_CANCEL_INTERRUPTS();
	CHECK_FOR_INTERRUPTS();
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();

	if (catchupInterruptPending)
		ProcessCatchupInterrupt();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return (rc & WL_LATCH_SET) != 0;
}

/*
 * Milliseconds to sleep until a time, rounded up; -1 for ever.  A minute at most:
 * a sleep goes by a clock that is not set and, in a machine that was suspended,
 * stands still.  To look at the time again costs no transaction.
 */
long
worker_ms_until(TimestampTz now, TimestampTz then)
{
	if (then == DT_NOEND)
		return -1;
	if (then <= now)
		return 0;
	return (long) Min((then - now + 999) / 1000, SLEEP_MAX_MS);
}
