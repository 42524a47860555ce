/*
 * launcher.c
 *    One process for the whole server: it starts dispatchers where needed.
 *
 * It knows databases and slots, nothing about threads, and reads shared
 * catalogs only.  What it acts on are the entries of shared memory: a work
 * flag, a notification to send, a due time.  After a start of the server
 * these are empty and it does not know which databases have the extension
 * (pg_extension is per database), so it has one dispatcher after the other
 * look: one that finds nothing ends at once.
 *
 * No transaction runs here unless a dispatcher is to be started.
 *
 * Layer 4.  Locks: that of shared memory, briefly.
 * Memory: "hitl launcher turn", reset each turn; the list of databases to
 * probe lives as long as the process.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "clock.h"
#include "compat.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "worker.h"

/* when all places are taken, a dispatcher may sleep this long undisturbed */
#define YIELD_AFTER_MS 200

/* what is left to probe, and what is being probed */
static List *unprobed = NIL;
static Oid	probed = InvalidOid;
static bool is_listed = false;
static TimestampTz list_again_at = 0;

/* the search for work begins after the last one served, so that all are */
static int	last_place = 0;

void
launcher_register(void)
{
	BackgroundWorker worker = {0};

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "hitl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "hitl_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "hitl launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "hitl launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ------------------------------------------------------------------- databases */

/* An interrupted DROP DATABASE leaves -2 there: nobody can connect. */
static bool
accepts_connections(Form_pg_database database)
{
	return database->datallowconn && database->datconnlimit != -2;
}

/* All databases in which the extension may be, but for templates. */
static List *
list_databases(MemoryContext context)
{
	List	   *databases = NIL;
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (accepts_connections(database) && !database->datistemplate)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			databases = lappend_oid(databases, database->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

/* Is there such a database, and can it be connected to?  Then its name. */
static bool
find_database(Oid dboid, NameData *name)
{
	Relation	relation;
	TableScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		found = false;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_database_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(dboid));
	scan = table_beginscan_catalog(relation, 1, &key);
	tuple = heap_getnext(scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		found = accepts_connections(database);
		*name = database->datname;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return found;
}

/* --------------------------------------------------------------------- probing */

/*
 * One unknown database at a time gets an entry with the work flag, which makes
 * it like any other.  The next one follows when a dispatcher has looked or
 * has failed to; a failed one is tried again like any other.
 */
static void
probe(TimestampTz now)
{
	if (shmem_shared->is_discovered && shmem_shared->is_crowded && list_again_at <= now)
	{
		/* more databases have something due than there are entries */
		if (list_again_at == 0)
			ereport(LOG,
					(errmsg("more than %d databases have threads that wait for a time",
							HITL_ENTRIES),
					 errdetail("Those that there is no room for are looked at every %d ms.",
							   guc_sweep_interval)));
		list_again_at = TimestampTzPlusMilliseconds(now, guc_sweep_interval);
		shmem_lock();
		shmem_shared->is_crowded = false;
		shmem_shared->is_discovered = false;
		shmem_unlock();
	}
	if (shmem_shared->is_discovered)
		return;
	if (!is_listed)
	{
		unprobed = list_databases(TopMemoryContext);
		is_listed = true;
	}

	shmem_lock();
	if (OidIsValid(probed))
	{
		HitlEntry  *entry = shmem_entry_find(probed);

		if (entry == NULL || entry->is_seen || entry->failures > 0 ||
			shmem_database_is_held(probed))
			probed = InvalidOid;
	}
	while (!OidIsValid(probed) && unprobed != NIL)
	{
		Oid			dboid = linitial_oid(unprobed);

		unprobed = list_delete_first(unprobed);
		if (shmem_entry_find(dboid) == NULL)
		{
			HitlEntry  *entry = shmem_entry_make(dboid, false);

			if (entry == NULL)
				continue;
			entry->has_work = true;
			probed = dboid;
		}
	}
	if (!OidIsValid(probed))
	{
		shmem_shared->is_discovered = true;
		is_listed = false;
	}
	shmem_unlock();
}

/* ------------------------------------------------------------------- dispatchers */

/* From when on a database needs a dispatcher; DT_NOEND if it needs none. */
static TimestampTz
needed_at(const HitlEntry *entry)
{
	if (!OidIsValid(entry->dboid) || entry->dispatcher != HITL_NOBODY ||
		shmem_database_is_held(entry->dboid))
		return DT_NOEND;
	if (entry->has_work || entry->needs_scale || entry->needs_resync ||
		entry->first_event != HITL_NOBODY)
		return entry->retry_at;
	return Max(entry->next_due, entry->retry_at);
}

static int
count_dispatchers(void)
{
	int			n = 0;

	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		if (shmem_shared->slots[i].kind == HITL_PROCESS_DISPATCHER)
			n++;
	}
	return n;
}

/* A dispatcher that only waits makes room for one that has something to do. */
static void
ask_dispatcher_to_leave(TimestampTz now, HitlLatches *latches)
{
	HitlSlot   *sleeper = NULL;

	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_DISPATCHER)
			continue;
		if (slot->must_leave)
			return;
		if (slot->state == HITL_PROCESS_IDLE && slot->idle_since != 0 &&
			slot->idle_since <= TimestampTzPlusMilliseconds(now, -YIELD_AFTER_MS) &&
			(sleeper == NULL || slot->idle_since < sleeper->idle_since))
			sleeper = slot;
	}
	if (sleeper != NULL)
	{
		sleeper->must_leave = true;
		shmem_latch_add(latches, sleeper->procno);
	}
}

