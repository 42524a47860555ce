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
extern bool rights_may(HitlRight right, Oid owner, int64 graph_id);
extern bool rights_may_access(HitlAccess access, Oid owner, int64 graph_id);
extern void rights_refuse_agent(const char *what);
extern void rights_require_person(const char *what);
extern void rights_require_author(const char *what);
extern void rights_require_granter(Oid owner);
extern void rights_require_operator(Oid owner, int64 graph_id);
extern void rights_require_graph(const HitlGraph *graph, HitlAccess access);
extern void rights_require_thread(const HitlThread *thread, HitlAccess access);
extern const char *rights_require_voter(const HitlInterrupt *interrupt, const HitlPolicy *policy);
extern bool rights_is_held(const HitlInterrupt *interrupt, const HitlPolicy *policy, TimestampTz now);
extern bool rights_lends_word(const HitlInterrupt *interrupt, const HitlPolicy *policy);
extern void rights_require_own_word(const HitlInterrupt *interrupt, const HitlPolicy *policy, const char *what);
extern void rights_require_withdrawal(const HitlInterrupt *interrupt, const HitlPolicy *policy);
extern bool rights_may_run_here(Oid owner);
extern void rights_require_run_here(const HitlGraph *graph);
extern bool rights_can_connect(Oid role, const char **why, char **remedy);
extern List *rights_search_path_faults(List *schemas);

#endif							/* HITL_RIGHTS_H */
