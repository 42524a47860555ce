/*
 * wake.c
 *    What a transaction notes, and the one callback that tells it at commit.
 *
 * XACT_EVENT_COMMIT comes after the transaction has become visible, so whoever
 * is woken sees its rows.  The callback reads no table, allocates nothing and
 * raises nothing: it takes the lock of shared memory once and sets latches.
 *
 * Whom to wake: a sleeping executor of the role finds the work itself.  If all
 * of them are busy, one of them will look again before it sleeps, so that the
 * dispatcher is told only to consider starting more (needs_scale).  If there
 * is none, the dispatcher is told to start one (has_work), or the launcher to
 * start the dispatcher.
 *
 * Subtransactions: a note of work that was rolled back costs a needless look
 * and is kept; an event that was rolled back would be a lie and is dropped.
 *
 * Abort: a session that had noted something may have held the lock of a queue
 * row which an executor then passed over; so the dispatcher looks after it.
 *
 * PREPARE TRANSACTION: COMMIT PREPARED runs no callback, so the dispatcher is
 * told to look from time to time until there are no prepared transactions;
 * then it sends a resync, as the events of the transaction are lost.
 *
 * Layer 2.  Memory: fixed arrays, lists in TopTransactionContext.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "commands/async.h"
#include "compat.h"
#include "guc.h"
#include "miscadmin.h"
#include "slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "wake.h"

#define MAX_OWNERS 16			/* beyond, the dispatcher finds out */
#define MAX_THREADS 1024		/* beyond, all waiters of the database look */
#define MAX_HOLDS 4				/* one statement holds one or two */

/* how often a waiter looks by itself; often if nobody can wake it */
#define WAIT_REGISTERED_MS 1000
#define WAIT_ALONE_MS 10

typedef struct OwnerNote
{
	Oid			owner;
	int			count;
} OwnerNote;

typedef struct EventNote
{
	HitlEventKind kind;
	SubTransactionId subid;
	int64		thread_id;
	int64		interrupt_id;
} EventNote;

typedef struct IdList
{
	int			n;
	int			size;
	int64	   *ids;
} IdList;

/* What the current transaction has noted; all zero when it has not. */
static struct
{
	bool		any;
	bool		is_announced;	/* this database has got the extension */
	bool		has_due;
	bool		too_many_owners;
	bool		lost_events;
	Oid			new_database;
	TimestampTz due_at;
	int			n_owners;
	OwnerNote	owners[MAX_OWNERS];
	IdList		threads;
	IdList		cancels;
	int			n_events;
	int			events_size;
	EventNote  *events;
}			notes;

/* Databases that the current transaction holds (utility.c). */
static struct
{
	Oid			dboid;
	bool		is_dropped;
	int			pause_ms;		/* stay out for as long after it */
}			holds[MAX_HOLDS];
static int	n_holds = 0;

static int	my_waiter = HITL_NOBODY;

/* ---------------------------------------------------------------------- notes */

static void
list_add(IdList *list, int64 id)
{
	for (int i = Max(0, list->n - 8); i < list->n; i++)
	{
		if (list->ids[i] == id)
			return;
	}
	if (list->size == 0)
	{
		list->ids = MemoryContextAlloc(TopTransactionContext, sizeof(int64) * 16);
		list->size = 16;
	}
	else if (list->n == list->size)
	{
		list->ids = repalloc(list->ids, sizeof(int64) * list->size * 2);
		list->size *= 2;
	}
	list->ids[list->n++] = id;
}

/* One more task of this role can run. */
void
wake_note_work(Oid owner)
{
	if (!shmem_is_on())
		return;
	notes.any = true;
	for (int i = 0; i < notes.n_owners; i++)
	{
		if (notes.owners[i].owner == owner)
		{
			notes.owners[i].count++;
			return;
		}
	}
	if (notes.n_owners == MAX_OWNERS)
	{
		notes.too_many_owners = true;
		return;
	}
	notes.owners[notes.n_owners].owner = owner;
	notes.owners[notes.n_owners++].count = 1;
}

/* Something is due then. */
void
wake_note_due(TimestampTz due_at)
{
	if (!shmem_is_on())
		return;
	notes.any = true;
	if (!notes.has_due || due_at < notes.due_at)
		notes.due_at = due_at;
	notes.has_due = true;
}

/* CREATE EXTENSION ran here. */
void
wake_note_database(void)
{
	if (!shmem_is_on())
		return;
	notes.any = true;
	notes.is_announced = true;
}

