/*
 * grant.h
 *    Grant rights and take them back.
 *
 * Layer 3.
 */
#ifndef HITL_GRANT_H
#define HITL_GRANT_H

#include "types.h"

extern bool grant_give(HitlRight right, const char *role_name, const char *graph_name);
extern bool grant_revoke(HitlRight right, const char *role_name, const char *graph_name);
extern bool grant_proxy(const char *login_name, const char *reviewers_name);
extern void grant_drop_role(Oid role);

#endif							/* HITL_GRANT_H */