/* The next database that needs a dispatcher now, if one may be started. */
static Oid
pick_database(TimestampTz now, bool *is_full)
{
	HitlLatches latches = {0};
	Oid			dboid = InvalidOid;

	*is_full = false;
	shmem_lock();
	for (int i = 1; i <= shmem_shared->entries_used; i++)
	{
		int			place = (last_place + i) % shmem_shared->entries_used;
		HitlEntry  *entry = &shmem_shared->entries[place];

		if (needed_at(entry) > now)
			continue;
		if (count_dispatchers() >= guc_max_dispatchers)
		{
			*is_full = true;
			ask_dispatcher_to_leave(now, &latches);
			break;
		}
		last_place = place;
		dboid = entry->dboid;
		break;
	}
	shmem_unlock();
	shmem_latch_set(&latches);
	return dboid;
}

/* False if there is no room for it now. */
static bool
start_dispatcher(Oid dboid, TimestampTz now)
{
	HitlStart	start = {0};
	HitlEntry  *entry;
	NameData	database;
	bool		is_open = find_database(dboid, &database);
	bool		is_needed = false;
	char		name[BGW_MAXLEN];

	shmem_lock();
	entry = shmem_entry_find(dboid);
	if (entry != NULL && !is_open)
		shmem_entry_remove(entry);
	else if (entry != NULL && needed_at(entry) <= now)
	{
		HitlSlot   *slot = slot_take(HITL_PROCESS_DISPATCHER, dboid,
										   InvalidOid, now);

		is_needed = true;
		if (slot != NULL)
			worker_start_fill(&start, slot);
	}
	shmem_unlock();
	if (!is_needed)
		return true;
	if (start.place == 0)
		return false;
	snprintf(name, sizeof(name), "hitl dispatcher for database \"%s\"", NameStr(database));
	return worker_start(&start, name, now);
}

/* When there is something to do again, if no latch is set before. */
static TimestampTz
next_turn(TimestampTz now, bool is_full)
{
	TimestampTz next = DT_NOEND;

	shmem_lock();
	for (int i = 0; i < shmem_shared->entries_used; i++)
		next = Min(next, needed_at(&shmem_shared->entries[i]));
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		const HitlSlot *slot = &shmem_shared->slots[i];

		/* one that may have to be reclaimed: look at it each second */
		if (slot->kind != HITL_PROCESS_NONE && slot->pid == 0)
			next = Min(next, TimestampTzPlusMilliseconds(now, 1000));
	}
	if (shmem_shared->is_crowded)
		next = Min(next, list_again_at);
	shmem_unlock();

	/* those who leave set our latch, those who only sleep do not */
	if (is_full)
		next = Max(next, TimestampTzPlusMilliseconds(now, YIELD_AFTER_MS));
	return Max(next, worker_no_room_until());
}

static long
take_turn(void)
{
	TimestampTz now = clock_real();
	bool		is_full = false;
	Oid			dboid;

	worker_reclaim(now);
	probe(now);
	while (worker_no_room_until() <= now &&
		   OidIsValid(dboid = pick_database(now, &is_full)))
	{
		is_full = !start_dispatcher(dboid, now);
		if (is_full)
			break;
	}
	now = clock_real();
	return worker_ms_until(now, next_turn(now, is_full));
}

/* Deadlines are due at another time: each database is looked into. */
static void
look_everywhere(void)
{
	shmem_lock();
	for (int i = 0; i < shmem_shared->entries_used; i++)
	{
		if (OidIsValid(shmem_shared->entries[i].dboid))
			shmem_shared->entries[i].has_work = true;
	}
	shmem_unlock();
}

void
hitl_launcher_main(Datum main_arg pg_attribute_unused())
{
	MemoryContext turn_context;
	uint32		wait_event;

	worker_attach(HITL_PROCESS_LAUNCHER, clock_real());
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	worker_connected();
	turn_context = AllocSetContextCreate(TopMemoryContext, "hitl launcher turn",
										 ALLOCSET_SMALL_SIZES);
	wait_event = compat_wait_event("HitlLauncherMain");

	for (;;)
	{
		int			max_executors = guc_max_executors;
		int			clock_offset = guc_clock_offset;
		long		timeout;

		MemoryContextReset(turn_context);
		MemoryContextSwitchTo(turn_context);
		timeout = take_turn();
		(void) worker_wait(timeout, wait_event);

		if (clock_offset != guc_clock_offset)
			look_everywhere();
		/* there may be room now for those who wait for it */
		if (max_executors != guc_max_executors)
		{
			HitlLatches latches = {0};

			shmem_lock();
			shmem_rouse_waiting(&latches);
			shmem_unlock();
			shmem_latch_set(&latches);
		}
	}
}
