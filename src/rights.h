/*
 * rights.h
 *    Who may do what.
 *
 * Layer 3.
 */
#ifndef HITL_RIGHTS_H
#define HITL_RIGHTS_H

#include "types.h"

extern const char *rights_role_name(Oid role);
extern bool rights_is_owner(Oid owner);
extern void rights_require_person(const char *what);
extern void rights_require_operator(Oid owner);
extern void rights_require_graph(const HitlGraph *graph);
extern void rights_require_thread(const HitlThread *thread);
extern void rights_require_voter(const HitlInterrupt *interrupt);
extern bool rights_may_run_here(Oid owner);
extern void rights_require_run_here(const HitlGraph *graph);
extern bool rights_can_connect(Oid role, const char **why, char **remedy);
extern List *rights_search_path_faults(List *schemas);

#endif							/* HITL_RIGHTS_H */
