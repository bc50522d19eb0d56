#pragma once
/*
 * Notify payload (RFC 7296 3.10): protocol(1) spi_size(1) type(2) SPI data.
 * Life: value; views are borrowed.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

struct pld_notify {
	uint8_t protocol; /* 0 without SPI */
	uint16_t type;	  /* enum notify_type, or anything */
	struct view spi;  /* empty, or 4 octets of an ESP or AH SA */
	struct view data;
};

/* -ERR_TRUNCATED: SPI size beyond the payload. -ERR_VALUE: an ESP or AH SPI that is not 4 octets,
 * or data that breaks the fixed form of INVALID_KE_PAYLOAD, COOKIE, SET_WINDOW_SIZE, REKEY_SA. */
int pld_notify_parse(struct view body, struct pld_notify *out) MUST_CHECK;
void pld_notify_emit(struct emit *e, const struct pld_notify *n);
