#pragma once
/*
 * A name taken apart into attribute values prepared for comparison. Inside of dn: not for others.
 * Life: on the stack of one call; about 4 KB.
 */
#include "base/cursor.h"
#include "policy/dn.h"

#define DN_PARTS_MAX 64	 /* attribute values of one name */
#define DN_OID_MAX   24	 /* octets of an attribute type */
#define DN_VALUE_MAX 512 /* octets of a value as written */

struct part {
	uint16_t rdn; /* which RDN of the name */
	uint8_t oid[DN_OID_MAX], oid_n;
	uint16_t at, n; /* its value, in the values of the name */
};

struct name {
	struct part parts[DN_PARTS_MAX];
	size_t n, used;
	uint16_t rdns;
	uint8_t values[2 * DN_TEXT_MAX];
};

static inline struct view part_oid(const struct part *p)
{
	return view_of(p->oid, p->oid_n);
}

static inline struct view part_value(const struct name *n, const struct part *p)
{
	return view_of(n->values + p->at, p->n);
}

/* Both: 0, or negative and *n is undefined. */
int name_of_der(struct view der, struct name *n) MUST_CHECK;
int name_of_text(struct view in, struct name *n) MUST_CHECK;

/* For the two above: a part is added, its value octet by octet, then folded. */
int part_add(struct name *n, uint16_t rdn, struct view oid) MUST_CHECK;
int octet_add(struct name *n, uint32_t c) MUST_CHECK;
void value_fold(struct name *n);

/* The attribute type of a name or dotted number; empty: none. `out` has room for the octets. */
struct view attribute_of_text(struct view text, uint8_t out[DN_OID_MAX]);
/* How it is printed; NULL: no name of ours. */
const char *attribute_name(struct view oid);
/* One element (X.690 8.1), of at most 65535 octets; sticks like every read. */
struct cur der_element(struct cur *c, uint8_t *tag);
