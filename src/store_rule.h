/*
 * store_rule.h
 *    Rows of hitl.rule.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_RULE_H
#define HITL_STORE_RULE_H

#include "types.h"

extern List *store_rule_list(void);
extern int64 store_rule_insert(const HitlRule *rule, const char *by, TimestampTz at);
extern HitlRule *store_rule_find(const char *name);
extern bool store_rule_drop(int64 rule_id, const char *by, TimestampTz at);

#endif							/* HITL_STORE_RULE_H */
