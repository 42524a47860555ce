/*
 * executor.h
 *    Run what is due, one commit per task.
 *
 * Layer 3.
 */
#ifndef HITL_EXECUTOR_H
#define HITL_EXECUTOR_H

#include "types.h"

/* a background executor: transactions of its own */
extern bool executor_run_due(Oid owner);

/* inline: in the caller's transaction */
extern void executor_run_tree(int64 root_id);
extern bool executor_run_due_inline(Oid owner, bool commits);

#endif							/* HITL_EXECUTOR_H */
