/*
 * wake.h
 *    Note in a transaction who is to look; tell them when it has committed.
 *
 * Notes cost nothing when there are none and next to nothing when nobody
 * listens.  An aborted transaction tells nobody.  The tables are the truth: a
 * lost or a needless wake is a matter of time, never of right or wrong.
 *
 * Layer 2.
 */
#ifndef HITL_WAKE_H
#define HITL_WAKE_H

#include "shmem.h"

/* room for the text of a notification */
#define HITL_EVENT_TEXT 128

extern void wake_init(void);

/* what this transaction changed */
extern void wake_note_work(Oid owner);
extern void wake_note_due(TimestampTz due_at);
extern void wake_note_database(void);
extern void wake_note_new_database(Oid dboid);
extern void wake_note_thread(int64 thread_id);
extern void wake_note_cancel(int64 thread_id);
extern void wake_note_event(HitlEventKind kind, int64 thread_id,
							int64 interrupt_id);

/* until this transaction ends no process of ours is in that database */
extern bool wake_hold_database(Oid dboid, bool is_dropped, int pause_ms);

/* hitl.wait(): begin, then look and wait in turns, then end */
extern void wake_wait_begin(int64 thread_id);
extern void wake_wait(long timeout_ms);
extern void wake_wait_end(void);

extern void wake_event_text(HitlEventKind kind, int64 thread_id,
							int64 interrupt_id, char *text);

#endif							/* HITL_WAKE_H */
