#pragma once
/*
 * Identification payloads IDi and IDr (RFC 7296 3.5): type(1) reserved(3) data.
 * Life: value; views are borrowed from the message.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

struct pld_id {
	uint8_t type;
	struct view data;
	struct view body; /* the whole body as received: what MACedID covers (2.15). Not emitted */
};

/* -ERR_VALUE: an address of wrong length, an empty identity, a name with NUL, CR or LF in it. */
int pld_id_parse(struct view body, struct pld_id *out) MUST_CHECK;
void pld_id_emit(struct emit *e, const struct pld_id *id);
