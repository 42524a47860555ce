/*
 * migration.h
 *    May a thread go on with another version of its graph?
 *
 * Layer 1: pure.
 */
#ifndef HITL_MIGRATION_H
#define HITL_MIGRATION_H

#include "types.h"

extern bool migration_drops_gate(const HitlGraphVersion *from, const HitlGraphVersion *to, const HitlTask *task);
extern List *migration_faults(const HitlGraphVersion *from, const HitlGraphVersion *to, List *tasks,
							  List *gated, Jsonb *joins);

#endif							/* HITL_MIGRATION_H */
