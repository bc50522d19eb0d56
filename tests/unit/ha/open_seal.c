#include "open_seal.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ha/envelope.h"

struct ha_key {
	uint8_t nothing;
};

static int key_new(
	void *ctx, const char *purpose, uint32_t node, const uint8_t salt[16], struct ha_key **out)
{
	(void)ctx;
	(void)purpose;
	(void)node;
	(void)salt;
	*out = calloc(1, sizeof **out);
	return *out ? 0 : -ERR_NOMEM;
}

static void key_free(void *ctx, struct ha_key *key)
{
	(void)ctx;
	free(key);
}

static int seal(void *ctx, struct ha_key *key, uint64_t counter, struct view aad, struct view plain,
	uint8_t *out)
{
	(void)ctx;
	(void)key;
	(void)counter;
	(void)aad;
	if (plain.n)
		memcpy(out, plain.p, plain.n);
	memset(out + plain.n, 0, HA_ENVELOPE_TAG);
	return 0;
}

static int unseal(void *ctx, struct ha_key *key, uint64_t counter, struct view aad,
	struct view sealed, uint8_t *out)
{
	(void)ctx;
	(void)key;
	(void)counter;
	(void)aad;
	if (sealed.n > HA_ENVELOPE_TAG)
		memcpy(out, sealed.p, sealed.n - HA_ENVELOPE_TAG);
	return 0;
}

struct ha_seal_ops open_seal(void)
{
	return (struct ha_seal_ops){
		.key_new = key_new, .key_free = key_free, .seal = seal, .open = unseal};
}
