#include "policy/rib.h"

#include <stdlib.h>

void rib_add(struct rib *r, const struct rib_route *route)
{
	struct addr last;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct rib_route *more = realloc(r->v, cap * sizeof *more);

		if (!more) {
			r->failed = true;
			return;
		}
		r->v = more;
		r->cap = cap;
	}
	r->v[r->n] = *route;
	r->v[r->n].active = false;
	prefix_range(&route->to, &r->v[r->n].to.addr, &last);
	r->n++;
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_prefix(const struct rib_route *a, const struct rib_route *b)
{
	int c = by_number(a->instance, b->instance);

	if (c == 0)
		c = by_number(a->to.addr.family, b->to.addr.family);
	if (c == 0)
		c = memcmp(a->to.addr.b, b->to.addr.b, sizeof a->to.addr.b);
	return c ? c : by_number(a->to.len, b->to.len);
}

static int by_way(const struct rib_route *a, const struct rib_route *b)
{
	int c = by_number(a->source, b->source);

	if (c == 0)
		c = by_number(a->unit, b->unit);
	if (c == 0)
		c = by_number(a->via.family, b->via.family);
	if (c == 0)
		c = memcmp(a->via.b, b->via.b, sizeof a->via.b);
	if (c == 0)
		c = by_number(a->tunnel, b->tunnel);
	return c ? c : by_number(a->peer, b->peer);
}

static int by_rank(const void *x, const void *y)
{
	const struct rib_route *a = x, *b = y;
	int c = by_prefix(a, b);

	if (c == 0)
		c = by_number(a->preference, b->preference);
	if (c == 0)
		c = by_number(a->metric, b->metric);
	if (c == 0)
		c = by_number(a->source, b->source);
	if (c == 0)
		c = by_number(a->order, b->order);
	return c ? c : by_way(a, b);
}

static bool is_same_way(const struct rib_route *a, const struct rib_route *b)
{
	return by_prefix(a, b) == 0 && by_way(a, b) == 0;
}

/* Two VPNs of one unit, or peers of one VPN, may protect one prefix, from different sources: then
 * their policies decide, as they do on a unit of one VPN. */
static void merge(struct rib_route *kept, const struct rib_route *other)
{
	if (!kept->active || kept->unit != other->unit || kept->source != other->source ||
		kept->preference != other->preference)
		return;
	if (kept->tunnel != other->tunnel)
		kept->tunnel = kept->peer = 0;
	else if (kept->peer != other->peer)
		kept->peer = 0;
}

static uint64_t age_of(const struct rib *before, size_t *at, const struct rib_route *r)
{
	while (*at < before->n && by_prefix(&before->v[*at], r) < 0)
		(*at)++;
	for (size_t i = *at; i < before->n && by_prefix(&before->v[i], r) == 0; i++)
		if (before->v[i].source == r->source && before->v[i].unit == r->unit &&
			addr_equal(&before->v[i].via, &r->via))
			return before->v[i].since_ms;
	return UINT64_MAX;
}

void rib_settle(struct rib *r, const struct rib *before, uint64_t now_ms)
{
	size_t n = 0, at = 0, first = 0;

	if (r->n == 0)
		return;
	qsort(r->v, r->n, sizeof *r->v, by_rank);
	for (size_t i = 0; i < r->n; i++) {
		struct rib_route c = r->v[i];

		if (n == 0 || by_prefix(&r->v[first], &c) != 0)
			first = n;
		/* What one VPN says twice stands together: its order is one. */
		if (n > first && is_same_way(&r->v[n - 1], &c))
			continue;
		c.active = first == n;
		if (n > first)
			merge(&r->v[first], &c);
		r->v[n++] = c;
	}
	r->n = n;
	for (size_t i = 0; i < n; i++) {
		uint64_t since = before ? age_of(before, &at, &r->v[i]) : UINT64_MAX;

		r->v[i].since_ms = since == UINT64_MAX ? now_ms : since;
	}
}

bool rib_same(const struct rib *a, const struct rib *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].active != b->v[i].active || !is_same_way(&a->v[i], &b->v[i]) ||
			a->v[i].preference != b->v[i].preference)
			return false;
	return true;
}

const struct rib_route *rib_find(const struct rib *r, uint32_t instance, const struct addr *to)
{
	const struct rib_route *best = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const struct rib_route *c = &r->v[i];

		if (c->active && c->instance == instance && prefix_contains(&c->to, to) &&
			(!best || c->to.len >= best->to.len))
			best = c;
	}
	return best;
}

void rib_fini(struct rib *r)
{
	free(r->v);
	*r = (struct rib){0};
}

bool rib_prefix_of(const struct addr *lo, const struct addr *hi, struct prefix *out)
{
	uint8_t bits = (uint8_t)(addr_len(lo) * 8), len = 0;
	struct addr first, last;

	if (lo->family != hi->family || lo->family == 0)
		return false;
	while (len < bits && !((lo->b[len / 8] ^ hi->b[len / 8]) & 0x80 >> len % 8))
		len++;
	*out = (struct prefix){*lo, len};
	prefix_range(out, &first, &last);
	return addr_equal(&first, lo) && addr_equal(&last, hi);
}
