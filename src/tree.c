/*
 * tree.c
 *    A thread with the threads of its subgraphs: look at them, lock them.
 *
 * Only control (cancel, retry, update, supersede, migrate) locks more than one
 * thread, and it goes downwards, root first.  An executor locks one.  But a transaction of a user
 * that runs threads here and now collects locks as it goes, and goes upwards:
 * a child to its end, then its parent.  So control never waits long for a
 * thread while it holds another: it gives up all it has and begins again, and
 * whoever goes upwards gets by.
 *
 * Layer 3.  Lock order: interrupts by id, then threads, downwards.
 */
#include "postgres.h"

#include "lifecycle.h"
#include "miscadmin.h"
#include "session.h"
#include "slot.h"
#include "storage/proc.h"
#include "store_interrupt.h"
#include "store_thread.h"
#include "store_tree.h"
#include "subxact.h"
#include "tree.h"

/* how long control waits for a thread below the one it holds: an executor's
 * tail is over by then, and no deadlock has been looked for yet */
#define BELOW_TIMEOUT "200ms"

/* how long who ends a thread waits for a tail before reducers in it are cancelled */
#define TAIL_MS 200

/* The thread and what lives below it, downwards. */
HitlIds
tree_live(const HitlThread *thread)
{
	HitlIds		self = {.n = 1};

	if (thread->counts.waiting > 0)
		return store_tree_live(thread->thread_id);
	self.ids = palloc(sizeof(int64));
	self.ids[0] = thread->thread_id;
	return self;
}

/* Is it one of them? */
bool
tree_has(const HitlIds *threads, int64 thread_id)
{
	for (int i = 0; i < threads->n; i++)
		if (threads->ids[i] == thread_id)
			return true;
	return false;
}

/*
 * What a thread is to those who look at it.  A vote queues a task and touches
 * no thread, so one with a row in the run queue is running; one that waits for
 * children is what they are.
 */
HitlThreadStatus
tree_status(const HitlThread *thread)
{
	if (lifecycle_thread_has_ended(thread->status))
		return thread->status;
	if (thread->is_queued)
		return HITL_THREAD_RUNNING;
	if (thread->counts.waiting > 0)
		return store_tree_status(thread->thread_id);
	return thread->status;
}

static bool
is_same(const HitlIds *a, const HitlIds *b)
{
	return a->n == b->n && memcmp(a->ids, b->ids, sizeof(int64) * a->n) == 0;
}

/*
 * Lock what lives below a thread that is locked.  A child is made under the
 * lock of its parent: once all that is there is locked, none can appear.
 */
static List *
lock_below(HitlIds *tree)
{
	List	   *threads;
	HitlIds		found;

	for (;;)
	{
		int			level = session_limit_lock(BELOW_TIMEOUT);

		threads = store_thread_lock_all(tree);
		session_unlimit_lock(level);
		found = store_tree_live(tree->ids[0]);
		if (is_same(tree, &found))
			return threads;
		*tree = found;
	}
}

/* Do we hold every pending question of these threads? */
static bool
has_all_questions(const HitlIds *tree)
{
	return list_length(store_interrupt_pending(tree, HITL_LOCK_SKIP)) ==
		list_length(store_interrupt_pending(tree, HITL_LOCK_NONE));
}

/* Lock a thread; an error (55P03) if that takes longer.  0: as long as it takes. */
static HitlThread *
lock_within(int64 thread_id, int timeout_ms)
{
	HitlThread *thread;
	int			level;

	if (timeout_ms == 0)
		return store_thread_lock(thread_id);
	level = session_limit_lock(psprintf("%dms", timeout_ms));
	thread = store_thread_lock(thread_id);
	session_unlimit_lock(level);
	return thread;
}

/* a lock of a tree that is tried */
typedef struct TreeLock
{
	int64		thread_id;
	bool		has_questions;
	int			timeout_ms;
	List	   *threads;		/* NIL: a question is not ours */
	bool		may_fail;		/* to get the lock of a thread in time */
} TreeLock;

static bool
lock_tree(void *arg)
{
	TreeLock   *lock = arg;
	HitlIds		tree = store_tree_live(lock->thread_id);
	HitlThread *thread;

	if (lock->has_questions)
		(void) store_interrupt_pending(&tree, HITL_LOCK_WAIT);
	lock->may_fail = lock->timeout_ms > 0;
	thread = lock_within(lock->thread_id, lock->timeout_ms);
	tree = tree_live(thread);
	lock->may_fail = tree.n > 1;
	lock->threads = tree.n > 1 ? lock_below(&tree) : list_make1(thread);
	lock->may_fail = false;
	if (lock->has_questions && !has_all_questions(&tree))
		lock->threads = NIL;
	return lock->threads != NIL;
}

/*
 * Try to lock a thread and all below it; NIL, and nothing is locked, when
 * somebody holds one of those below for long, or the thread itself for longer
 * than timeout_ms (0: wait), or a question is not ours.
 */
static List *
try_lock(int64 thread_id, bool has_questions, int timeout_ms)
{
	TreeLock	lock = {.thread_id = thread_id, .has_questions = has_questions, .timeout_ms = timeout_ms};
	ErrorData  *error = subxact_run(lock_tree, &lock);

	if (error != NULL && !(lock.may_fail && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE))
		ReThrowError(error);
	return error == NULL ? lock.threads : NIL;
}

/*
 * Lock a thread and all that lives below it; returns them as they are then,
 * downwards.  has_questions: their pending interrupts too, before the threads:
 * the order of everybody.
 *
 * A question may be opened between the two, and be held by somebody who waits
 * for a thread in turn (a resume); then give up all, the questions too, which
 * ending a subtransaction does, and begin again.
 */
List *
tree_lock(int64 thread_id, bool has_questions)
{
	List	   *threads = NIL;

	while (threads == NIL)
	{
		CHECK_FOR_INTERRUPTS();
		threads = try_lock(thread_id, has_questions, 0);
	}
	return threads;
}

/*
 * The same, with their questions, by somebody who ends what the threads are at:
 * reducers that an executor runs, and so holds one of the threads for longer
 * than a moment, are cancelled.  Their run leaves nothing, as one that was lost;
 * its task is still queued, and its next run finds what we have done.
 *
 * Each wait but the first is long enough for the server to find a deadlock; the
 * session's own lock_timeout holds for the second.
 */
List *
tree_lock_to_end(int64 thread_id)
{
	int			timeout_ms = LockTimeout > 0 ? Min(LockTimeout, TAIL_MS) : TAIL_MS;
	List	   *threads;

	while ((threads = try_lock(thread_id, true, timeout_ms)) == NIL)
	{
		HitlIds		tree = store_tree_live(thread_id);

		CHECK_FOR_INTERRUPTS();
		slot_stop_reducers(tree.ids, tree.n);
		timeout_ms = LockTimeout > 0 ? 0 : DeadlockTimeout + TAIL_MS;
	}
	return threads;
}
