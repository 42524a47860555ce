/*
 * dispatcher.c
 *    One process per database, while there is something to do: it fires
 *    deadlines, looks at the run queue, starts executors, and sends notifications.
 *
 * A look is one transaction.  Before it, the flags and the due time of the
 * database's entry are taken under the lock, so that what commits after the
 * look's snapshot sets them again and causes the next one.  Before it leaves,
 * it checks the flags under the same lock and publishes when to look again.
 * An error ends the process: the entry then says that there is work, and the
 * launcher starts another one after a pause.
 *
 * Layer 4.  Locks: that of shared memory, never during a look.
 * Memory: "hitl look", reset at each one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "clock.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "compat.h"
#include "crash.h"
#include "escalation.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "rights.h"
#include "session.h"
#include "storage/ipc.h"
#include "store_queue.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "wake.h"
#include "worker.h"

/* pause between looks that are only to see whether more executors help */
#define SCALE_MS 20
/* pause until a look whether tasks that nobody ran are still there: their rows
 * may be locked by a session that runs or cancels them, and rolls that back */
#define LEFT_OVER_MS 1000
/* an executor that works may stay this long before it has to make room */
#define TENURE_MS 1000
/* interrupts whose deadlines fire in one commit, and in one look */
#define MAX_TIMERS 200
/* notifications in one commit */
#define MAX_EVENTS 256

/* a role with something due, as the look found it */
typedef struct Demand
{
	Oid			owner;
	int			due;
	bool		can_connect;
	char	   *name;
} Demand;

/* what to do for a demand, decided under the lock */
typedef struct StartPlan
{
	bool		must_start;
	HitlStart	start;
	TimestampTz look_at;		/* DT_NOEND: no need */
} StartPlan;

static List *demands = NIL;
static HitlEvent events[MAX_EVENTS];

/* ------------------------------------------------------------------------ look */

/*
 * Takes what is asked of us; returns the number of events.  Whoever commits
 * after this, and so perhaps after our snapshot, asks again.
 */
static int
take_entry(bool *needs_resync, bool *was_prepared)
{
	HitlSlot   *slot = slot_mine();
	HitlEntry  *entry;
	int			n = 0;

	*needs_resync = *was_prepared = false;
	shmem_lock();
	slot->state = HITL_PROCESS_BUSY;
	slot->busy_since = GetCurrentStatementStartTimestamp();
	slot->idle_since = 0;
	entry = shmem_entry_find(MyDatabaseId);
	if (entry != NULL)
	{
		n = shmem_event_take(entry, events, MAX_EVENTS);
		*needs_resync = entry->needs_resync;
		*was_prepared = entry->is_prepared;
		entry->needs_resync = entry->has_work = entry->needs_scale = false;
		entry->is_prepared = false;
		entry->next_due = DT_NOEND;
		shmem_entry_set_waiting(entry, false);
	}
	shmem_unlock();
	return n;
}

/*
 * A role that may not connect is reported once, not each time its queue is
 * looked at; the next sweep looks whether it may by then.
 */
static bool
may_connect(Oid owner, TimestampTz now)
{
	const char *why = NULL;
	char	   *remedy;
	bool		may = rights_can_connect(owner, &why, &remedy);
	bool		is_new = false;
	HitlRefusal *refusal;

	shmem_lock();
	refusal = shmem_refusal_find(MyDatabaseId, owner);
	if (may && refusal != NULL && refusal->failures == 0)
		memset(refusal, 0, sizeof(HitlRefusal));
	else if (!may)
	{
		refusal = shmem_refusal_make(MyDatabaseId, owner);
		is_new = !refusal->is_logged;
		refusal->is_logged = true;
		refusal->retry_at = TimestampTzPlusMilliseconds(now, guc_sweep_interval);
	}
	shmem_unlock();
	if (is_new)
		ereport(LOG,
				(errmsg("could not start an executor for role \"%s\" in database \"%s\"",
						GetUserNameFromId(owner, true), get_database_name(MyDatabaseId)),
				 why ? errdetail("It cannot connect there: %s.", why) : 0,
				 errhint("%s", remedy)));
	return may;
}

