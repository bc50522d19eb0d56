#pragma once
/*
 * Certificate payload (RFC 7296 3.6): encoding(1) data. Life: value; data is borrowed.
 */
#include "base/emit.h"
#include "base/view.h"

struct pld_cert {
	uint8_t encoding; /* enum cert_encoding, or anything */
	struct view data;
};

/* -ERR_VALUE: no data. */
int pld_cert_parse(struct view body, struct pld_cert *out) MUST_CHECK;
void pld_cert_emit(struct emit *e, const struct pld_cert *cert);
