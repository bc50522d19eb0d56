#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, addr_len(a)) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

int addr_from_view(struct view v, struct addr *out)
{
	struct addr a = {.family = v.n == 4 ? 4 : 6};

	if (v.n != 4 && v.n != 16)
		return -ERR_VALUE;
	memcpy(a.b, v.p, v.n);
	*out = a;
	return 0;
}

int addr_parse(const char *text, struct addr *out)
{
	struct addr a = {0};

	if (inet_pton(AF_INET, text, a.b) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.b) == 1)
		a.family = 6;
	else
		return -ERR_VALUE;
	*out = a;
	return 0;
}

int prefix_parse(const char *text, struct prefix *out)
{
	char host[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	struct prefix p = {0};
	char *end;
	long len;

	if (!slash || (size_t)(slash - text) >= sizeof host)
		return -ERR_VALUE;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (addr_parse(host, &p.addr) < 0 || slash[1] < '0' || slash[1] > '9')
		return -ERR_VALUE;
	len = strtol(slash + 1, &end, 10);
	if (*end != '\0' || len < 0 || (size_t)len > addr_len(&p.addr) * 8)
		return -ERR_VALUE;
	p.len = (uint8_t)len;
	*out = p;
	return 0;
}

void prefix_range(const struct prefix *p, struct addr *first, struct addr *last)
{
	struct addr lo = p->addr, hi = p->addr;

	for (size_t i = 0; i < addr_len(&p->addr); i++) {
		size_t bit = i * 8;
		unsigned keep = p->len <= bit ? 0 : (unsigned)MIN((size_t)p->len - bit, 8);
		uint8_t mask = (uint8_t)(0xff00u >> keep);

		lo.b[i] = (uint8_t)(lo.b[i] & mask);
		hi.b[i] = (uint8_t)(hi.b[i] | (uint8_t)~mask);
	}
	*first = lo;
	*last = hi;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	struct addr first, last;

	if (a->family != p->addr.family)
		return false;
	prefix_range(p, &first, &last);
	return memcmp(a->b, first.b, sizeof a->b) >= 0 && memcmp(a->b, last.b, sizeof a->b) <= 0;
}

uint32_t addr_v4(const struct addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

struct addr addr_of_v4(uint32_t v)
{
	return (struct addr){.family = 4,
		.b = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	if (a->family == 0 ||
		!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, out, ADDR_TEXT_MAX))
		memcpy(out, "none", 5);
	return out;
}

char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];

	(void)snprintf(out, ENDPOINT_TEXT_MAX, e->addr.family == 6 ? "[%s]:%u" : "%s:%u",
		addr_text(&e->addr, host), e->port);
	return out;
}
