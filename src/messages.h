/*
 * messages.h
 *    A list of messages, in which each is found by its id.
 *
 * Layer 1: pure.
 */
#ifndef HITL_MESSAGES_H
#define HITL_MESSAGES_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern List *messages_upsert(List *messages, List *added);

#endif							/* HITL_MESSAGES_H */
