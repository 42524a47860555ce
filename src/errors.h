/*
 * errors.h
 *    SQLSTATEs of our own, class IH: those on which a program branches.
 *
 * Where a standard SQLSTATE fits exactly, that one is used instead.  Each
 * code here stands in the README's table and has a test.
 *
 * Layer 0.
 */
#ifndef HITL_ERRORS_H
#define HITL_ERRORS_H

#include "utils/elog.h"

/* the interrupt is decided, expired, cancelled or superseded already */
#define ERRCODE_HITL_SETTLED			MAKE_SQLSTATE('I','H','0','0','1')
/* the question, or what is proposed as its answer, is not what was seen */
#define ERRCODE_HITL_STALE				MAKE_SQLSTATE('I','H','0','0','2')
/* the caller may not decide this interrupt */
#define ERRCODE_HITL_NOT_ALLOWED		MAKE_SQLSTATE('I','H','0','0','3')
/* this type of decision, or this edit, is not allowed here */
#define ERRCODE_HITL_DECISION_TYPE		MAKE_SQLSTATE('I','H','0','0','4')
/* the function has a meaning only while a node runs, and not in its steps */
#define ERRCODE_HITL_NOT_IN_NODE		MAKE_SQLSTATE('I','H','0','0','5')
/* the thread is in a state, or in hands, that does not allow this now */
#define ERRCODE_HITL_THREAD_BUSY		MAKE_SQLSTATE('I','H','0','0','6')
/* a node asked for something else when it was run again */
#define ERRCODE_HITL_ASKED_ELSE			MAKE_SQLSTATE('I','H','0','0','7')
/* a node has ended its process again and again */
#define ERRCODE_HITL_QUARANTINED		MAKE_SQLSTATE('I','H','0','0','8')
/* waiting for something that this transaction has not committed */
#define ERRCODE_HITL_UNCOMMITTED		MAKE_SQLSTATE('I','H','0','1','0')
/* a function is not what it was when the graph was compiled */
#define ERRCODE_HITL_CHANGED			MAKE_SQLSTATE('I','H','0','1','1')
/* somebody else holds the interrupt, or it must be held to be decided */
#define ERRCODE_HITL_CLAIMED			MAKE_SQLSTATE('I','H','0','1','2')
/* an interrupt of the task has expired, and there is no answer to go on with */
#define ERRCODE_HITL_EXPIRED			MAKE_SQLSTATE('I','H','0','1','3')
/* a node in continue mode cannot pause there */
#define ERRCODE_HITL_CANNOT_CONTINUE	MAKE_SQLSTATE('I','H','0','1','4')
/* what was kept of a paused node does not fit its function any more */
#define ERRCODE_HITL_FRAME				MAKE_SQLSTATE('I','H','0','1','5')

#endif							/* HITL_ERRORS_H */
