/*
 * render.h
 *    A question as a text for a person: what is to be decided, and how to answer.
 *
 * Layer 3.
 */
#ifndef HITL_RENDER_H
#define HITL_RENDER_H

#include "postgres.h"

extern char *render_interrupt(int64 interrupt_id, const char *format, int64 outbox_id);

#endif							/* HITL_RENDER_H */