/* CREATE DATABASE copied one that has the extension. */
void
wake_note_new_database(Oid dboid)
{
	if (!shmem_is_on())
		return;
	notes.any = true;
	notes.new_database = dboid;
}

/* Those who wait for this thread look at it. */
void
wake_note_thread(int64 thread_id)
{
	if (!shmem_is_on() || notes.threads.n > MAX_THREADS)
		return;
	notes.any = true;
	list_add(&notes.threads, thread_id);
}

/* The executor that runs this thread, if one does, is interrupted. */
void
wake_note_cancel(int64 thread_id)
{
	if (!shmem_is_on())
		return;
	notes.any = true;
	list_add(&notes.cancels, thread_id);
}

void
wake_event_text(HitlEventKind kind, int64 thread_id, int64 interrupt_id,
				char *text)
{
	const char *word = "ended";

	if (kind == HITL_EVENT_OPENED)
		word = "opened";
	else if (kind == HITL_EVENT_DECIDED)
		word = "decided";
	else if (kind == HITL_EVENT_EDITED)
		word = "edited";
	if (interrupt_id != 0)
		snprintf(text, HITL_EVENT_TEXT,
				 "{\"event\":\"%s\",\"thread_id\":" INT64_FORMAT ",\"interrupt_id\":" INT64_FORMAT "}",
				 word, thread_id, interrupt_id);
	else
		snprintf(text, HITL_EVENT_TEXT,
				 "{\"event\":\"%s\",\"thread_id\":" INT64_FORMAT "}", word, thread_id);
}

/*
 * Listeners are told; interrupt_id 0 is none.  Sent with this transaction if
 * the setting says so or if nobody else is there to send it; otherwise handed
 * to the dispatcher, because NOTIFY makes commits wait for each other.
 */
void
wake_note_event(HitlEventKind kind, int64 thread_id, int64 interrupt_id)
{
	EventNote  *event;

	if (guc_notify == HITL_NOTIFY_OFF)
		return;
	if (guc_notify == HITL_NOTIFY_COMMIT || !shmem_has_launcher())
	{
		char		text[HITL_EVENT_TEXT];

		wake_event_text(kind, thread_id, interrupt_id, text);
		Async_Notify("hitl", text);
		return;
	}

	notes.any = true;
	if (notes.n_events == HITL_EVENTS)
	{
		notes.lost_events = true;
		return;
	}
	if (notes.events_size == 0)
	{
		notes.events = MemoryContextAlloc(TopTransactionContext, sizeof(EventNote) * 16);
		notes.events_size = 16;
	}
	else if (notes.n_events == notes.events_size)
	{
		notes.events = repalloc(notes.events, sizeof(EventNote) * notes.events_size * 2);
		notes.events_size *= 2;
	}
	event = &notes.events[notes.n_events++];
	event->kind = kind;
	event->subid = GetCurrentSubTransactionId();
	event->thread_id = thread_id;
	event->interrupt_id = interrupt_id;
}

/* ------------------------------------------------------------------ at commit */

/*
 * True if it was not up: then somebody has to be told.  If it was, somebody
 * has been, and has not looked since.
 */
static bool
raise_flag(bool *flag)
{
	bool		was_down = !*flag;

	*flag = true;
	return was_down;
}

/*
 * Wake up to `count` sleeping executors of a role; if that does not do, say
 * so in the entry.  An executor does not wake others for the first task: it
 * looks again itself before it sleeps.  True: rouse the dispatcher.
 */
static bool
wake_owner(HitlEntry *entry, const OwnerNote *note, HitlLatches *latches)
{
	HitlSlot   *mine = slot_mine();
	int			count = note->count;
	bool		has_executor = false;

	if (slot_am_executor() && mine->roleoid == note->owner)
	{
		has_executor = true;
		count--;
	}
	for (int i = 1; i < shmem_shared->slots_used && count > 0; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_EXECUTOR || slot->dboid != MyDatabaseId ||
			slot->roleoid != note->owner || slot->must_leave ||
			slot->state == HITL_PROCESS_LEAVING ||
			slot->state == HITL_PROCESS_GRANTED)
			continue;
		has_executor = true;
		if (slot->state == HITL_PROCESS_IDLE && !slot->is_woken)
		{
			slot->is_woken = true;
			shmem_latch_add(latches, slot->procno);
			count--;
		}
	}
	if (count <= 0)
		return false;

	/*
	 * Who waits for a place, or cannot connect, is not helped by haste; those
	 * who wait are told when a place gets free.
	 */
	if (has_executor && entry->is_waiting)
		return false;
	if (has_executor || entry->is_waiting ||
		shmem_refusal_find(MyDatabaseId, note->owner) != NULL)
		return raise_flag(&entry->needs_scale);
	return raise_flag(&entry->has_work);
}

