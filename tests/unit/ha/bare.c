#include "bare.h"

#include "open_seal.h"

enum { RG = 1 };

static void octets(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;
	uint8_t *next = ctx;

	while (n--)
		*p++ = (*next)++;
}

struct ha_config bare_config(uint32_t node, uint8_t *seed)
{
	struct ha_config c = {.node = node, .cluster_id = 1, .nodes = 3, .n_rg = 1};

	c.rg[0] = (struct ha_rg_config){.id = RG, .priority = {200, 100}};
	c.token_ms = 300;
	c.consensus_ms = 360;
	c.seal = open_seal();
	c.env = (struct env){octets, seed};
	return c;
}
