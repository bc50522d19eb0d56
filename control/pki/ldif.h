#pragma once
/*
 * What an LDAP answer looks like by the time we see it: LDIF (RFC 2849), of which one value is
 * wanted. Pure, any thread.
 */
#include "base/err.h"
#include "base/view.h"

/* The first value, in base64, of an attribute of this name, with or without options (";binary").
 * -ERR_NOT_FOUND: there is none. -ERR_SYNTAX: no base64. The caller owns *out. */
int ldif_value(struct view text, const char *attribute, struct blob *out) MUST_CHECK;