/* Signal the executors that run a cancelled thread. */
static void
wake_cancels(void)
{
	for (int i = 1; i < shmem_shared->slots_used; i++)
	{
		HitlSlot   *slot = &shmem_shared->slots[i];

		if (slot->kind != HITL_PROCESS_EXECUTOR || slot->dboid != MyDatabaseId ||
			slot->state != HITL_PROCESS_BUSY || slot == slot_mine())
			continue;
		for (int j = 0; j < notes.cancels.n; j++)
		{
			if (slot->thread_id == notes.cancels.ids[j])
			{
				slot->cancel_thread = slot->thread_id;
				(void) kill(slot->pid, SIGINT);
				break;
			}
		}
	}
}

static void
wake_waiters(HitlLatches *latches)
{
	for (int i = 0; i < HITL_WAITERS; i++)
	{
		const HitlWaiter *waiter = &shmem_shared->waiters[i];

		if (waiter->dboid != MyDatabaseId)
			continue;
		for (int j = 0; j < notes.threads.n; j++)
		{
			if (notes.threads.n > MAX_THREADS ||
				waiter->thread_id == notes.threads.ids[j])
			{
				shmem_latch_add(latches, waiter->procno);
				break;
			}
		}
	}
}

/*
 * Write the entry of this database; true: rouse its dispatcher.  Who has been
 * roused and has not looked yet finds all that was added meanwhile, so that
 * many commits in a row set one latch, not one each.
 */
static bool
tell_entry(HitlEntry *entry, bool is_prepared, HitlLatches *latches)
{
	bool		must_rouse = false;

	if (notes.too_many_owners || notes.is_announced || is_prepared)
		must_rouse = raise_flag(&entry->has_work);
	if (is_prepared)
	{
		entry->is_prepared = true;
		return must_rouse;
	}
	for (int i = 0; i < notes.n_owners; i++)
		must_rouse |= wake_owner(entry, &notes.owners[i], latches);
	if (notes.has_due && notes.due_at < entry->next_due)
	{
		entry->next_due = notes.due_at;
		must_rouse = true;
	}
	if (notes.n_events > 0 && entry->first_event == HITL_NOBODY)
		must_rouse = true;
	for (int i = 0; i < notes.n_events; i++)
		shmem_event_push(entry, notes.events[i].kind, notes.events[i].thread_id,
						 notes.events[i].interrupt_id);
	if (notes.lost_events)
		must_rouse |= raise_flag(&entry->needs_resync);
	return must_rouse;
}

static void
tell(bool is_prepared)
{
	HitlLatches latches;
	bool		for_entry = notes.n_owners > 0 || notes.has_due ||
		notes.is_announced || notes.n_events > 0 || notes.lost_events || is_prepared;
	bool		for_waiters = false;

	/*
	 * A waiter registers, then looks; we commit, then read the count: one of
	 * the two sees the other.
	 */
	if (notes.threads.n > 0 && !is_prepared)
	{
		pg_memory_barrier();
		for_waiters = pg_atomic_read_u32(&shmem_shared->n_waiters) > 0;
	}
	if (!for_entry && !for_waiters && notes.cancels.n == 0 &&
		!OidIsValid(notes.new_database))
		return;

	latches.n = 0;
	shmem_lock();
	if (for_entry)
	{
		HitlEntry  *entry = shmem_entry_make(MyDatabaseId, notes.is_announced);

		if (entry == NULL || tell_entry(entry, is_prepared, &latches))
		{
			if (entry != NULL)
				shmem_entry_rouse(entry, &latches);
			else
				shmem_rouse_launcher(&latches);
		}
	}
	if (OidIsValid(notes.new_database))
	{
		HitlEntry  *entry = shmem_entry_make(notes.new_database, true);

		if (entry != NULL)
			entry->has_work = true;
		shmem_rouse_launcher(&latches);
	}
	if (notes.cancels.n > 0 && !is_prepared)
		wake_cancels();
	if (for_waiters)
		wake_waiters(&latches);
	shmem_unlock();
	shmem_latch_set(&latches);
}

/* What we had locked may be somebody else's to run again. */
static void
tell_rollback(void)
{
	HitlLatches latches = {0};
	HitlEntry  *entry;

	if (!notes.any || !shmem_is_on() || slot_am_executor())
		return;
	shmem_lock();
	entry = shmem_entry_find(MyDatabaseId);
	if (entry != NULL && raise_flag(&entry->needs_scale))
		shmem_entry_rouse(entry, &latches);
	shmem_unlock();
	shmem_latch_set(&latches);
}

