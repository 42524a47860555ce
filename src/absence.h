/*
 * absence.h
 *    Out of office: who decides in the place of a person who is away.
 *
 * Layer 3.
 */
#ifndef HITL_ABSENCE_H
#define HITL_ABSENCE_H

#include "datatype/timestamp.h"

extern int64 absence_begin(TimestampTz starts_at, TimestampTz ends_at, const char *substitute);
extern int	absence_end(void);

#endif							/* HITL_ABSENCE_H */
