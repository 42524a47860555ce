/*
 * timer.c
 *    How long one run of a node may take, or of the reducers behind it.
 *
 * A timer of our own: statement_timeout belongs to the session's user.  It
 * cancels as ^C does, again each second, because a node may catch the cancel;
 * an executor whose node has caught it a few times ends (and crash.c counts it).  A node within a node
 * runs in the time of the outer one.
 *
 * Layer 3.  Static state: one timer per process.
 */
#include "postgres.h"

#include "clock.h"
#include "miscadmin.h"
#include "slot.h"
#include "timer.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define GRACE_MS 1000
#define MAX_FIRED 5

static TimeoutId timer = MAX_TIMEOUTS;
static bool is_running = false;
static volatile sig_atomic_t n_fired = 0;

/* In a signal handler. */
static void
fire(void)
{
	n_fired++;
	if (n_fired > MAX_FIRED && slot_am_executor())
		ProcDiePending = true;
	QueryCancelPending = true;
	InterruptPending = true;
}

/* Returns false when an outer node's timer is running already. */
bool
timer_start(int timeout_ms)
{
	if (is_running || timeout_ms <= 0)
		return false;
	if (timer == MAX_TIMEOUTS)
		timer = RegisterTimeout(USER_TIMEOUT, fire);
	n_fired = 0;
	is_running = true;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(clock_real(), timeout_ms), GRACE_MS);
	return true;
}

void
timer_stop(void)
{
	disable_timeout(timer, false);
	is_running = false;
	/* a cancel of ours that nobody has seen is over */
	if (n_fired > 0)
		QueryCancelPending = false;
}

/* Has the time of the node run out? */
bool
timer_has_fired(void)
{
	return is_running && n_fired > 0;
}