/* Fills `demands`; returns when something becomes due that is not yet. */
static TimestampTz
look_at_queue(TimestampTz now)
{
	TimestampTz next_due = DT_NOEND;
	ListCell   *cell;

	demands = NIL;
	foreach(cell, store_queue_owners(now, Max(guc_max_executors, 1) + 1))
	{
		const HitlQueueOwner *owner = lfirst(cell);
		Demand	   *demand;

		next_due = Min(next_due, owner->next_due);
		if (owner->due == 0)
			continue;
		demand = palloc0(sizeof(Demand));
		demand->owner = owner->owner;
		demand->due = owner->due;
		demand->can_connect = may_connect(owner->owner, now);
		demand->name = GetUserNameFromId(owner->owner, true);
		demands = lappend(demands, demand);
	}
	return next_due;
}

static void
send_events(int n, bool needs_resync)
{
	char		text[HITL_EVENT_TEXT];

	/* only those that go through shared memory can have been lost there */
	if (needs_resync && guc_notify == HITL_NOTIFY_WORKER)
		Async_Notify("hitl", "{\"event\":\"resync\"}");
	for (int i = 0; i < n; i++)
	{
		wake_event_text(events[i].kind, events[i].thread_id,
						events[i].interrupt_id, text);
		Async_Notify("hitl", text);
	}
}

/* Is the extension in this database, as of the current transaction? */
static bool
is_installed(void)
{
	return OidIsValid(get_extension_oid("hitl", true));
}

/*
 * Fire what is due, in a transaction of its own: what it decides is queued when
 * the look at the queue begins.  Returns when to do so again.
 */
static TimestampTz
fire_deadlines(MemoryContext look_context)
{
	TimestampTz next_due = DT_NOEND;
	bool		is_full;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (is_installed())
	{
		MemoryContextSwitchTo(look_context);
		(void) escalation_dispatch(MAX_TIMERS, &is_full, &next_due);
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(look_context);
	return next_due;
}

/*
 * One look; false if the extension is not here.  `next_look` becomes the time
 * at which something is due, or when prepared transactions want another look.
 *
 * Prepared transactions are counted before the queue is read: one that commits
 * in between is then either counted or seen.
 */
static bool
look(MemoryContext look_context, TimestampTz *next_look)
{
	TimestampTz now = clock_real();
	bool		needs_resync;
	bool		was_prepared;
	bool		is_prepared = false;
	bool		is_here;
	int			n_events;
	TimestampTz next_timer;
	HitlLatches latches = {0};
	HitlEntry  *entry;

	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, "hitl: look at the run queue");
	MemoryContextReset(look_context);
	demands = NIL;
	n_events = take_entry(&needs_resync, &was_prepared);

	/* before anybody can run again what has ended its process */
	MemoryContextSwitchTo(look_context);
	crash_collect(InvalidOid);
	next_timer = fire_deadlines(look_context);

	StartTransactionCommand();
	is_here = is_installed();
	if (is_here)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(look_context);
		is_prepared = store_queue_prepared();
		*next_look = Min(next_timer, look_at_queue(now));
		PopActiveSnapshot();
		send_events(n_events, needs_resync || (was_prepared && !is_prepared));
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(look_context);
	if (is_prepared)
		*next_look = Min(*next_look,
						 TimestampTzPlusMilliseconds(now, guc_sweep_interval));

	shmem_lock();
	slot_mine()->state = HITL_PROCESS_IDLE;
	slot_mine()->is_proven = true;
	entry = shmem_entry_find(MyDatabaseId);
	if (entry != NULL)
	{
		/* the launcher goes on to the next database that it has not seen */
		if (is_here && !entry->is_seen && !shmem_shared->is_discovered)
			shmem_rouse_launcher(&latches);
		entry->is_seen = is_here;
		entry->is_prepared |= is_prepared;
		entry->failures = 0;
		entry->retry_at = 0;
	}
	shmem_unlock();
	shmem_latch_set(&latches);
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(false);
	return is_here;
}

