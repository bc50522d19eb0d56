#include "ike/pace.h"

#include "ike/engine.h"

#define SECOND_MS 1000

/* ---------------------------------------------------------------- rates */

static uint32_t most(const struct ike *ike, enum pace_kind kind)
{
	const struct model_ike_limits *l = &ike->model->limits;

	switch (kind) {
	case PACE_IKE_REKEY:
		return l->ike_rekey_rate;
	case PACE_CHILD_REKEY:
		return l->child_rekey_rate;
	case PACE_KEEPALIVE:
		return l->keepalive_rate;
	case PACE_KINDS:
	default:
		return 0;
	}
}

bool pace_allows(struct ike *ike, struct ike_sa *sa, enum pace_kind kind)
{
	uint32_t limit = ike->model ? most(ike, kind) : 0;
	struct pace *p = &sa->pace;

	if (limit == 0)
		return true;
	if (ike->now_ms - p->since_ms >= SECOND_MS)
		*p = (struct pace){.since_ms = ike->now_ms};
	if (p->n[kind] >= limit) {
		if (kind == PACE_KEEPALIVE)
			ike->stats.rx_keepalive_rate++;
		else
			ike->stats.rekeys_refused++;
		return false;
	}
	p->n[kind]++;
	return true;
}

/* ---------------------------------------------------------------- pauses */

static struct backoff_peer *find(struct backoff *b, const struct endpoint *at)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].at.port == at->port && addr_equal(&b->v[i].at.addr, &at->addr))
			return &b->v[i];
	return NULL;
}

/* One that is over; else the one that ends first, but never a proven one for a forged one. */
static struct backoff_peer *place(struct ike *ike, bool proven)
{
	struct backoff *b = &ike->backoff;
	struct backoff_peer *best = NULL;

	for (uint32_t i = 0; i < b->n; i++) {
		struct backoff_peer *p = &b->v[i];

		if (p->until_ms <= ike->now_ms)
			return p;
		if ((proven || !p->proven) && (!best || p->until_ms < best->until_ms))
			best = p;
	}
	return b->n < BACKOFF_PEERS ? &b->v[b->n++] : best;
}

void backoff_failed(
	struct ike *ike, const struct endpoint *peer, enum backoff_phase phase, bool proven)
{
	const struct model_ike_limits *l = &ike->model->limits;
	uint32_t s = phase == BACKOFF_INIT ? l->backoff_init_s : l->backoff_auth_s;
	struct backoff_peer *p;

	if (s == 0)
		return;
	p = find(&ike->backoff, peer);
	if (p && p->proven && !proven && p->until_ms > ike->now_ms)
		return;
	if (!p)
		p = place(ike, proven);
	if (p)
		*p = (struct backoff_peer){*peer, ike->now_ms + s * UINT64_C(1000), proven};
}

enum backoff_verdict backoff_look(struct ike *ike, const struct endpoint *peer, bool proven)
{
	const struct backoff_peer *p = find(&ike->backoff, peer);

	if (!p || p->until_ms <= ike->now_ms)
		return BACKOFF_NONE;
	if (!p->proven)
		return proven ? BACKOFF_NONE : BACKOFF_COOKIE;
	ike->stats.rx_backoff++;
	return BACKOFF_DROP;
}
