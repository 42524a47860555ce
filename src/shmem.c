/*
 * shmem.c
 *    The shared struct, its one lock, and what it says of databases.
 *
 * See shmem.h for the rules.  Functions that say "the lock is held" are parts
 * of somebody's critical section; the others take it themselves.  Tables are
 * small arrays that are walked from the start; the *_used marks keep the walk
 * as short as the server is quiet, because transactions walk them at commit.
 *
 * Layer 2.  Memory: shared, fixed size.  The slots of processes: slot.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "shmem.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

HitlShared *shmem_shared = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
request_memory(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(HitlShared)));
	RequestNamedLWLockTranche("hitl", 1);
}

/* Runs again after a crash of the server's processes, with fresh memory. */
static void
startup_memory(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shmem_shared = ShmemInitStruct("hitl", sizeof(HitlShared), &found);
	if (!found)
	{
		memset(shmem_shared, 0, sizeof(HitlShared));
		shmem_shared->lock = &(GetNamedLWLockTranche("hitl"))->lock;
		pg_atomic_init_u32(&shmem_shared->n_waiters, 0);
		for (int i = 0; i < HITL_EVENTS; i++)
			shmem_shared->events[i].next = (i + 1 < HITL_EVENTS) ? i + 1 : HITL_NOBODY;
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * Once, from _PG_init.  Without preload there is no shared memory, and all
 * else copes with that.
 */
void
shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_memory;
}

bool
shmem_is_on(void)
{
	return shmem_shared != NULL && IsUnderPostmaster && !IsBinaryUpgrade;
}

/* A glance without the lock: the answer may be old as soon as it is given. */
bool
shmem_has_launcher(void)
{
	return shmem_is_on() && shmem_shared->slots[0].pid != 0;
}

void
shmem_lock(void)
{
	LWLockAcquire(shmem_shared->lock, LW_EXCLUSIVE);
}

void
shmem_unlock(void)
{
	LWLockRelease(shmem_shared->lock);
}

void
shmem_latch_add(HitlLatches *latches, int procno)
{
	if (procno != HITL_NOBODY && latches->n < (int) lengthof(latches->procno))
		latches->procno[latches->n++] = procno;
}

void
shmem_latch_set(const HitlLatches *latches)
{
	Assert(!LWLockHeldByMe(shmem_shared->lock));
	for (int i = 0; i < latches->n; i++)
		SetLatch(&GetPGProcByNumber(latches->procno[i])->procLatch);
}

/* ------------------------------------------------------------------ databases */

HitlEntry *
shmem_entry_find(Oid dboid)
{
	Assert(LWLockHeldByMe(shmem_shared->lock));
	for (int i = 0; i < shmem_shared->entries_used; i++)
	{
		if (shmem_shared->entries[i].dboid == dboid)
			return &shmem_shared->entries[i];
	}
	return NULL;
}

/* Nothing would be forgotten with it that cannot be found out by a look. */
static bool
entry_is_quiet(const HitlEntry *entry)
{
	return entry->dispatcher == HITL_NOBODY && !entry->has_work &&
		!entry->needs_scale && !entry->is_waiting && !entry->is_prepared &&
		!entry->needs_resync && entry->first_event == HITL_NOBODY;
}

/*
 * A place for a database: a free one, else that of the database which has
 * longest until it is due.  If that one had a due time, the launcher has to
 * go and look for it (is_crowded).
 */
static HitlEntry *
entry_make_room(void)
{
	HitlEntry  *farthest = NULL;

	for (int i = 0; i < HITL_ENTRIES; i++)
	{
		HitlEntry  *entry = &shmem_shared->entries[i];

		if (!OidIsValid(entry->dboid))
		{
			shmem_shared->entries_used = Max(shmem_shared->entries_used, i + 1);
			return entry;
		}
		if (entry_is_quiet(entry) &&
			(farthest == NULL || entry->next_due > farthest->next_due))
			farthest = entry;
	}
	if (farthest == NULL || farthest->next_due != DT_NOEND)
		shmem_shared->is_crowded = true;
	return farthest;
}

/*
 * The entry of a database, made if there is none; NULL if there is no room.
 * Unless CREATE EXTENSION announces the database, nobody can say what was
 * notified there before: the first thing its listeners hear is a resync.
 */
HitlEntry *
shmem_entry_make(Oid dboid, bool is_announced)
{
	HitlEntry  *entry = shmem_entry_find(dboid);

	if (entry != NULL)
		return entry;
	entry = entry_make_room();
	if (entry == NULL)
		return NULL;
	memset(entry, 0, sizeof(HitlEntry));
	entry->dboid = dboid;
	entry->dispatcher = HITL_NOBODY;
	entry->next_due = DT_NOEND;
	entry->first_event = entry->last_event = HITL_NOBODY;
	entry->needs_resync = !is_announced;
	return entry;
}

void
shmem_entry_remove(HitlEntry *entry)
{
	HitlEvent	ignored;

	while (shmem_event_take(entry, &ignored, 1) > 0)
		;
	shmem_entry_set_waiting(entry, false);
	memset(entry, 0, sizeof(HitlEntry));
	while (shmem_shared->entries_used > 0 &&
		   !OidIsValid(shmem_shared->entries[shmem_shared->entries_used - 1].dboid))
		shmem_shared->entries_used--;
}

void
shmem_entry_set_waiting(HitlEntry *entry, bool is_waiting)
{
	if (entry->is_waiting != is_waiting)
		shmem_shared->n_waiting += is_waiting ? 1 : -1;
	entry->is_waiting = is_waiting;
}

/* Somebody is to look at this database: its dispatcher, else the launcher. */
void
shmem_entry_rouse(HitlEntry *entry, HitlLatches *latches)
{
	if (entry->dispatcher != HITL_NOBODY)
		shmem_latch_add(latches, shmem_shared->slots[entry->dispatcher].procno);
	else
		shmem_rouse_launcher(latches);
}

/* An executor went to sleep or left: those who wanted its place look again. */
void
shmem_rouse_waiting(HitlLatches *latches)
{
	for (int i = 0; shmem_shared->n_waiting > 0 && i < shmem_shared->entries_used; i++)
	{
		HitlEntry  *entry = &shmem_shared->entries[i];

		if (entry->is_waiting)
		{
			shmem_entry_set_waiting(entry, false);
			entry->has_work = true;
			shmem_entry_rouse(entry, latches);
		}
	}
}

void
shmem_rouse_launcher(HitlLatches *latches)
{
	if (shmem_shared->slots[0].pid != 0)
		shmem_latch_add(latches, shmem_shared->slots[0].procno);
}

/* A full ring loses nothing but detail: listeners are told to look again. */
void
shmem_event_push(HitlEntry *entry, HitlEventKind kind,
				 int64 thread_id, int64 interrupt_id)
{
	int			place = shmem_shared->free_event;
	HitlEvent  *event;

	if (place == HITL_NOBODY)
	{
		entry->needs_resync = true;
		return;
	}
	event = &shmem_shared->events[place];
	shmem_shared->free_event = event->next;
	event->kind = kind;
	event->thread_id = thread_id;
	event->interrupt_id = interrupt_id;
	event->next = HITL_NOBODY;
	if (entry->first_event == HITL_NOBODY)
		entry->first_event = place;
	else
		shmem_shared->events[entry->last_event].next = place;
	entry->last_event = place;
}

/* Takes the oldest events of a database, up to `limit`. */
int
shmem_event_take(HitlEntry *entry, HitlEvent *events, int limit)
{
	int			n = 0;

	while (n < limit && entry->first_event != HITL_NOBODY)
	{
		int			place = entry->first_event;
		HitlEvent  *event = &shmem_shared->events[place];

		events[n++] = *event;
		entry->first_event = event->next;
		event->next = shmem_shared->free_event;
		shmem_shared->free_event = place;
	}
	if (entry->first_event == HITL_NOBODY)
		entry->last_event = HITL_NOBODY;
	return n;
}

bool
shmem_database_is_held(Oid dboid)
{
	for (int i = 0; i < HITL_HOLDS; i++)
	{
		if (shmem_shared->holds[i].count > 0 && shmem_shared->holds[i].dboid == dboid)
			return true;
	}
	return false;
}

HitlRefusal *
shmem_refusal_find(Oid dboid, Oid roleoid)
{
	for (int i = 0; i < HITL_REFUSALS; i++)
	{
		HitlRefusal *refusal = &shmem_shared->refusals[i];

		if (refusal->dboid == dboid && refusal->roleoid == roleoid)
			return refusal;
	}
	return NULL;
}

/* When there is no room the one that may be tried first is forgotten. */
HitlRefusal *
shmem_refusal_make(Oid dboid, Oid roleoid)
{
	HitlRefusal *refusal = shmem_refusal_find(dboid, roleoid);

	if (refusal != NULL)
		return refusal;
	refusal = &shmem_shared->refusals[0];
	for (int i = 0; i < HITL_REFUSALS; i++)
	{
		HitlRefusal *other = &shmem_shared->refusals[i];

		if (!OidIsValid(other->dboid))
		{
			refusal = other;
			break;
		}
		if (other->retry_at < refusal->retry_at)
			refusal = other;
	}
	memset(refusal, 0, sizeof(HitlRefusal));
	refusal->dboid = dboid;
	refusal->roleoid = roleoid;
	return refusal;
}

/* ---------------------------------------------------------------------- holds */

/* From now on no process of ours starts in this database.  False: no room. */
bool
shmem_hold_begin(Oid dboid)
{
	HitlHold   *hold = NULL;

	shmem_lock();
	for (int i = 0; i < HITL_HOLDS; i++)
	{
		HitlHold   *other = &shmem_shared->holds[i];

		if (other->count > 0 && other->dboid == dboid)
		{
			hold = other;
			break;
		}
		if (other->count == 0 && hold == NULL)
			hold = other;
	}
	if (hold != NULL)
	{
		hold->dboid = dboid;
		hold->count++;
	}
	shmem_unlock();
	return hold != NULL;
}

/*
 * The transaction that held it has ended.  Whatever it did, the next look, not
 * before that time, finds out; only a dropped database can be forgotten at once.
 */
void
shmem_hold_end(Oid dboid, bool is_gone, TimestampTz not_before)
{
	HitlLatches latches = {0};
	HitlEntry  *entry;

	shmem_lock();
	for (int i = 0; i < HITL_HOLDS; i++)
	{
		HitlHold   *hold = &shmem_shared->holds[i];

		if (hold->count > 0 && hold->dboid == dboid)
		{
			hold->count--;
			break;
		}
	}
	entry = shmem_entry_find(dboid);
	if (entry != NULL && is_gone)
		shmem_entry_remove(entry);
	else if (entry != NULL)
	{
		entry->has_work = true;
		entry->retry_at = Max(entry->retry_at, not_before);
		shmem_entry_rouse(entry, &latches);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
}