/* -------------------------------------------------------------------- executors */

/* What the slots say about a demand. */
typedef struct Census
{
	int			mine;			/* executors of the role here that will stay */
	int			mine_busy;
	int			total;			/* places taken, of max_executors */
	bool		is_promised;	/* one leaves for this role, and soon */
	HitlSlot   *promise;		/* one will, after the task that it runs */
	HitlSlot   *grant;			/* a place that was left for it */
	HitlSlot   *sleeper;		/* of others: asleep longest */
	HitlSlot   *worker;			/* of others: here longest, and busy */
	TimestampTz tenured_at;		/* when the next of others may be asked to leave */
} Census;

/*
 * Count who is there.  Executors that are about to leave count for the limit,
 * because they still have their place, but not for the role.  Of those of
 * other roles, one that starts, or that was woken for work that it has yet to
 * look for, is left alone; so is one that has come less than a moment ago,
 * lest roles spend their time on starting executors.
 */
static void
take_census(Census *census, Oid owner, TimestampTz now)
{
	memset(census, 0, sizeof(Census));
	census->tenured_at = DT_NOEND;
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];
		TimestampTz tenured_at = TimestampTzPlusMilliseconds(slot->started_at, TENURE_MS);
		bool		is_mine = slot->dboid == MyDatabaseId && slot->roleoid == owner;

		if (slot->kind != HITL_PROCESS_EXECUTOR)
			continue;
		census->total++;
		if (slot->state == HITL_PROCESS_GRANTED)
		{
			if (is_mine)
				census->grant = slot;
		}
		else if (slot->must_leave || slot->state == HITL_PROCESS_LEAVING)
		{
			if (slot->grant_dboid != MyDatabaseId || slot->grant_role != owner)
				continue;
			if (slot->state == HITL_PROCESS_BUSY)
				census->promise = slot;
			else
				census->is_promised = true;
		}
		else if (is_mine)
		{
			census->mine++;
			if (slot->state == HITL_PROCESS_BUSY)
				census->mine_busy++;
		}
		else if (slot->state == HITL_PROCESS_STARTING || slot->is_woken)
			continue;
		else if (tenured_at > now)
			census->tenured_at = Min(census->tenured_at, tenured_at);
		else if (slot->state == HITL_PROCESS_BUSY)
		{
			if (census->worker == NULL || slot->started_at < census->worker->started_at)
				census->worker = slot;
		}
		else if (slot->idle_since != 0)
		{
			if (census->sleeper == NULL || slot->idle_since < census->sleeper->idle_since)
				census->sleeper = slot;
		}
	}
}

/*
 * At the limit: one that sleeps makes room for anybody; one that works makes
 * room, after the task that it runs, only for a role that has no executor.
 */
static void
ask_to_leave(const Census *census, Oid owner, StartPlan *plan, HitlLatches *latches)
{
	HitlSlot   *slot = census->sleeper;

	if (census->is_promised)
		return;
	if (slot != NULL && census->promise != NULL)
	{
		/* no need to wait for the end of a task any more */
		census->promise->must_leave = false;
		census->promise->grant_role = InvalidOid;
	}
	if (slot == NULL && census->promise != NULL)
		return;
	if (slot == NULL && census->mine == 0)
		slot = census->worker;
	if (slot == NULL)
	{
		plan->look_at = census->tenured_at;
		return;
	}
	slot->must_leave = true;
	slot->grant_dboid = MyDatabaseId;
	slot->grant_role = owner;
	shmem_latch_add(latches, slot->procno);
}

/* Wake sleeping executors of the role, one for each task that nobody runs. */
static void
wake_sleepers(Oid owner, int count, HitlLatches *latches)
{
	for (int i = 1; i < shmem_shared->slots_used && count > 0; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_EXECUTOR || slot->dboid != MyDatabaseId ||
			slot->roleoid != owner || slot->state != HITL_PROCESS_IDLE ||
			slot->must_leave)
			continue;
		if (!slot->is_woken)
		{
			slot->is_woken = true;
			shmem_latch_add(latches, slot->procno);
		}
		count--;
	}
}

