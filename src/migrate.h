/*
 * migrate.h
 *    Take a parked thread to another version of its graph.
 *
 * Layer 3.
 */
#ifndef HITL_MIGRATE_H
#define HITL_MIGRATE_H

#include "postgres.h"

extern int	migrate_thread(int64 thread_id, bool has_version, int version);

#endif							/* HITL_MIGRATE_H */
