#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct ha_key {
	uint64_t id, last;
};

static uint64_t sum(uint64_t h, const uint8_t *p, size_t n)
{
	uint64_t v;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&v, p, 8);
		h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 28;
	}
	for (; n; p++, n--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h;
}

static int key_new(
	void *ctx, const char *purpose, uint32_t node, const uint8_t salt[16], struct ha_key **out)
{
	struct ha_key *k = calloc(1, sizeof *k);

	(void)ctx;
	if (!k)
		return -ERR_NOMEM;
	k->id = sum(sum(node + 1, salt, 16), (const uint8_t *)purpose, strlen(purpose));
	*out = k;
	return 0;
}

static void key_free(void *ctx, struct ha_key *k)
{
	(void)ctx;
	free(k);
}

static void tag_of(const struct ha_key *k, uint64_t counter, struct view aad, struct view plain,
	uint8_t tag[16])
{
	uint64_t t[2];

	t[0] = sum(sum(k->id ^ counter * 3, aad.p, aad.n), plain.p, plain.n);
	t[1] = t[0] * UINT64_C(0x9e3779b97f4a7c15);
	memcpy(tag, t, 16);
}

static int seal_one(void *ctx, struct ha_key *k, uint64_t counter, struct view aad,
	struct view plain, uint8_t *out)
{
	if (counter <= k->last)
		*(bool *)ctx = true;
	k->last = counter;
	if (plain.n)
		memcpy(out, plain.p, plain.n);
	tag_of(k, counter, aad, plain, out + plain.n);
	return 0;
}

static int open_one(void *ctx, struct ha_key *k, uint64_t counter, struct view aad,
	struct view sealed, uint8_t *out)
{
	struct view plain = view_of(sealed.p, sealed.n - 16);
	uint8_t tag[16];

	(void)ctx;
	tag_of(k, counter, aad, plain, tag);
	if (memcmp(tag, sealed.p + plain.n, 16) != 0)
		return -ERR_CRYPTO;
	if (plain.n)
		memcpy(out, plain.p, plain.n);
	return 0;
}

void toy_seal(struct ha_seal_ops *ops, bool *used_twice)
{
	*ops = (struct ha_seal_ops){.ctx = used_twice,
		.key_new = key_new,
		.key_free = key_free,
		.seal = seal_one,
		.open = open_one};
}
