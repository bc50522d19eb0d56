#pragma once
/*
 * Key Exchange payload (RFC 7296 3.4): group(2) reserved(2) public value.
 * Whether the length suits the group is the key exchange's to say. Life: value; data is borrowed.
 */
#include "base/emit.h"
#include "base/view.h"

struct pld_ke {
	uint16_t group;
	struct view data;
};

/* -ERR_VALUE: group NONE, or no data. */
int pld_ke_parse(struct view body, struct pld_ke *out) MUST_CHECK;
void pld_ke_emit(struct emit *e, const struct pld_ke *ke);
