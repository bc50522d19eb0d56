/*
 * The buffers all packets lie in. They are of 2048 octets until a configuration has an MTU that
 * does not fit; then the pool is made anew with larger ones, while no worker runs. It keeps its
 * memory's size rather than its number of buffers, so that a default start costs what it always
 * did. A few large ones are there from the start: a peer may send more than its MTU in fragments.
 */
#include "base/err.h"
#include "dp.h"
#include "pool.h"

enum { HALVINGS = 3, LARGE = 256 };

static uint32_t octets_for(uint32_t mtu)
{
	return mtu + PKT_AROUND <= PKT_DATA ? PKT_DATA : PKT_DATA_JUMBO;
}

/* As many as there is memory for, down to an eighth. */
static void *pool_fit(struct dp *dp, uint32_t octets)
{
	void *pool = NULL;
	uint32_t n = dp->packets;

	for (uint32_t i = 0; i <= HALVINGS && !pool; i++, n /= 2) {
		pool = pool_new(octets > PKT_DATA ? "jumbo" : "packets", n, octets);
		if (pool && octets > PKT_DATA)
			log_notice(&dp->log, "dp.buffers", "octets=%u buffers=%u wanted=%u", octets,
				n, dp->packets);
	}
	return pool;
}

static int pool_take(struct dp *dp, uint32_t octets)
{
	dp->sh.pool =
		octets > PKT_DATA ? pool_fit(dp, octets) : pool_new("packets", dp->packets, octets);
	dp->sh.pool_octets = octets;
	return dp->sh.pool ? 0 : -ERR_NOMEM;
}

int buffers_init(struct dp *dp, uint32_t packets, uint32_t mtu)
{
	dp->packets = packets;
	dp->sh.large = pool_new("large", LARGE, PKT_DATA_JUMBO);
	if (!dp->sh.large)
		return -ERR_NOMEM;
	return pool_take(dp, octets_for(mtu));
}

void buffers_fini(struct dp *dp)
{
	pool_free(dp->old_pool);
	pool_free(dp->sh.pool);
	pool_free(dp->sh.large);
}

bool buffers_suffice(const struct dp *dp, uint32_t mtu)
{
	return dp->sh.pool && octets_for(mtu) <= dp->sh.pool_octets;
}

void buffers_step(struct dp *dp)
{
	if (dp->old_pool && pool_is_whole(dp->old_pool)) {
		pool_free(dp->old_pool);
		dp->old_pool = NULL;
	}
}

/* Workers have given back theirs; should a smaller one still be on its way through the API thread,
 * that pool goes when the last is back. */
int buffers_grow(struct dp *dp, uint32_t mtu)
{
	dp->old_pool = dp->sh.pool;
	dp->sh.pool = NULL;
	buffers_step(dp);
	if (pool_take(dp, octets_for(mtu)) == 0)
		return 0;
	if (dp->old_pool) { /* as it was */
		dp->sh.pool = dp->old_pool;
		dp->sh.pool_octets = PKT_DATA;
		dp->old_pool = NULL;
	} else if (pool_take(dp, PKT_DATA) < 0) {
		log_err(&dp->log, "dp.buffers", "there are none");
	}
	return -ERR_NOMEM;
}
