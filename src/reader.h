/*
 * reader.h
 *    Read a document key by key, and note every fault.
 *
 * Layer 1: pure.
 */
#ifndef HITL_READER_H
#define HITL_READER_H

#include "types.h"

/* a document that is being read; each fault is a sentence that names its place */
typedef struct HitlReader
{
	List	   *faults;			/* as C strings */
} HitlReader;

/* Faults for the keys of an object that are none of these. */
#define READER_KEYS(reader, place, object, ...) \
	do { \
		static const char *const known_[] = {__VA_ARGS__}; \
		reader_check_keys(reader, place, object, known_, lengthof(known_)); \
	} while (0)

extern void reader_fault(HitlReader *reader, const char *format,...) pg_attribute_printf(2, 3);
extern void reader_check_keys(HitlReader *reader, const char *place, Jsonb *object,
							  const char *const *known, int n_known);
extern bool reader_has(Jsonb *object, const char *key);
extern char *reader_string(HitlReader *reader, const char *place, Jsonb *object, const char *key, bool is_needed);
extern double reader_number(HitlReader *reader, const char *place, Jsonb *object, const char *key,
							double missing, double low, double high);
extern int	reader_integer(HitlReader *reader, const char *place, Jsonb *object, const char *key,
						   int missing, int low, int high);
extern bool reader_bool(HitlReader *reader, const char *place, Jsonb *object, const char *key, bool missing);
extern HitlDecisionSet reader_decisions(HitlReader *reader, const char *place, Jsonb *object, const char *key);
extern List *reader_names(HitlReader *reader, const char *place, Jsonb *object, const char *key, const char *what);
extern int64 reader_interval_ms(HitlReader *reader, const char *place, Jsonb *object, const char *key);
extern char *reader_interval(int64 ms);

#endif							/* HITL_READER_H */
