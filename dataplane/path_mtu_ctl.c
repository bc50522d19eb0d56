/*
 * What became of a "fragmentation needed": node/path_mtu.c heard it and passes few a second on.
 */
#include "dp.h"

enum { FLOOR_V4 = 576, FLOOR_V6 = 1280, RECENT = 1 << 16 };

#define LIVES_NS (UINT64_C(600) * 1000 * 1000 * 1000) /* RFC 1191 6.3: ten minutes */

/* Sent not long ago: the sender of the ICMP message has seen it, or guessed one in 65536. */
static bool is_recent(const struct sa *sa, uint32_t number)
{
	uint32_t back = (uint32_t)count_get(&sa->out.next) - number;

	return back != 0 && back <= RECENT;
}

static bool is_of(const struct sa *sa, const struct note *n)
{
	const struct sa_cold *c = sa_cold(sa);

	return c->spi_out == n->spi &&
	       ipaddr_equal(ipaddr_of(&c->remote.addr), n->path_mtu.remote) &&
	       is_recent(sa, n->path_mtu.number);
}

static void learn(struct dp *dp, struct sa *sa, uint16_t mtu, uint64_t now_ns)
{
	uint16_t was = atomic_load(&sa->mtu);

	if (mtu > was)
		return;
	atomic_store(&sa_cold(sa)->mtu_until_ns, now_ns + LIVES_NS);
	atomic_store(&sa->mtu, mtu);
	if (mtu < was)
		log_info(&dp->log, "dp.path-mtu", "spi=%08x mtu=%u", sa->spi_in, mtu);
}

void path_mtu_learn(struct dp *dp, const struct note *n, uint64_t now_ns)
{
	uint16_t floor = ipaddr_is_v4(n->path_mtu.remote) ? FLOOR_V4 : FLOOR_V6;
	struct sa *sa;

	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa && is_of(sa, n))
			learn(dp, sa, MAX(n->path_mtu.mtu, floor), now_ns);
}