/* The lists go with their memory context. */
static void
forget(void)
{
	if (notes.any)
		memset(&notes, 0, sizeof(notes));
}

static void
end_holds(bool is_committed)
{
	while (n_holds > 0)
	{
		n_holds--;
		shmem_hold_end(holds[n_holds].dboid,
					   is_committed && holds[n_holds].is_dropped,
					   TimestampTzPlusMilliseconds(GetCurrentTransactionStopTimestamp(), holds[n_holds].pause_ms));
	}
}

static void
at_transaction_event(XactEvent event, void *arg pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			if (notes.any && shmem_is_on())
				tell(event == XACT_EVENT_PREPARE);
			forget();
			end_holds(event == XACT_EVENT_COMMIT);
			break;
		case XACT_EVENT_ABORT:
			tell_rollback();
			forget();
			end_holds(false);
			wake_wait_end();
			break;
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			/* a parallel worker runs no function of ours that notes */
			forget();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			break;
	}
}

/*
 * Subtransaction numbers only grow, so all that was noted since one began has
 * its number or a higher one, and stands at the end of the list.
 */
static void
at_subtransaction_event(SubXactEvent event, SubTransactionId subid,
						SubTransactionId parent, void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (notes.n_events > 0 && notes.events[notes.n_events - 1].subid >= subid)
			notes.n_events--;
		tell_rollback();
		wake_wait_end();
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (int i = notes.n_events - 1;
			 i >= 0 && notes.events[i].subid >= subid; i--)
			notes.events[i].subid = parent;
	}
}

/* The only registration of transaction callbacks: once per process. */
void
wake_init(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
	RegisterSubXactCallback(at_subtransaction_event, NULL);
}

/* --------------------------------------------------------------------- holding */

/*
 * Keep our processes out of a database until this transaction ends, and for
 * pause_ms more.  False if there is nothing to keep out, or no room to remember
 * it.
 */
bool
wake_hold_database(Oid dboid, bool is_dropped, int pause_ms)
{
	if (!shmem_is_on() || n_holds == MAX_HOLDS)
		return false;
	for (int i = 0; i < n_holds; i++)
	{
		if (holds[i].dboid == dboid)
			return true;
	}
	if (!shmem_hold_begin(dboid))
		return false;
	holds[n_holds].dboid = dboid;
	holds[n_holds].is_dropped = is_dropped;
	holds[n_holds].pause_ms = pause_ms;
	n_holds++;
	return true;
}

/* --------------------------------------------------------------------- waiting */

static void
at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	wake_wait_end();
}

/* From now on a commit that notes this thread wakes us. */
void
wake_wait_begin(int64 thread_id)
{
	static bool is_exit_registered = false;

	Assert(my_waiter == HITL_NOBODY);
	if (!shmem_is_on())
		return;
	if (!is_exit_registered)
	{
		before_shmem_exit(at_exit, (Datum) 0);
		is_exit_registered = true;
	}
	shmem_lock();
	for (int i = 0; i < HITL_WAITERS; i++)
	{
		HitlWaiter *waiter = &shmem_shared->waiters[i];

		if (OidIsValid(waiter->dboid))
			continue;
		waiter->dboid = MyDatabaseId;
		waiter->procno = COMPAT_MY_PROC_NUMBER;
		waiter->thread_id = thread_id;
		pg_atomic_fetch_add_u32(&shmem_shared->n_waiters, 1);
		my_waiter = i;
		break;
	}
	shmem_unlock();
}

/*
 * Sleep until woken, but not for long: a wake may get lost (COMMIT PREPARED
 * tells nobody), and without a place nobody can wake us.
 */
void
wake_wait(long timeout_ms)
{
	static uint32 wait_event = 0;
	long		longest = my_waiter != HITL_NOBODY ? WAIT_REGISTERED_MS : WAIT_ALONE_MS;

	if (wait_event == 0)
		wait_event = compat_wait_event("HitlWait");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max(0, Min(timeout_ms, longest)), wait_event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Also at abort and at exit, whether or not anybody waits. */
void
wake_wait_end(void)
{
	if (my_waiter == HITL_NOBODY)
		return;
	shmem_lock();
	memset(&shmem_shared->waiters[my_waiter], 0, sizeof(HitlWaiter));
	pg_atomic_fetch_sub_u32(&shmem_shared->n_waiters, 1);
	shmem_unlock();
	my_waiter = HITL_NOBODY;
}
