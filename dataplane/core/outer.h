#pragma once
/*
 * What an outer header takes from the inner one (RFC 4301 5.1.2, RFC 6040): worked out once, when
 * an SA is installed, as masks, so that a packet pays no branch for it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/ip4.h"

enum outer_df { OUTER_DF_CLEAR, OUTER_DF_SET, OUTER_DF_COPY };

enum { OUTER_TTL = 64, OUTER_MTU_NONE = UINT16_MAX, OUTER_ECN = 3, OUTER_DSCP = 0xfc };

/* As configured. */
struct outer_options {
	uint8_t df;  /* enum outer_df */
	uint8_t ttl; /* 0: OUTER_TTL */
	uint8_t tos; /* with fixed_tos; its ECN bits are not used */
	bool copy_ttl, fixed_tos;
	bool copy_dscp;	     /* on the way in: from the outer to the inner header */
	bool no_too_big;     /* what does not fit is dropped without a word */
	uint16_t mtu;	     /* of outer packets; 0: what the way allows */
	uint16_t udp_port;   /* multipath: in UDP, to this port; 0: no */
	uint64_t udp_key[2]; /* that source ports are drawn with; never logged */
};

struct outer_rules {
	uint16_t df_and, df_or; /* on the inner flags and offset, host order */
	uint8_t tos_and, tos_or;
	bool copy_ttl;
	uint8_t ttl; /* 0 when it is copied */
};

static inline struct outer_rules outer_rules_of(const struct outer_options *o)
{
	uint8_t ttl = o->ttl ? o->ttl : OUTER_TTL;

	return (struct outer_rules){
		.df_and = o->df == OUTER_DF_COPY ? IP4_DF : 0,
		.df_or = o->df == OUTER_DF_SET ? IP4_DF : 0,
		/* RFC 6040 4.1, normal mode: ECN is copied, whatever becomes of the DSCP */
		.tos_and = o->fixed_tos ? OUTER_ECN : UINT8_MAX,
		.tos_or = o->fixed_tos ? o->tos & OUTER_DSCP : 0,
		.copy_ttl = o->copy_ttl,
		.ttl = o->copy_ttl ? 0 : ttl,
	};
}

static inline uint8_t outer_tos(const struct outer_rules *r, uint8_t inner)
{
	return (uint8_t)((inner & r->tos_and) | r->tos_or);
}

/* An IPv6 packet may not be cut on its way: it counts as one with DF set. */
static inline uint16_t outer_df(const struct outer_rules *r, uint16_t inner_frag)
{
	return (uint16_t)((inner_frag & r->df_and) | r->df_or);
}
