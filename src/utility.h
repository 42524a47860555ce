/*
 * utility.h
 *    Statements that need a database, or the extension, for themselves.
 *
 * Layer 4.
 */
#ifndef HITL_UTILITY_H
#define HITL_UTILITY_H

extern void utility_init(void);

#endif							/* HITL_UTILITY_H */
