#pragma once
/*
 * The encrypted envelope (RFC 7296 3.14, RFC 5282 3; fragments RFC 7383 2.5): where its parts lie.
 *
 *   IKE header | other payloads | next C len | [number total] | IV | ciphertext        | ICV
 *   <------------------------ aad ------------------------->      |  inner pad padlen  |
 *
 * The associated data of an AEAD are the octets marked aad. CBC with HMAC covers aad, IV and
 * ciphertext, which is the same three spans in a row: one description serves both.
 * No crypto here. Life: values; views borrow from the datagram or the writer's room. Any thread.
 */
#include "wire/message.h"
#include "wire/writer.h"

/* Lengths that come with the negotiated transforms. GCM: 8, 16, 1. CBC: 16, ICV length, 16. */
struct sk_shape {
	uint8_t iv_len, icv_len;
	uint8_t block; /* ciphertext is a multiple of it */
};

struct sk_in {
	struct view aad, iv, text, icv;
	uint8_t inner_first; /* type of the first inner payload; 0 in fragments after the first */
	uint16_t frag, frag_of; /* 0, 0: a whole SK payload; else 1 <= frag <= frag_of */
};

/* Spans of a finished but still unencrypted message: encrypt text in place, write iv and icv. */
struct sk_out {
	struct view message; /* the datagram to be sent once sealed */
	struct view aad;
	uint8_t *iv, *text, *icv;
	size_t text_n;
};

/* -ERR_NOT_FOUND: the message has no SK or SKF. -ERR_TRUNCATED: too short for IV, one block and
 * ICV, or not whole blocks. -ERR_VALUE: fragment number 0, total 0, or number above total. */
int sk_parse(const struct message *m, struct sk_shape shape, struct sk_in *out) MUST_CHECK;
/* Takes padding and pad length off the decrypted text; -ERR_VALUE when the pad is longer. */
int sk_unpad(struct view plain, struct view *inner) MUST_CHECK;

/* Opens SK and reserves the IV; payloads written next go inside. */
void sk_open(struct writer *w, struct sk_shape shape);
/* Pads, reserves the ICV, fills in all lengths. The envelope must then be sealed. */
int sk_close(struct writer *w, struct sk_out *out) MUST_CHECK;

/* Most inner octets that fit in one fragment of a datagram of at most max octets; 0: none. */
size_t skf_chunk_max(struct sk_shape shape, size_t max);

struct skf_part {
	uint16_t frag, frag_of;
	uint8_t inner_first; /* of the whole message; put into the first fragment only */
	struct view chunk;   /* its share of the inner octets */
};

/* One whole fragment message; the chunk is copied and padded, ready to be sealed. */
int skf_build(struct emit *e, const struct ike_header *h, struct sk_shape shape,
	const struct skf_part *part, struct sk_out *out) MUST_CHECK;
