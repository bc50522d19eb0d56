#pragma once
/*
 * Distinguished names: comparing what a peer's certificate says with what the configuration asks.
 *
 * A configured name is text like RFC 4514: `C=US, O="Example, Inc.", CN=gw+serialNumber=7`; but in
 * the order of the certificate, as every tool prints it. Attribute names compare without case, or
 * are dotted numbers. Values compare as RFC 5280 7.1 wants of directory strings: case of ASCII
 * letters and the number of blanks do not count, nor does the type of string.
 *
 * Pure functions, no heap, any thread.
 */
#include "base/err.h"
#include "base/view.h"

#define DN_TEXT_MAX 1024

enum dn_match {
	/* ID-006: the named RDNs, in this order; every value of a named attribute type is listed;
	 * attribute types that are not named do not count. */
	DN_CONTAINER,
	DN_WILDCARD, /* ID-007: each of these values is there, in any order */
	DN_EXACT     /* ID-008: these RDNs and no other, in this order */
};

/* Can the text be used? -ERR_SYNTAX: no name. -ERR_UNSUPPORTED: an attribute we cannot name.
 * -ERR_LIMIT: too long, or too many parts. */
int dn_text_check(struct view text) MUST_CHECK;
/* False also when either side cannot be read. */
bool dn_matches(struct view der, enum dn_match how, struct view text);
/* RFC 5280 7.1 over two encodings. */
bool dn_equal(struct view a, struct view b);
/* The value of the first attribute of this name ("CN"); empty when there is none. Octets as they
 * stand, of whatever string type. */
struct view dn_value(struct view der, const char *attribute);
/* "C=US, O=example, CN=gw"; what is no printable ASCII is escaped as \XX; cut to cap. Returns out.
 */
char *dn_text(struct view der, char *out, size_t cap);
