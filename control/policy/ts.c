#include "policy/ts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static int addr_order(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

static const struct addr *addr_higher(const struct addr *a, const struct addr *b)
{
	return addr_order(a, b) >= 0 ? a : b;
}

static const struct addr *addr_lower(const struct addr *a, const struct addr *b)
{
	return addr_order(a, b) <= 0 ? a : b;
}

bool tsel_is_valid(const struct tsel *s)
{
	if ((s->lo.family != 4 && s->lo.family != 6) || s->lo.family != s->hi.family)
		return false;
	if (addr_order(&s->lo, &s->hi) > 0)
		return false;
	return s->port_lo <= s->port_hi || tsel_is_opaque(s);
}

struct tsel tsel_of_prefix(const struct prefix *p, uint8_t protocol)
{
	struct tsel s = {.protocol = protocol, .port_lo = 0, .port_hi = UINT16_MAX};

	prefix_range(p, &s.lo, &s.hi);
	return s;
}

bool tsel_equal(const struct tsel *a, const struct tsel *b)
{
	return a->protocol == b->protocol && a->port_lo == b->port_lo && a->port_hi == b->port_hi &&
	       addr_equal(&a->lo, &b->lo) && addr_equal(&a->hi, &b->hi);
}

static bool ports_contain(const struct tsel *a, const struct tsel *b)
{
	if (tsel_is_any_port(a))
		return true;
	if (tsel_is_opaque(a) || tsel_is_opaque(b))
		return tsel_is_opaque(a) && tsel_is_opaque(b);
	return a->port_lo <= b->port_lo && b->port_hi <= a->port_hi;
}

bool tsel_contains(const struct tsel *a, const struct tsel *b)
{
	if (a->lo.family != b->lo.family || (a->protocol != 0 && a->protocol != b->protocol))
		return false;
	return ports_contain(a, b) && addr_order(&a->lo, &b->lo) <= 0 &&
	       addr_order(&b->hi, &a->hi) <= 0;
}

static bool ports_intersect(const struct tsel *a, const struct tsel *b, struct tsel *out)
{
	if (ports_contain(a, b) || ports_contain(b, a)) {
		const struct tsel *inner = ports_contain(a, b) ? b : a;

		out->port_lo = inner->port_lo;
		out->port_hi = inner->port_hi;
		return true;
	}
	if (tsel_is_opaque(a) || tsel_is_opaque(b))
		return false;
	out->port_lo = MAX(a->port_lo, b->port_lo);
	out->port_hi = MIN(a->port_hi, b->port_hi);
	return out->port_lo <= out->port_hi;
}

bool tsel_intersect(const struct tsel *a, const struct tsel *b, struct tsel *out)
{
	struct tsel both = {.protocol = a->protocol ? a->protocol : b->protocol};

	if (a->lo.family != b->lo.family)
		return false;
	if (a->protocol != 0 && b->protocol != 0 && a->protocol != b->protocol)
		return false;
	if (!ports_intersect(a, b, &both))
		return false;
	both.lo = *addr_higher(&a->lo, &b->lo);
	both.hi = *addr_lower(&a->hi, &b->hi);
	if (addr_order(&both.lo, &both.hi) > 0)
		return false;
	*out = both;
	return true;
}

static bool contained_in_any(const struct tsel *s, const struct tsel *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (tsel_contains(&v[i], s))
			return true;
	return false;
}

uint32_t tsel_narrow(const struct tsel *allowed, uint32_t n_allowed, const struct tsel *wanted,
	uint32_t n_wanted, struct tsel *out, uint32_t cap)
{
	uint32_t n = 0;
	struct tsel both;

	for (uint32_t w = 0; w < n_wanted; w++) {
		for (uint32_t a = 0; a < n_allowed && n < cap; a++) {
			if (tsel_intersect(&allowed[a], &wanted[w], &both) &&
				!contained_in_any(&both, out, n))
				out[n++] = both;
		}
	}
	return n;
}

bool tsel_all_within(const struct tsel *a, uint32_t n_a, const struct tsel *b, uint32_t n_b)
{
	for (uint32_t i = 0; i < n_a; i++)
		if (!contained_in_any(&a[i], b, n_b))
			return false;
	return true;
}

bool tsel_meet(const struct tsel *a, uint32_t n_a, const struct tsel *b, uint32_t n_b)
{
	struct tsel both;

	for (uint32_t i = 0; i < n_a; i++)
		for (uint32_t k = 0; k < n_b; k++)
			if (tsel_intersect(&a[i], &b[k], &both))
				return true;
	return false;
}

struct tsel_set *tsel_set_of(const struct tsel *v, uint32_t n)
{
	struct tsel_set *s = malloc(sizeof *s + n * sizeof s->v[0]);

	if (!s)
		return NULL;
	s->n = n;
	if (n)
		memcpy(s->v, v, n * sizeof s->v[0]);
	return s;
}

bool tsel_set_equal(const struct tsel_set *a, const struct tsel_set *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!tsel_equal(&a->v[i], &b->v[i]))
			return false;
	return true;
}

/* Prefix length when the range is one, else -1. */
static int range_bits(const struct tsel *s)
{
	size_t n = addr_len(&s->lo);
	int bits = 0;
	bool tail = false;

	for (size_t i = 0; i < n * 8; i++) {
		unsigned lo = s->lo.b[i / 8] >> (7 - i % 8) & 1,
			 hi = s->hi.b[i / 8] >> (7 - i % 8) & 1;

		if (!tail && lo == hi)
			bits++;
		else if (lo != 0 || hi != 1)
			return -1;
		else
			tail = true;
	}
	return bits;
}

char *tsel_text(const struct tsel *s, char out[TSEL_TEXT_MAX])
{
	char lo[ADDR_TEXT_MAX], hi[ADDR_TEXT_MAX], protocol[8] = "", ports[24] = "";
	int bits = range_bits(s);

	if (s->protocol)
		(void)snprintf(protocol, sizeof protocol, "%u/", s->protocol);
	if (tsel_is_opaque(s))
		(void)snprintf(ports, sizeof ports, ":opaque");
	else if (!tsel_is_any_port(s))
		(void)snprintf(ports, sizeof ports, ":%u-%u", s->port_lo, s->port_hi);
	(void)addr_text(&s->lo, lo);
	if (bits >= 0)
		(void)snprintf(out, TSEL_TEXT_MAX, "%s%s/%d%s", protocol, lo, bits, ports);
	else
		(void)snprintf(out, TSEL_TEXT_MAX, "%s%s-%s%s", protocol, lo, addr_text(&s->hi, hi),
			ports);
	return out;
}
