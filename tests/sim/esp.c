/* What a peer sends through its tunnels, and an attacker who plays some of it again. */
#include <stdlib.h>

#include "peer.h"

struct esp {
	uint32_t rg, spi;
	uint64_t seq;
};

static void arrive(struct world *w, uint32_t n, void *data)
{
	const struct esp *e = data;

	dp_receive(w, n, e->rg, e->spi, e->seq);
}

static void send(struct world *w, const struct peer *a, const struct sad *s, uint64_t seq)
{
	for (uint32_t n = 0; n < w->nodes; n++) {
		struct esp *e;

		if (!w->proc[n][WHO_DATAPLANE].up)
			continue;
		e = malloc(sizeof *e);
		if (!e)
			abort();
		*e = (struct esp){a->rg, s->spi_out, seq};
		world_at(w, US(rnd_between(w, 100, 900)), WHO_DATAPLANE, n, arrive, e);
	}
}

static void traffic(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(uint32_t *)data;
	struct sad *s = peer_sends_with(w, p);
	uint32_t *again = malloc(sizeof *again);

	(void)node;
	if (!again)
		abort();
	*again = p;
	if (s) {
		s->seq += s->seq == 0 ? 1 : rnd_between(w, 1, 40);
		send(w, w->peer[p], s, s->seq);
		if (chance(w, 20))
			send(w, w->peer[p], s, s->seq - rnd_below(w, s->seq < 50 ? s->seq : 50));
	}
	world_at(w, MSEC(rnd_between(w, 3, 30)), WHO_WORLD, 0, traffic, again);
}

void esp_begin(struct world *w, uint32_t p)
{
	uint32_t *x = malloc(sizeof *x);

	if (!x)
		abort();
	*x = p;
	world_at(w, MSEC(1), WHO_WORLD, 0, traffic, x);
}
