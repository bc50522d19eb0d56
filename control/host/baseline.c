#include "host/baseline.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"

/* What an operator can clear of an SA, and where it is in the reply. */
static const size_t child_fields[] = {
	offsetof(Dp__ChildStats, packets_in),
	offsetof(Dp__ChildStats, bytes_in),
	offsetof(Dp__ChildStats, packets_out),
	offsetof(Dp__ChildStats, bytes_out),
	offsetof(Dp__ChildStats, replay_errors),
	offsetof(Dp__ChildStats, auth_errors),
	offsetof(Dp__ChildStats, decrypt_errors),
	offsetof(Dp__ChildStats, selector_errors),
};

struct baseline_child {
	uint32_t spi_in;
	uint64_t v[ARRAY_LEN(child_fields)];
	UT_hash_handle hh;
};

struct baseline_counter {
	uint64_t value;
	UT_hash_handle hh;
	char name[];
};

static uint64_t *field_of(Dp__ChildStats *s, size_t i)
{
	return (uint64_t *)(void *)((char *)s + child_fields[i]);
}

static uint64_t field(const Dp__ChildStats *s, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)s + child_fields[i]);
}

static struct baseline_child *child_find(const struct baseline *b, uint32_t spi_in)
{
	struct baseline_child *c;

	HASH_FIND(hh, b->children, &spi_in, sizeof spi_in, c);
	return c;
}

int baseline_set_child(struct baseline *b, const Dp__ChildStats *now)
{
	struct baseline_child *c = child_find(b, now->spi_in);

	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c)
			return -ERR_NOMEM;
		c->spi_in = now->spi_in;
		HASH_ADD(hh, b->children, spi_in, sizeof c->spi_in, c);
	}
	for (size_t i = 0; i < ARRAY_LEN(child_fields); i++)
		c->v[i] = field(now, i);
	return 0;
}

static int set_counter(struct baseline *b, const Dp__Counter *now)
{
	size_t len = strlen(now->name);
	struct baseline_counter *c = calloc(1, sizeof *c + len + 1);

	if (!c)
		return -ERR_NOMEM;
	memcpy(c->name, now->name, len + 1);
	c->value = now->value;
	HASH_ADD(hh, b->counters, name[0], len, c);
	return 0;
}

int baseline_set(struct baseline *b, const Dp__Reply *now)
{
	struct baseline fresh = {0};
	int rc = 0;

	for (size_t i = 0; i < now->n_children && rc == 0; i++)
		rc = baseline_set_child(&fresh, now->children[i]);
	for (size_t i = 0; i < now->n_counters && rc == 0; i++)
		rc = set_counter(&fresh, now->counters[i]);
	if (rc < 0) {
		baseline_fini(&fresh);
		return rc;
	}
	baseline_fini(b);
	*b = fresh;
	return 0;
}

/* A value below its baseline is of another dataplane, or of another SA that got the same SPI. */
static void take_off(uint64_t *value, uint64_t base)
{
	if (*value >= base)
		*value -= base;
}

void baseline_apply(const struct baseline *b, const Dp__Reply *reply)
{
	for (size_t i = 0; i < reply->n_children; i++) {
		const struct baseline_child *c = child_find(b, reply->children[i]->spi_in);

		for (size_t k = 0; c && k < ARRAY_LEN(child_fields); k++)
			take_off(field_of(reply->children[i], k), c->v[k]);
	}
	for (size_t i = 0; i < reply->n_counters; i++) {
		struct baseline_counter *c;

		HASH_FIND(hh, b->counters, reply->counters[i]->name,
			strlen(reply->counters[i]->name), c);
		if (c)
			take_off(&reply->counters[i]->value, c->value);
	}
}

void baseline_forget(struct baseline *b)
{
	struct baseline_child *c, *next;
	struct baseline_counter *n, *next_n;

	map_foreach (b->children, c, next) {
		HASH_DEL(b->children, c);
		free(c);
	}
	map_foreach (b->counters, n, next_n) {
		HASH_DEL(b->counters, n);
		free(n);
	}
}

void baseline_fini(struct baseline *b)
{
	baseline_forget(b);
}
