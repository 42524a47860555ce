/*
 * tree.h
 *    A thread with the threads of its subgraphs: look at them, lock them.
 *
 * Layer 3.
 */
#ifndef HITL_TREE_H
#define HITL_TREE_H

#include "types.h"

extern HitlIds tree_live(const HitlThread *thread);
extern bool tree_has(const HitlIds *threads, int64 thread_id);
extern HitlThreadStatus tree_status(const HitlThread *thread);
extern List *tree_lock(int64 thread_id, bool has_questions);
extern List *tree_lock_to_end(int64 thread_id);

#endif							/* HITL_TREE_H */
