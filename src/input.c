/*
 * input.c
 *    Give a thread its input: the first, and by its key what comes later.
 *
 * A key makes a start repeatable: the input that its thread was given last is
 * no news.  Any other input is: it is refused, waits for the end of the thread,
 * or takes the place of what the thread is at.  Each that is taken begins a
 * turn: START again, in the state as it is.
 *
 * Whoever gives input holds the thread's row, and so does the executor that
 * brings the thread to its end: either it sees the input that waits, or the
 * giver sees that the thread has ended.  Nothing is lost in between.
 *
 * Layer 3.  Lock order: the key, interrupts by id, then the thread.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "errors.h"
#include "frame.h"
#include "graph.h"
#include "input.h"
#include "json.h"
#include "lifecycle.h"
#include "names.h"
#include "rights.h"
#include "steer.h"
#include "store_audit.h"
#include "store_input.h"
#include "store_thread.h"
#include "thread.h"
#include "tree.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "wake.h"

/* keys are in an index */
#define MAX_KEY_BYTES 1000

/* NULL: as if it were left out. */
HitlIfBusy
input_if_busy(const char *word)
{
	if (word == NULL || strcmp(word, "reject") == 0)
		return HITL_IF_BUSY_REJECT;
	if (strcmp(word, "enqueue") == 0)
		return HITL_IF_BUSY_ENQUEUE;
	if (strcmp(word, "supersede") == 0)
		return HITL_IF_BUSY_SUPERSEDE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("if_busy must be reject, enqueue or supersede"),
			 errdetail("It is \"%s\".", word),
			 errhint("hitl.start(graph, input, key => 'order-991', if_busy => 'enqueue')")));
}

/*
 * The input is news, and was not meant to be; or it was given, and then dropped
 * before it was taken.
 */
static void
refuse_news(int64 thread_id, bool is_dropped)
{
	HitlThread *thread = store_thread_find(thread_id);
	HitlThreadStatus status = tree_status(thread);
	const char *since = timestamptz_to_str(store_audit_last_at(thread_id));
	long long	id = thread_id;
	char	   *hint = NULL;

	switch (status)
	{
		case HITL_THREAD_RUNNING:
		case HITL_THREAD_INTERRUPTED:
			hint = pstrdup("Say if_busy => 'enqueue' (it waits for the end of the thread) or if_busy => 'supersede' (the thread gives up what it is at).");
			break;
		case HITL_THREAD_DONE:
			hint = pstrdup("Say if_busy => 'enqueue' to begin a new turn of the thread, or start another under another key.");
			break;
		case HITL_THREAD_FAILED:
			hint = psprintf("SELECT hitl.retry(%lld);  -- or say if_busy => 'supersede' to give up what failed", id);
			break;
		case HITL_THREAD_CANCELLED:
			hint = pstrdup("Start another thread under another key.");
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_HITL_THREAD_BUSY),
			 is_dropped ? errmsg("the last input of thread %lld was dropped", id)
			 : errmsg("thread %lld was given another input under this key", id),
			 errdetail("It is %s since %s.", name_thread_status(status), since),
			 errhint("%s", hint)));
}

static void
refuse_ended(int64 thread_id, HitlThreadStatus status, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("thread %lld takes no more input", (long long) thread_id),
			 errdetail("It is %s.", name_thread_status(status)),
			 errhint("%s", hint)));
}

/* Let input wait for the end of a thread, which the caller holds. */
static void
enqueue(HitlThread *thread, Jsonb *input)
{
	TimestampTz now = clock_now();

	store_input_insert(thread->thread_id, input, audit_person(), now);
	thread->n_inputs++;
	audit_thread(thread->thread_id, "enqueued", NULL);
	store_thread_move(thread, now);
}

/* Give up what a thread is at, for other input. */
static void
supersede(HitlThread *thread, Jsonb *input)
{
	thread_drop_inputs(thread, "superseded");
	steer_give_up(thread);
	/* a node that runs has no step to come back to */
	wake_note_cancel(thread->thread_id);
	thread_begin_turn(thread, input);
	store_thread_move(thread, clock_now());
}

