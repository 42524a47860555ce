/*
 * worker.h
 *    What the launcher, the dispatchers and the executors have in common.
 *
 * Layer 4.
 */
#ifndef HITL_WORKER_H
#define HITL_WORKER_H

#include "guc.h"
#include "slot.h"

StaticAssertDecl(HITL_SLOTS > 1 + HITL_MAX_DISPATCHERS + HITL_MAX_EXECUTORS,
				 "every process that the settings allow needs a slot");

/* a slot that was taken and has to be started: what is left to do unlocked */
typedef struct HitlStart
{
	int			place;
	uint32		generation;
	HitlProcessKind kind;
	Oid			dboid;
	Oid			roleoid;
} HitlStart;

/* launcher.c, dispatcher.c, executor_main.c */
extern void launcher_register(void);
extern PGDLLEXPORT void hitl_launcher_main(Datum main_arg);
extern PGDLLEXPORT void hitl_dispatcher_main(Datum main_arg);
extern PGDLLEXPORT void hitl_executor_main(Datum main_arg);

/* the starter's side */
extern void worker_start_fill(HitlStart *start, const HitlSlot *slot);
extern bool worker_start(const HitlStart *start, const char *name, TimestampTz now);
extern TimestampTz worker_no_room_until(void);
extern void worker_reclaim(TimestampTz now);

/* the process's side */
extern void worker_attach(HitlProcessKind kind, TimestampTz now);
extern void worker_connected(void);
extern bool worker_wait(long timeout_ms, uint32 wait_event);
extern long worker_ms_until(TimestampTz now, TimestampTz then);

#endif							/* HITL_WORKER_H */
