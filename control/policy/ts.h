#pragma once
/*
 * The algebra of traffic selectors (RFC 7296 2.9): contain, intersect, narrow.
 *
 * A selector is one range of addresses of one family with a range of ports and a protocol; a set is
 * a list of them and means their union. Values only, no heap except tsel_set; any thread.
 *
 * Ports: 0..65535 is ANY. lo 65535 with hi 0 is OPAQUE (RFC 7296 3.13.1, "the port is not
 * visible"); only ANY contains OPAQUE, and it intersects with nothing but itself and ANY.
 */
#include "base/addr.h"

struct tsel {
	uint8_t protocol; /* 0 = any */
	uint16_t port_lo, port_hi;
	struct addr lo, hi; /* same family */
};

struct tsel_set {
	uint32_t n;
	struct tsel v[];
};

static inline bool tsel_is_opaque(const struct tsel *s)
{
	return s->port_lo == UINT16_MAX && s->port_hi == 0;
}

static inline bool tsel_is_any_port(const struct tsel *s)
{
	return s->port_lo == 0 && s->port_hi == UINT16_MAX;
}

/* One family, both ranges the right way round (or OPAQUE). */
bool tsel_is_valid(const struct tsel *s);
struct tsel tsel_of_prefix(const struct prefix *p, uint8_t protocol);
bool tsel_equal(const struct tsel *a, const struct tsel *b);
/* Everything that b selects, a selects. */
bool tsel_contains(const struct tsel *a, const struct tsel *b);
/* False, and *out untouched, when nothing is in both. */
bool tsel_intersect(const struct tsel *a, const struct tsel *b, struct tsel *out);

/*
 * What is in both lists: the intersections of all pairs in the order of `wanted`, without those
 * that an earlier one contains. Writes at most cap of them and returns how many (0: nothing).
 */
uint32_t tsel_narrow(const struct tsel *allowed, uint32_t n_allowed, const struct tsel *wanted,
	uint32_t n_wanted, struct tsel *out, uint32_t cap);
/* Each of a is inside one of b. */
bool tsel_all_within(const struct tsel *a, uint32_t n_a, const struct tsel *b, uint32_t n_b);

/* Something is in both lists. */
bool tsel_meet(const struct tsel *a, uint32_t n_a, const struct tsel *b, uint32_t n_b);

/* A copy on the heap; NULL when out of memory. free() releases it. */
struct tsel_set *tsel_set_of(const struct tsel *v, uint32_t n);
bool tsel_set_equal(const struct tsel_set *a, const struct tsel_set *b);

#define TSEL_TEXT_MAX 128
/* "10.0.0.0/24", "tcp/10.0.0.1-10.0.0.9:80-90"; for logs. Returns out. */
char *tsel_text(const struct tsel *s, char out[TSEL_TEXT_MAX]);
