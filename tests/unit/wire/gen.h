#pragma once
/*
 * Valid payloads and messages from a seeded generator: the same seed gives the same octets.
 * Property tests and the fuzzers' corpora are made of them.
 */
#include <stdint.h>

#include "base/emit.h"
#include "wire/sk.h"

struct gen {
	uint64_t state;
};

static inline struct gen gen_of(uint64_t seed)
{
	return (struct gen){seed};
}

uint64_t gen_u64(struct gen *g);
/* 0 .. limit-1 */
uint32_t gen_below(struct gen *g, uint32_t limit);
/* n octets */
void gen_octets(struct gen *g, struct emit *e, size_t n);

/* A valid body of that payload type, in the form we emit ourselves. */
void gen_payload(struct gen *g, uint8_t type, struct emit *e);
void gen_header(struct gen *g, struct ike_header *h);
/* A message of up to eight random payloads, unprotected. */
int gen_message(struct gen *g, void *room, size_t cap, struct view *out);
/* The same inside SK; the text is not encrypted, IV and ICV are zero. */
int gen_sk_message(
	struct gen *g, void *room, size_t cap, struct sk_shape shape, struct sk_out *out);

/* Every type gen_payload() knows. */
extern const uint8_t gen_types[];
extern const unsigned gen_types_n;
