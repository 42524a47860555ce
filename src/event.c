/*
 * event.c
 *    What is opened, decided and ended: told to listeners and to observers.
 *
 * The one door for both, so that no event is forgotten.  Listeners hear after
 * the commit (wake.c); observers, which are other extensions' (hitl.h), are
 * called here and now, and what they raise undoes the event.
 *
 * But for a run that is lost already and is being recorded as failed: if an
 * observer could undo that too, it would be run and lost for ever.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "compat.h"
#include "event.h"
#include "miscadmin.h"
#include "subxact.h"
#include "utils/snapmgr.h"
#include "wake.h"

static bool is_final = false;

/* Is what follows a last word?  Returns what was so far, to be put back. */
bool
event_set_final(bool is_it)
{
	bool		was_final = is_final;

	is_final = is_it;
	return was_final;
}

/*
 * As the graph's owner, whoever makes it happen: what an observer writes may set
 * off code of an author (a trigger, a default), and a superuser may vote, and the
 * dispatcher is one.  And restricted: what it would leave for the commit would
 * run as the session's user.  An abort puts both back.
 */
static void
call_observer(const HitlObserver *observer, const HitlNotice *notice, Oid owner)
{
	Oid			user;
	int			security;
	int			level;

	/* an observer that cannot be called might have refused */
	if (observer->api_version != HITL_API_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an observer was built for version %d of hitl's interface", observer->api_version),
				 errdetail("This is version %d.", HITL_API_VERSION),
				 errhint("Build its extension again with the hitl.h of this server.")));
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	level = compat_push_search_path();
	PushActiveSnapshot(GetTransactionSnapshot());
	observer->callback(notice, observer->arg);
	PopActiveSnapshot();
	compat_pop_search_path(level);
	SetUserIdAndSecContext(user, security);
}

/* an observer that is called */
typedef struct ObserverCall
{
	const HitlObserver *observer;
	const HitlNotice *notice;
	Oid			owner;
} ObserverCall;

static bool
call_it(void *arg)
{
	ObserverCall *call = arg;

	call_observer(call->observer, call->notice, call->owner);
	return true;
}

/* What it raises is logged, and that is all. */
static void
call_observer_safely(const HitlObserver *observer, const HitlNotice *notice, Oid owner)
{
	ObserverCall call = {.observer = observer, .notice = notice, .owner = owner};
	ErrorData  *error = subxact_run(call_it, &call);

	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("an observer could not refuse that thread %lld has failed", (long long) notice->thread_id),
			 errdetail("It raised SQLSTATE %s.", unpack_sql_state(error->sqlerrcode))));
}

/* The rows are written.  interrupt_id: 0 for none; owner: of the thread's graph. */
void
event_note(HitlEventKind kind, int64 thread_id, int64 interrupt_id, Oid owner)
{
	HitlNotice	notice = {.kind = kind, .thread_id = thread_id, .interrupt_id = interrupt_id};

	wake_note_event(kind, thread_id, interrupt_id);
	for (const HitlObserver *observer = *find_rendezvous_variable(HITL_OBSERVERS_VARIABLE);
		 observer != NULL; observer = observer->next)
	{
		if (is_final)
			call_observer_safely(observer, &notice, owner);
		else
			call_observer(observer, &notice, owner);
	}
}
