/*
 * shmem.c
 *    The shared struct, its one lock, the slots of our processes.
 *
 * See shmem.h for the rules.  Functions that say "the lock is held" are parts
 * of somebody's critical section; the others take it themselves.  Tables are
 * small arrays that are walked from the start; the *_used marks keep the walk
 * as short as the server is quiet, because transactions walk them at commit.
 *
 * Layer 2.  Memory: shared, fixed size; shmem_workers() pallocs its rows.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "compat.h"
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

/* this process's slot; its generation tells whether it still is */
static int	my_place = HITL_NOBODY;
static uint32 my_generation = 0;

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

/* ------------------------------------------------------------------ processes */

/*
 * A slot for a process to be registered; NULL if there is none.  The caller
 * registers it after the lock is released.  Should it never come, its starter
 * or the launcher frees the slot after a while (worker_reclaim).
 */
HitlSlot *
shmem_slot_take(HitlProcessKind kind, Oid dboid, Oid roleoid, TimestampTz now)
{
	Assert(LWLockHeldByMe(shmem_shared->lock));
	for (int i = 1; i < HITL_SLOTS; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_NONE)
			continue;
		shmem_shared->slots_used = Max(shmem_shared->slots_used, i + 1);
		slot->kind = kind;
		slot->state = HITL_PROCESS_STARTING;
		slot->procno = HITL_NOBODY;
		slot->dboid = dboid;
		slot->roleoid = roleoid;
		slot->started_at = now;
		if (kind == HITL_PROCESS_DISPATCHER)
		{
			HitlEntry  *entry = shmem_entry_find(dboid);

			if (entry != NULL)
				entry->dispatcher = i;
		}
		return slot;
	}
	return NULL;
}

/* The next generation: whoever still thinks it has the slot finds out. */
void
shmem_slot_free(HitlSlot *slot)
{
	int			place = slot - shmem_shared->slots;
	uint32		generation = slot->generation + 1;

	Assert(LWLockHeldByMe(shmem_shared->lock));
	if (slot->kind == HITL_PROCESS_DISPATCHER)
	{
		HitlEntry  *entry = shmem_entry_find(slot->dboid);

		if (entry != NULL && entry->dispatcher == place)
			entry->dispatcher = HITL_NOBODY;
	}
	memset(slot, 0, sizeof(HitlSlot));
	slot->generation = generation;
	slot->procno = HITL_NOBODY;
	while (shmem_shared->slots_used > 0 &&
		   shmem_shared->slots[shmem_shared->slots_used - 1].kind == HITL_PROCESS_NONE)
		shmem_shared->slots_used--;
}

/*
 * This process takes over the slot that was taken for it.  NULL if the slot
 * was given away meanwhile, or if we must stay out of the database.
 */
HitlSlot *
shmem_slot_adopt(HitlProcessKind kind, int place, uint32 generation,
				 TimestampTz now)
{
	HitlSlot   *slot = &shmem_shared->slots[place];

	Assert(LWLockHeldByMe(shmem_shared->lock));
	Assert(place >= 0 && place < HITL_SLOTS);
	if (kind == HITL_PROCESS_LAUNCHER)
	{
		slot->kind = kind;
		slot->state = HITL_PROCESS_STARTING;
		slot->generation++;
		shmem_shared->slots_used = Max(shmem_shared->slots_used, 1);
	}
	else if (slot->kind != kind || slot->generation != generation ||
			 slot->state != HITL_PROCESS_STARTING || slot->pid != 0)
		return NULL;
	else if (shmem_database_is_held(slot->dboid))
	{
		shmem_slot_free(slot);
		return NULL;
	}
	slot->pid = MyProcPid;
	slot->procno = COMPAT_MY_PROC_NUMBER;
	slot->started_at = now;
	my_place = place;
	my_generation = slot->generation;
	return slot;
}

/*
 * The slot of this process, or NULL.  Itself it may read without the lock what
 * only it writes, and must_leave, which at worst it sees a moment later.
 */
HitlSlot *
shmem_slot_mine(void)
{
	if (my_place == HITL_NOBODY || shmem_shared == NULL ||
		shmem_shared->slots[my_place].generation != my_generation)
		return NULL;
	return &shmem_shared->slots[my_place];
}

void
shmem_slot_disown(void)
{
	my_place = HITL_NOBODY;
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
 * The transaction that held it has ended.  Whatever it did, the next look
 * finds out; only a dropped database can be forgotten at once.
 */
void
shmem_hold_end(Oid dboid, bool is_gone)
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
		shmem_entry_rouse(entry, &latches);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
}

/*
 * Ask our processes in a held database to go: those that have not begun never
 * will, sleeping ones leave, an executor in a node is terminated (its task
 * goes back into the queue), and when `is_impatient` all others are as well.
 * To be called until it returns 0, the number of processes that are left.
 */
