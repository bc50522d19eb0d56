#pragma once
/*
 * A received IKE datagram: header and chain of payloads (RFC 7296 3.1, 3.2).
 *
 *   28 octets of header, then per payload: next(1) C|reserved(1) length(2) body
 *
 * Life: values on the caller's stack; every view borrows from the datagram given to the parser.
 * One pass, at most PAYLOAD_MAX payloads, no heap, no recursion; any thread.
 *
 * Reading a protected message:
 *   message_parse() -> sk_parse() -> aead_open() -> sk_unpad() -> chain_parse_inner().
 */
#include "base/view.h"
#include "wire/iana.h"

#define IKE_HEADER_LEN	   28
#define PAYLOAD_HEADER_LEN 4
#define PAYLOAD_MAX	   64

/* Octets of the header, in host order. */
struct ike_header {
	uint64_t spi_i, spi_r;
	uint8_t next;	  /* type of the first payload */
	uint8_t version;  /* as on the wire: 0x20 is 2.0 */
	uint8_t exchange; /* enum exchange_type, or anything */
	uint8_t flags;	  /* enum ike_flag; the other bits must be ignored */
	uint32_t mid;
	uint32_t length; /* of the whole message */
};

struct payload {
	uint8_t type;
	uint8_t next; /* of SK and SKF: type of the first payload inside */
	bool critical;
	size_t at;	  /* where its generic header starts in the parsed octets */
	struct view body; /* without the generic header */
};

/* One bit per known payload type, for rules that say what an exchange needs and may have. */
#define PLD_BIT(type) (UINT32_C(1) << ((type)-PLD_SA))

struct chain {
	struct payload at[PAYLOAD_MAX]; /* unknown non-critical payloads are left out */
	uint8_t n;
	uint8_t refused; /* the type behind -ERR_CRITICAL; else 0 */
	uint32_t seen;	 /* PLD_BIT of every payload present */
};

struct message {
	struct ike_header hdr;
	struct view raw; /* the whole datagram, without non-ESP marker */
	struct chain chain;
};

static inline bool ike_header_is_response(const struct ike_header *h)
{
	return (h->flags & IKE_FLAG_RESPONSE) != 0;
}

/* Sent by the original initiator of the IKE SA (not: of this exchange). */
static inline bool ike_header_is_from_initiator(const struct ike_header *h)
{
	return (h->flags & IKE_FLAG_INITIATOR) != 0;
}

/*
 * The header alone, of any version, so that IKEv1 and INVALID_MAJOR_VERSION can be told apart.
 * -ERR_TRUNCATED when shorter than a header or when the length field is not the datagram's.
 */
int ike_header_parse(struct view datagram, struct ike_header *out) MUST_CHECK;

/*
 * Header and outer payloads. Ends at the first SK or SKF, which must be the last (3.14).
 * -ERR_TRUNCATED: lengths do not add up. -ERR_VERSION: major version is not 2; only out->hdr and
 * out->raw are valid. -ERR_CRITICAL: out->chain.refused is an unknown payload type marked critical
 * (2.5), header valid. -ERR_LIMIT: more than PAYLOAD_MAX. -ERR_VALUE: something follows SK.
 * After an error other than these the content of *out is unspecified.
 */
int message_parse(struct view datagram, struct message *out) MUST_CHECK;

/*
 * The payloads inside SK, or a reassembled SKF sequence; first = type of the first one (0 = none,
 * then inner must be empty). SK or SKF in here is -ERR_VALUE. Otherwise like message_parse().
 */
int chain_parse_inner(uint8_t first, struct view inner, struct chain *out) MUST_CHECK;

static inline bool chain_has(const struct chain *c, uint8_t type)
{
	return payload_is_known(type) && (c->seen & PLD_BIT(type)) != 0;
}

/* The first of that type, or NULL. */
const struct payload *chain_find(const struct chain *c, uint8_t type);
/* The next of that type after prev (NULL: from the start), or NULL. */
const struct payload *chain_next(const struct chain *c, uint8_t type, const struct payload *prev);
unsigned chain_count(const struct chain *c, uint8_t type);
