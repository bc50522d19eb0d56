#pragma once
/*
 * Authentication payload (RFC 7296 3.8): method(1) reserved(3) data. Life: value; data is borrowed.
 */
#include "base/emit.h"
#include "base/view.h"

struct pld_auth {
	uint8_t method; /* enum auth_method, or anything */
	struct view data;
};

/* -ERR_VALUE: no data. */
int pld_auth_parse(struct view body, struct pld_auth *out) MUST_CHECK;
void pld_auth_emit(struct emit *e, const struct pld_auth *auth);