/*
 * Wake, start or ask for room, as the demand needs it.  A row of the queue
 * stays there while it is run, so that `due` counts the tasks of busy
 * executors too: more due rows than executors means one that nobody will run
 * soon.  At most one executor is started for a role in one look: it may be
 * enough by the time of the next.
 */
static void
plan_for(const Demand *demand, StartPlan *plan, TimestampTz now)
{
	HitlLatches latches = {0};
	HitlEntry  *entry;
	HitlRefusal *refusal;
	HitlSlot   *slot = NULL;
	Census		census;

	memset(plan, 0, sizeof(StartPlan));
	plan->look_at = DT_NOEND;
	shmem_lock();
	entry = shmem_entry_find(MyDatabaseId);
	refusal = shmem_refusal_find(MyDatabaseId, demand->owner);
	take_census(&census, demand->owner, now);
	wake_sleepers(demand->owner, demand->due - census.mine_busy, &latches);

	if (entry == NULL || demand->due <= census.mine || shmem_database_is_held(MyDatabaseId))
		 /* nothing to start */ ;
	else if (refusal != NULL && refusal->retry_at > now)
		plan->look_at = refusal->retry_at;
	else if (worker_no_room_until() > now)
		plan->look_at = worker_no_room_until();
	else if (census.grant != NULL)
	{
		slot = census.grant;
		slot->state = HITL_PROCESS_STARTING;
		slot->started_at = now;
	}
	else if (census.total < guc_max_executors)
		slot = slot_take(HITL_PROCESS_EXECUTOR, MyDatabaseId, demand->owner, now);
	else
	{
		shmem_entry_set_waiting(entry, true);
		ask_to_leave(&census, demand->owner, plan, &latches);
	}
	if (slot != NULL)
	{
		plan->must_start = true;
		worker_start_fill(&plan->start, slot);
		if (demand->due > census.mine + 1)
			plan->look_at = TimestampTzPlusMilliseconds(now, SCALE_MS);
	}
	if (demand->due > census.mine_busy)
		plan->look_at = Min(plan->look_at, TimestampTzPlusMilliseconds(now, LEFT_OVER_MS));
	shmem_unlock();
	shmem_latch_set(&latches);
}

/* Start what the look found wanting; returns when to look again. */
static TimestampTz
start_executors(void)
{
	TimestampTz now = clock_real();
	TimestampTz next = DT_NOEND;
	ListCell   *cell;

	worker_reclaim(now);
	foreach(cell, demands)
	{
		const Demand *demand = lfirst(cell);
		StartPlan	plan;
		char		name[NAMEDATALEN * 2 + 64];

		if (!demand->can_connect)
		{
			next = Min(next, TimestampTzPlusMilliseconds(now, guc_sweep_interval));
			continue;
		}
		plan_for(demand, &plan, now);
		if (plan.must_start)
		{
			snprintf(name, sizeof(name), "hitl executor for role \"%s\"",
					 demand->name ? demand->name : "?");
			name[pg_mbcliplen(name, strlen(name), BGW_MAXLEN - 1)] = '\0';
			if (!worker_start(&plan.start, name, now))
				plan.look_at = worker_no_room_until();
		}
		next = Min(next, plan.look_at);
	}
	return next;
}

/* ------------------------------------------------------------------- the process */

/*
 * Leave, unless somebody has asked for a look since we last saw.  To be asked
 * to leave means at once; what is left to do stays in the entry.
 */
static bool
try_leave(TimestampTz next_look, bool is_asked)
{
	HitlSlot   *slot = slot_mine();
	HitlEntry  *entry;
	bool		is_free = true;

	shmem_lock();
	entry = shmem_entry_find(MyDatabaseId);
	if (entry != NULL && !is_asked)
		is_free = !entry->has_work && !entry->needs_scale && !entry->needs_resync &&
			entry->first_event == HITL_NOBODY;
	if (is_free)
	{
		slot->state = HITL_PROCESS_LEAVING;
		if (entry != NULL)
			entry->next_due = Min(entry->next_due, next_look);
	}
	shmem_unlock();
	return is_free;
}

