/*
 * mail.h
 *    The words of a message: payload made harmless, headers and body of a mail.
 *
 * Layer 1: pure.  Results are in the caller's memory context.
 */
#ifndef HITL_MAIL_H
#define HITL_MAIL_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern char *mail_line(const char *text, int max_chars);
extern char *mail_quote(const char *text, const char *prefix);
extern const char *mail_address_fault(const char *address);
extern bool mail_is_mailbox(const char *address);
extern char *mail_header(const char *name, const char *text);
extern char *mail_date(TimestampTz at);
extern char *mail_body(const char *text);

#endif							/* HITL_MAIL_H */
