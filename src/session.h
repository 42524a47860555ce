/*
 * session.h
 *    What surrounds a node in its session: settings before it, order after it.
 *
 * Layer 3.
 */
#ifndef HITL_SESSION_H
#define HITL_SESSION_H

#include "postgres.h"

extern void session_begin(void);
extern int	session_enter_node(const char *search_path);
extern void session_leave_node(int level);
extern void session_clean(void);
extern int	session_limit_lock(const char *timeout);
extern void session_unlimit_lock(int level);

#endif							/* HITL_SESSION_H */
