/*
 * slot.c
 *    The slots of our processes: taken, taken over, given back, and what is
 *    read in them.
 *
 * The life of a slot is told in shmem.h, that of the process in worker.c.  The
 * functions that say so want the lock held; the others take it.
 *
 * Layer 2.  Memory: shared; slot_workers() pallocs its rows.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "compat.h"
#include "miscadmin.h"
#include "slot.h"
#include "storage/lwlock.h"

/* this process's slot; its generation tells whether it still is */
static int	my_place = HITL_NOBODY;
static uint32 my_generation = 0;

/* ------------------------------------------------------------------ processes */

/*
 * A slot for a process to be registered; NULL if there is none.  The caller
 * registers it after the lock is released.  Should it never come, its starter
 * or the launcher frees the slot after a while (worker_reclaim).
 */
HitlSlot *
slot_take(HitlProcessKind kind, Oid dboid, Oid roleoid, TimestampTz now)
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
slot_free(HitlSlot *slot)
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
slot_adopt(HitlProcessKind kind, int place, uint32 generation, TimestampTz now)
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
		slot_free(slot);
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
slot_mine(void)
{
	if (my_place == HITL_NOBODY || shmem_shared == NULL ||
		shmem_shared->slots[my_place].generation != my_generation)
		return NULL;
	return &shmem_shared->slots[my_place];
}

void
slot_disown(void)
{
	my_place = HITL_NOBODY;
}

/*
 * Ask our processes in a held database to go: those that have not begun never
 * will, sleeping ones leave, an executor in a node is terminated (its task
 * goes back into the queue), and when `is_impatient` all others are as well.
 * To be called until it returns 0, the number of processes that are left.
 */
int
slot_clear_database(Oid dboid, bool is_impatient)
{
	HitlLatches latches = {0};
	int			n = 0;

	shmem_lock();
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind == HITL_PROCESS_NONE || slot->dboid != dboid ||
			slot == slot_mine())
			continue;
		if (slot->pid == 0)
		{
			slot_free(slot);
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
slot_am_executor(void)
{
	HitlSlot   *slot = slot_mine();

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
slot_busy(int64 thread_id, int64 task_id)
{
	HitlLatches latches = {0};
	HitlSlot   *slot = slot_mine();

	if (!slot_am_executor())
		return;
	shmem_lock();
	slot->state = HITL_PROCESS_BUSY;
	slot->is_reducing = false;
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
slot_idle(void)
{
	HitlSlot   *slot = slot_mine();

	if (!slot_am_executor())
		return;
	shmem_lock();
	slot->state = HITL_PROCESS_IDLE;
	slot->is_reducing = false;
	slot->thread_id = 0;
	slot->task_id = 0;
	shmem_unlock();
}

/* For whom the cancel was that this executor got; asking takes it. */
HitlCancelAim
slot_cancel_aim(int64 thread_id)
{
	HitlSlot   *slot = slot_mine();
	int64		aim;

	if (!slot_am_executor())
		return HITL_CANCEL_NONE;
	shmem_lock();
	aim = slot->cancel_thread;
	slot->cancel_thread = 0;
	shmem_unlock();
	if (aim == 0)
		return HITL_CANCEL_NONE;
	return aim == thread_id ? HITL_CANCEL_THIS : HITL_CANCEL_OTHER;
}

/*
 * From now on this executor may be cancelled by whoever wants the row of its
 * thread, or no more: a signal that was sent before has arrived.  Returns what
 * was so far.
 */
bool
slot_set_reducing(bool is_reducing)
{
	bool		was_reducing;

	if (!slot_am_executor())
		return false;
	shmem_lock();
	was_reducing = slot_mine()->is_reducing;
	slot_mine()->is_reducing = is_reducing;
	shmem_unlock();
	return was_reducing;
}

void
slot_stop_reducers(const int64 *thread_ids, int n)
{
	if (!shmem_is_on())
		return;
	shmem_lock();
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_EXECUTOR || slot->dboid != MyDatabaseId || !slot->is_reducing)
			continue;
		for (int j = 0; j < n; j++)
		{
			if (slot->thread_id == thread_ids[j])
			{
				slot->cancel_thread = slot->thread_id;
				(void) kill(slot->pid, SIGINT);
				break;
			}
		}
	}
	shmem_unlock();
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
slot_workers(HitlWorkerInfo **workers)
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
