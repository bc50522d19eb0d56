#pragma once
/*
 * IP addresses, prefixes and endpoints, IPv4 and IPv6 in one value type.
 * Octets are in network order; ports are in host order. family is 4, 6, or 0 for "none".
 */
#include "base/view.h"

struct addr {
	uint8_t family;
	uint8_t b[16]; /* the first 4 for IPv4; the rest is zero */
};

struct prefix {
	struct addr addr; /* host bits as written */
	uint8_t len;
};

struct endpoint {
	struct addr addr;
	uint16_t port;
};

#define ADDR_TEXT_MAX	  48
#define ENDPOINT_TEXT_MAX 56

static inline size_t addr_len(const struct addr *a)
{
	return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

static inline struct view addr_view(const struct addr *a)
{
	return (struct view){a->b, addr_len(a)};
}

bool addr_equal(const struct addr *a, const struct addr *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* 4 or 16 octets, else -ERR_VALUE. */
int addr_from_view(struct view v, struct addr *out) MUST_CHECK;
int addr_parse(const char *text, struct addr *out) MUST_CHECK;
/* "192.0.2.1/30"; the length is mandatory. */
int prefix_parse(const char *text, struct prefix *out) MUST_CHECK;
bool prefix_contains(const struct prefix *p, const struct addr *a);
/* First and last address of the prefix. */
void prefix_range(const struct prefix *p, struct addr *first, struct addr *last);
/* Host-order value of an IPv4 address. */
uint32_t addr_v4(const struct addr *a);
struct addr addr_of_v4(uint32_t host_order);
/* Both write at most the *_TEXT_MAX octets and return out. */
char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX]);
