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

/* -ERR_TRUNCATED: SPI size beyond the payload. -ERR_VALUE: REKEY_SA, CHILD_SA_NOT_FOUND or
 * MESSAGE_ID_SYNC-like types whose fixed form is broken: see the source. */
int pld_notify_parse(struct view body, struct pld_notify *out) MUST_CHECK;
void pld_notify_emit(struct emit *e, const struct pld_notify *n);
