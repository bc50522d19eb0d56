#pragma once
/*
 * Delete payload (RFC 7296 3.11): protocol(1) spi_size(1) count(2) SPIs.
 * IKE: no SPI at all, the SA itself is meant. ESP and AH: 4 octets each, the sender's inbound SPIs.
 * Life: value; views are borrowed.
 */
#include "base/emit.h"
#include "base/view.h"
#include "wire/iana.h"

struct pld_delete {
	uint8_t protocol;
	uint8_t spi_size;
	uint16_t count;
	struct view spis;
};

/* -ERR_VALUE: SPI size does not suit the protocol. -ERR_TRUNCATED: count and length differ. */
int pld_delete_parse(struct view body, struct pld_delete *out) MUST_CHECK;
/* The i-th ESP or AH SPI in host order; 0 beyond the end or for IKE. */
uint32_t pld_delete_spi(const struct pld_delete *d, size_t i);
void pld_delete_emit_ike(struct emit *e);
/* protocol ESP or AH; SPIs in host order. */
void pld_delete_emit(struct emit *e, uint8_t protocol, const uint32_t *spis, size_t n);