int
shmem_hold_clear(Oid dboid, bool is_impatient)
{
	HitlLatches latches = {0};
	int			n = 0;

	shmem_lock();
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind == HITL_PROCESS_NONE || slot->dboid != dboid ||
			slot == shmem_slot_mine())
			continue;
		if (slot->pid == 0)
		{
			shmem_slot_free(slot);
			shmem_rouse_waiting(&latches);
			continue;
		}
		n++;
		slot->must_leave = true;
		if (!slot->is_terminated &&
			(is_impatient || (slot->kind == HITL_PROCESS_EXECUTOR &&
							  slot->state == HITL_PROCESS_BUSY)))
		{
			slot->is_terminated = true;
			(void) kill(slot->pid, SIGTERM);
		}
		else
			shmem_latch_add(&latches, slot->procno);
	}
	shmem_unlock();
	shmem_latch_set(&latches);
	return n;
}

/* ------------------------------------------------------ an executor's own word */

bool
shmem_am_executor(void)
{
	HitlSlot   *slot = shmem_slot_mine();

	return slot != NULL && slot->kind == HITL_PROCESS_EXECUTOR;
}

/*
 * This executor has claimed a task.  To be called before the thread's cancel
 * flag is read: a cancel that commits later finds the thread here and signals.
 *
 * A commit may have woken us while we were claiming.  Its work may be another
 * task than the one we now sit on, so the dispatcher is told.
 */
void
shmem_executor_busy(int64 thread_id, int64 task_id)
{
	HitlLatches latches = {0};
	HitlSlot   *slot = shmem_slot_mine();

	if (!shmem_am_executor())
		return;
	shmem_lock();
	slot->state = HITL_PROCESS_BUSY;
	slot->thread_id = thread_id;
	slot->task_id = task_id;
	slot->busy_since = GetCurrentTransactionStartTimestamp();
	slot->idle_since = 0;
	if (slot->is_woken)
	{
		HitlEntry  *entry = shmem_entry_find(slot->dboid);

		slot->is_woken = false;
		if (entry != NULL)
		{
			entry->needs_scale = true;
			shmem_entry_rouse(entry, &latches);
		}
	}
	shmem_unlock();
	shmem_latch_set(&latches);
}

/* The task is done with.  cancel_thread stays: its signal may be under way. */
void
shmem_executor_idle(void)
{
	HitlSlot   *slot = shmem_slot_mine();

	if (!shmem_am_executor())
		return;
	shmem_lock();
	slot->state = HITL_PROCESS_IDLE;
	slot->thread_id = 0;
	slot->task_id = 0;
	shmem_unlock();
}

/* For whom the cancel was that this executor got; asking takes it. */
HitlCancelAim
shmem_cancel_aim(int64 thread_id)
{
	HitlSlot   *slot = shmem_slot_mine();
	int64		aim;

	if (!shmem_am_executor())
		return HITL_CANCEL_NONE;
	shmem_lock();
	aim = slot->cancel_thread;
	slot->cancel_thread = 0;
	shmem_unlock();
	if (aim == 0)
		return HITL_CANCEL_NONE;
	return aim == thread_id ? HITL_CANCEL_THIS : HITL_CANCEL_OTHER;
}

/* -------------------------------------------------------------- worker_status */

static const char *
process_text(HitlProcessKind kind)
{
	switch (kind)
	{
		case HITL_PROCESS_LAUNCHER:
			return "launcher";
		case HITL_PROCESS_DISPATCHER:
			return "dispatcher";
		case HITL_PROCESS_EXECUTOR:
			return "executor";
		case HITL_PROCESS_NONE:
			break;
	}
	return "none";
}

static const char *
state_text(const HitlSlot *slot)
{
	switch (slot->state)
	{
		case HITL_PROCESS_STARTING:
		case HITL_PROCESS_GRANTED:
			return "starting";
		case HITL_PROCESS_IDLE:
			return "idle";
		case HITL_PROCESS_BUSY:
			return "busy";
		case HITL_PROCESS_LEAVING:
			break;
	}
	return "leaving";
}

int
shmem_workers(HitlWorkerInfo **workers)
{
	HitlWorkerInfo *rows = palloc0(sizeof(HitlWorkerInfo) * HITL_SLOTS);
	int			n = 1;

	rows[0].process = process_text(HITL_PROCESS_LAUNCHER);
	rows[0].state = "missing";
	*workers = rows;
	if (!shmem_is_on())
		return n;

	shmem_lock();
	for (int i = 0; i < shmem_shared->slots_used; i++)
	{
		const HitlSlot *slot = &shmem_shared->slots[i];
		HitlWorkerInfo *row;

		if (slot->kind == HITL_PROCESS_NONE)
			continue;
		row = (i == 0) ? &rows[0] : &rows[n++];
		row->process = process_text(slot->kind);
		row->state = state_text(slot);
		row->dboid = slot->dboid;
		row->roleoid = slot->roleoid;
		row->pid = slot->pid;
		row->thread_id = slot->thread_id;
		if (slot->state == HITL_PROCESS_BUSY)
			row->since = slot->busy_since;
		else
			row->since = slot->idle_since != 0 ? slot->idle_since : slot->started_at;
	}
	shmem_unlock();
	return n;
}