/*
 * The extension is not here: forget the database, unless CREATE EXTENSION has
 * announced it since our look began.
 */
static bool
forget_database(void)
{
	HitlEntry  *entry;
	bool		is_forgotten = true;

	shmem_lock();
	entry = shmem_entry_find(MyDatabaseId);
	if (entry != NULL && entry->has_work)
		is_forgotten = false;
	else
	{
		slot_mine()->state = HITL_PROCESS_LEAVING;
		if (entry != NULL)
			shmem_entry_remove(entry);
	}
	shmem_unlock();
	return is_forgotten;
}

/* What the loop has to know of shared memory, read in one go. */
typedef struct Ask
{
	bool		must_look;
	bool		must_leave;
	bool		is_wanted;			/* other databases wait to be seen at all */
	TimestampTz due_at;			/* the next look, if nobody wakes us */
} Ask;

static Ask
read_ask(TimestampTz now, TimestampTz next_look, TimestampTz last_look)
{
	HitlSlot   *slot = slot_mine();
	HitlEntry  *entry;
	Ask			ask = {.due_at = next_look};

	shmem_lock();
	entry = shmem_entry_find(MyDatabaseId);
	ask.must_leave = entry == NULL || slot->must_leave;
	ask.is_wanted = !shmem_shared->is_discovered;
	if (entry != NULL && !shmem_database_is_held(MyDatabaseId))
	{
		TimestampTz scale_at = TimestampTzPlusMilliseconds(last_look, SCALE_MS);

		ask.due_at = Min(ask.due_at, entry->next_due);
		if (entry->needs_scale)
			ask.due_at = Min(ask.due_at, scale_at);
		ask.must_look = entry->has_work || entry->needs_resync ||
			entry->first_event != HITL_NOBODY || ask.due_at <= now;
	}
	if (slot->idle_since == 0 && !ask.must_look)
		slot->idle_since = now;
	shmem_unlock();
	return ask;
}

void
hitl_dispatcher_main(Datum main_arg pg_attribute_unused())
{
	TimestampTz next_look = 0;
	TimestampTz last_look = 0;
	int			clock_offset = guc_clock_offset;
	MemoryContext look_context;
	uint32		wait_event;

	worker_attach(HITL_PROCESS_DISPATCHER, clock_real());
	BackgroundWorkerInitializeConnectionByOid(slot_mine()->dboid, InvalidOid, 0);
	worker_connected();
	session_begin();
	look_context = AllocSetContextCreate(TopMemoryContext, "hitl look",
										 ALLOCSET_DEFAULT_SIZES);
	wait_event = compat_wait_event("HitlDispatcherMain");

	for (;;)
	{
		TimestampTz now = clock_real();
		TimestampTz stay_until = TimestampTzPlusMilliseconds(last_look, guc_dispatcher_idle_timeout);
		TimestampTz leave_if_after = TimestampTzPlusMilliseconds(now, guc_dispatcher_idle_timeout);
		Ask			ask;

		/* deadlines are due at another time than the last look has found */
		if (clock_offset != guc_clock_offset)
			next_look = 0;
		clock_offset = guc_clock_offset;
		ask = read_ask(now, next_look, last_look);
		if (ask.must_look)
		{
			if (!look(look_context, &next_look))
			{
				if (forget_database())
					proc_exit(0);
				continue;
			}
			next_look = Min(next_look, start_executors());
			last_look = now;
		}
		else if (ask.must_leave || ((now >= stay_until || ask.is_wanted) && ask.due_at > leave_if_after))
		{
			if (try_leave(next_look, ask.must_leave))
				proc_exit(0);
			continue;
		}
		else if (now < stay_until)
			ask.due_at = Min(ask.due_at, stay_until);
		(void) worker_wait(ask.must_look ? 0 : worker_ms_until(now, ask.due_at),
						   wait_event);
	}
}
