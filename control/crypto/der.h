#pragma once
/*
 * What the parsers of this folder share: times, PEM, the library's error queue, texts of URLs.
 * Thread: any.
 */
#include "base/err.h"
#include "base/view.h"

struct asn1_string_st;

/* RFC 5280 4.1.2.5; false: not a time. */
bool der_unix_time(const struct asn1_string_st *t, int64_t *out);
/* The first block of that name. -ERR_SYNTAX: there is none. */
int der_of_pem(struct view text, const char *name, struct blob *out) MUST_CHECK;
/* The text of one block; the caller owns *out. */
int der_to_pem(struct view der, const char *name, struct blob *out) MUST_CHECK;
/* A refusal is told by our own code: what the library noted beside is dropped. */
void der_forget_errors(void);
