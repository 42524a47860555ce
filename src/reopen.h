/*
 * reopen.h
 *    Look again at what was decided: a new round, linked to the old one.
 *
 * Layer 3.
 */
#ifndef HITL_REOPEN_H
#define HITL_REOPEN_H

#include "types.h"

extern int64 reopen_interrupt(int64 interrupt_id, const char *reason);

#endif							/* HITL_REOPEN_H */
