/*
 * store_tree.h
 *    Threads and the threads of their subgraphs, as a tree.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_TREE_H
#define HITL_STORE_TREE_H

#include "types.h"

extern HitlIds store_tree_live(int64 thread_id);
extern HitlThreadStatus store_tree_status(int64 thread_id);

#endif							/* HITL_STORE_TREE_H */
