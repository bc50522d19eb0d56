#pragma once
/*
 * What an SA is beyond ESP in tunnel mode: AH, a bundle of AH and ESP (RFC 4301 4.3 of the older
 * architecture, RFC 2401), transport mode. Plain ones have none: their path asks one bit.
 *
 * Life: form_new() .. hung on an SA before it is added; goes with it. Never changed while in use.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sad.h"

struct sa_form {
	uint32_t refs; /* of SAs; the API thread's */
	bool transport;
	uint32_t spi_out;
	/* of a bundle: the ESP inside AH, without an ICV of its own; else NULL. The auxiliary SPIs
	 * are its. One sequence number serves both headers. */
	const struct suite *esp;
	uint32_t aux_in, aux_out;
	const void *key_in, *key_out;
	uint32_t keys_len;
	_Alignas(64) uint8_t keys[];
};

static inline bool sa_is_transport(const struct sa *sa)
{
	return sa->flags & SA_FORMED && sa->form->transport;
}

/* NULL when out of memory. esp: NULL when it is no bundle; then the keys are not looked at. */
struct sa_form *form_new(struct suite_engine *e, const struct suite *esp, const struct sa_keys *k);
struct sa_form *form_ref(struct sa_form *f);
/* Wipes what it held. */
void form_free(struct sa_form *f);
bool form_same(const struct sa_form *a, const struct sa_form *b);

/* Octets the SA adds to a payload of `n` behind the IP header, of an outer packet of either
 * family. */
uint32_t form_size(const struct sa *sa, uint32_t n, bool ip6);
/* Largest payload whose packet, without IP header, has at most `room` octets; 0 when none. */
uint32_t form_payload_max(const struct sa *sa, uint32_t room, bool ip6);
