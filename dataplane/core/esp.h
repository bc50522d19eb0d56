#pragma once
/*
 * ESP arithmetic (RFC 4303 2): where header, IV, padding and ICV lie. Pure; no memory of its own.
 *
 *	SPI(4) seq(4) IV(iv) | payload, padding 1 2 3 .., pad length(1), next header(1) | ICV(icv)
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum {
	ESP_HDR = 8,
	ESP_TRAILER = 2,
	ESP_NEXT_IPV4 = 4,
	ESP_NEXT_IPV6 = 41,
	ESP_NEXT_DUMMY = 59, /* RFC 4303 2.6: drop without an audit event */
	ESP_UDP_HDR = 8,
	ESP_UDP_PORT = 4500,
	IKE_PORT = 500,
};

/* What a suite puts around the payload. */
struct esp_shape {
	uint8_t iv, icv, align; /* align: cipher block, at least 4 */
};

/* Octets of padding before the two trailer octets. */
static inline uint32_t esp_pad(const struct esp_shape *s, uint32_t payload)
{
	return (uint32_t) - (payload + ESP_TRAILER) & (s->align - 1u);
}

/* Whole ESP packet, without outer headers. */
static inline uint32_t esp_size(const struct esp_shape *s, uint32_t payload)
{
	return ESP_HDR + s->iv + payload + esp_pad(s, payload) + ESP_TRAILER + s->icv;
}

/* Largest payload whose packet has at most `room` octets; 0 when none. */
uint32_t esp_payload_max(const struct esp_shape *s, uint32_t room);
/* Ciphertext length of a received ESP packet of n octets; 0 when it cannot be one: shorter than a
 * trailer, or not a multiple of the block. */
uint32_t esp_cipher_len(const struct esp_shape *s, uint32_t n);

/* Of those: is there no room for a trailer? */
static inline bool esp_is_short(const struct esp_shape *s, uint32_t n)
{
	return n < ESP_HDR + (uint32_t)s->iv + ESP_TRAILER + s->icv;
}

/* Writes padding, pad length and next header behind the payload. */
void esp_trailer_put(uint8_t *end, uint32_t pad, uint8_t next);
/* Payload length and next header of decrypted octets. -ERR_VALUE when the padding is not 1 2 3 ..
 * (RFC 4303 2.4), -ERR_TRUNCATED when it is longer than what is there. */
int esp_trailer_get(struct view plain, uint32_t *payload, uint8_t *next) MUST_CHECK;