/* More input to a thread, whose key the caller has locked. */
static void
give(int64 thread_id, Jsonb *input, HitlIfBusy if_busy)
{
	HitlThread *thread;
	HitlThreadStatus status;

	if (frame_is_open_for(thread_id))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_THREAD_BUSY),
				 errmsg("a node cannot give its own thread input"),
				 errdetail("A node of thread %lld is running in this session.", (long long) thread_id),
				 errhint("Return an update, or hitl.command(update, goto => ...).")));
	if (if_busy == HITL_IF_BUSY_SUPERSEDE)
		rights_refuse_agent("supersede what threads are at");
	thread = if_busy == HITL_IF_BUSY_SUPERSEDE ? linitial(tree_lock_to_end(thread_id)) : store_thread_lock(thread_id);
	/* its queue as it is now that the row is ours */
	status = tree_status(store_thread_find(thread_id));

	switch (status)
	{
		case HITL_THREAD_CANCELLED:
			refuse_ended(thread_id, status, "Start another thread under another key.");
			break;
		case HITL_THREAD_FAILED:
			if (if_busy == HITL_IF_BUSY_ENQUEUE)
				refuse_ended(thread_id, status,
							 psprintf("SELECT hitl.retry(%lld);  -- or say if_busy => 'supersede' to give up what failed",
									  (long long) thread_id));
			supersede(thread, input);
			break;
		case HITL_THREAD_DONE:
			thread_begin_turn(thread, input);
			store_thread_move(thread, clock_now());
			break;
		case HITL_THREAD_RUNNING:
		case HITL_THREAD_INTERRUPTED:
			if (if_busy == HITL_IF_BUSY_ENQUEUE)
				enqueue(thread, input);
			else
				supersede(thread, input);
			break;
	}
	wake_note_thread(thread_id);
}

/*
 * hitl.start(): start a thread, or give the thread of a key (NULL: none) this
 * input; returns its id.
 */
int64
input_start(const char *graph_name, Jsonb *input, const char *key, HitlIfBusy if_busy)
{
	HitlGraph  *graph = graph_require_for(graph_name, HITL_ACCESS_OPERATE);
	Jsonb	   *last;
	int64		thread_id;

	if (key == NULL)
	{
		if (if_busy != HITL_IF_BUSY_REJECT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("if_busy has a meaning only with a key"),
					 errdetail("Without one each start makes a thread of its own."),
					 errhint("Name the thread: key => 'order-991'.")));
		return thread_start_many(graph, &input, 1)[0];
	}
	if (key[0] == '\0' || strlen(key) > MAX_KEY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of a thread must have 1 to %d bytes", MAX_KEY_BYTES),
				 errdetail("It has %zu.", strlen(key)),
				 errhint("Name the thread, such as 'order-991'.")));
	thread_check_input(input, 0, 1);

	if (store_key_take(graph->graph_id, key, input))
	{
		thread_id = thread_start_many(graph, &input, 1)[0];
		store_key_set(graph->graph_id, key, thread_id);
		return thread_id;
	}
	thread_id = store_key_find(graph->graph_id, key, if_busy != HITL_IF_BUSY_REJECT, &last);
	if (if_busy == HITL_IF_BUSY_REJECT)
	{
		bool		is_dropped = store_audit_input_dropped(thread_id);

		/* input that was dropped is not in the thread: to repeat it does harm */
		if (is_dropped || !json_equal(last, input))
			refuse_news(thread_id, is_dropped && json_equal(last, input));
		return thread_id;
	}
	store_key_give(graph->graph_id, key, input);
	give(thread_id, input, if_busy);
	return thread_id;
}

/* The thread of a key; 0 when there is none. */
int64
input_thread(const char *graph_name, const char *key)
{
	Jsonb	   *last;

	return store_key_find(graph_require_for(graph_name, HITL_ACCESS_WATCH)->graph_id, key, false, &last);
}
