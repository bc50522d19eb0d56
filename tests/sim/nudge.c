/* Somebody at either end asks for rekeys and deletes; limits of children are reached. */
#include <stdlib.h>

#include "models.h"
#include "peer.h"

enum { REST_MS = 5000, EXCUSED_MS = 16000 };

static const char *vpn_of(uint32_t p)
{
	static const char *const names[PEERS] = {"V0", "V1", "V2", "V3"};

	return names[p];
}

void nudge_cluster(struct world *w, uint32_t rg, struct ike_event *ev)
{
	for (uint32_t n = 0; n < w->nodes; n++)
		if (proc_runs(w, n, WHO_CONTROL) && dp_acts(w, n, rg) &&
			engine_is_active(w, n, rg)) {
			engine_event(w, n, ev);
			return;
		}
}

static void operate(struct world *w, uint32_t p, enum ike_operation op, bool cluster)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	bool hub = w->theme == THEME_HUB && cluster;

	if (hub && op != IKE_OP_REKEY_IKE && w->peer[p]->spoke_policy == 0)
		return; /* 0 would be everybody's */
	ev.operator_.op = op;
	if (hub && op == IKE_OP_REKEY_IKE)
		ev.operator_.filter.peer = address_of_peer(p);
	else if (hub)
		ev.operator_.filter.index = w->peer[p]->spoke_policy;
	else if (op == IKE_OP_REKEY_IKE || op == IKE_OP_REAUTH_IKE || op == IKE_OP_CLEAR_IKE)
		ev.operator_.filter.gateway = gateway_of_peer(p);
	else
		ev.operator_.filter.vpn = vpn_of(p);
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

static void limit(struct world *w, uint32_t p, bool cluster)
{
	const struct sad *s = peer_sends_with(w, p);
	struct ike_event ev = {.type = IKE_EV_CHILD_LIFETIME};

	if (!s)
		return;
	ev.limit = (struct ike_ev_child_limit){cluster ? s->spi_out : s->spi_in,
		chance(w, 50) ? IKE_LIMIT_SOFT : IKE_LIMIT_SEQUENCE};
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

static void acquire(struct world *w, uint32_t p, bool cluster)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = policy_of_peer(p);
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

/* A worker has traffic and no child SA of its own. */
static void own(struct world *w, uint32_t p, bool cluster)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = policy_of_peer(p);
	ev.acquire.worker_hint =
		(uint8_t)(1 + rnd_below(w, cluster ? WORKERS_CLUSTER : WORKERS_PEER));
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

/* One of them goes, or all are there again. */
static void workers(struct world *w, uint32_t p, bool cluster)
{
	uint32_t n = cluster ? WORKERS_CLUSTER : WORKERS_PEER, all = (1u << n) - 1;
	struct ike_event ev = {.type = IKE_EV_WORKERS, .workers = all};

	if (n > 1 && chance(w, 50))
		ev.workers = all & ~(1u << rnd_below(w, n));
	if (cluster)
		nudge_cluster(w, p % w->rgs, &ev);
	else
		peer_event(w, p, &ev);
}

static void clear(struct world *w, uint32_t p, bool cluster)
{
	w->peer[p]->excused_ns = w->now + MSEC(EXCUSED_MS);
	world_say(w, "-- tunnel of peer %u cleared", p);
	operate(w, p, IKE_OP_CLEAR_CHILD, cluster);
}

static void one(struct world *w, uint32_t p)
{
	bool cluster = chance(w, 50);
	uint64_t kind = rnd_below(w, 100);

	if (kind < 55)
		operate(w, p, IKE_OP_REKEY_CHILD, cluster);
	else if (kind < 62)
		limit(w, p, cluster);
	else if (kind < 70)
		operate(w, p, w->reauth && chance(w, 30) ? IKE_OP_REAUTH_IKE : IKE_OP_REKEY_IKE,
			cluster);
	else if (kind < 74)
		acquire(w, p, w->begins == BEGINS_CLUSTER);
	else if (kind < 75 && !w->calm)
		clear(w, p, cluster);
	else if (kind < 77) {
		operate(w, p, IKE_OP_REKEY_IKE, false);
		operate(w, p, IKE_OP_REKEY_IKE, true);
	} else if (kind < 90) {
		operate(w, p, IKE_OP_REKEY_CHILD, false);
		operate(w, p, IKE_OP_REKEY_CHILD, true);
	}
	if (w->theme == THEME_NONE && p == OWN_PEER && chance(w, 20))
		own(w, p, cluster);
	if (w->theme == THEME_NONE && p == OWN_PEER && chance(w, 3))
		workers(w, p, cluster);
}

static void nudge(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(uint32_t *)data;
	uint32_t *again;

	(void)node;
	if (w->now + MSEC(REST_MS) > w->end)
		return;
	again = malloc(sizeof *again);
	if (!again)
		abort();
	*again = p;
	if (w->peer[p]->up)
		one(w, p);
	world_at(w, MSEC(rnd_between(w, 50, 700)), WHO_WORLD, 0, nudge, again);
}

void nudge_begin(struct world *w)
{
	for (uint32_t p = 0; p < w->peers; p++) {
		uint32_t *x = malloc(sizeof *x);

		if (!x)
			abort();
		*x = p;
		world_at(w, MSEC(1500), WHO_WORLD, 0, nudge, x);
	}
}
