#include <stdlib.h>

#include "base/err.h"
#include "dp.h"
#include "node/neighbour.h"

enum { ANNOUNCE_GAP_NS = 100 * 1000 * 1000 };

#define STRAGGLERS_NS (UINT64_C(3) * 1000 * 1000 * 1000)

static struct rg_view *view_of_state(const struct rg_state *s, uint64_t stragglers_ns)
{
	struct rg_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->role = s->role;
	v->owner = s->owner;
	v->epoch = s->epoch;
	v->stragglers_ns = stragglers_ns;
	atomic_init(&v->deadline_ns, s->deadline_ns);
	return v;
}

int rg_ctl_init(struct dp *dp)
{
	for (uint32_t i = 0; i < RG_MAX; i++) {
		struct rg_view *v;

		dp->rgs[i] = (struct rg_state){.role = RG_ROLE_STANDBY, .owner = RG_OWNER_NONE};
		if (i == 0) /* what belongs to no group is always active */
			dp->rgs[i] = (struct rg_state){
				.role = RG_ROLE_ACTIVE,
				.owner = RG_OWNER_NONE,
				.deadline_ns = RG_FOREVER,
			};
		v = view_of_state(&dp->rgs[i], 0);
		if (!v)
			return -ERR_NOMEM;
		atomic_store(&dp->sh.rgs[i].view, v);
	}
	return 0;
}

void rg_ctl_fini(struct dp *dp)
{
	for (uint32_t i = 0; i < RG_MAX; i++)
		free(atomic_load(&dp->sh.rgs[i].view));
	for (uint32_t i = 0; i < RG_MAX; i++)
		free(atomic_load(&dp->sh.rgs[i].handover));
}

bool rg_ctl_describe(const struct dp *dp, uint32_t rg, Dp__RgSet *out)
{
	const struct rg_state *s = &dp->rgs[rg];
	const struct rg_view *v = rg_view(&dp->sh, (uint8_t)rg);

	if (s->epoch == 0 && s->role == RG_ROLE_STANDBY && s->owner == RG_OWNER_NONE)
		return false;
	dp__rg_set__init(out);
	out->rg = rg;
	out->role = s->role == RG_ROLE_ACTIVE ? DP__RG_ROLE__RG_ACTIVE : DP__RG_ROLE__RG_STANDBY;
	out->epoch = s->epoch;
	out->deadline_ns = atomic_load(&v->deadline_ns);
	out->owner_node = s->owner;
	return true;
}

/* Publishes the state; the reply waits until every worker has seen it. */
static int publish(struct dp *dp, uint8_t rg, struct reply *r)
{
	struct rg_view *old = atomic_load(&dp->sh.rgs[rg].view), *v;
	uint64_t now = dp_now(), stragglers = old->stragglers_ns;

	if (old->role == RG_ROLE_ACTIVE && dp->rgs[rg].role == RG_ROLE_STANDBY)
		stragglers = now + STRAGGLERS_NS;
	v = view_of_state(&dp->rgs[rg], stragglers);
	if (!v)
		return -ERR_NOMEM;
	atomic_store_explicit(&dp->sh.rgs[rg].view, v, memory_order_release);
	dp_defer(dp, defer_free, old, r);
	return 0;
}

static void announce_one(struct dp *dp, const struct iface *i, struct ipaddr addr)
{
	struct pkt *p = pkt_alloc(dp->sh.pool);

	if (!p) {
		count_add(&dp->stats[STAT_DROP_NO_BUFFER], 1);
		return;
	}
	if (ipaddr_is_v4(addr))
		arp_announce_put(p, i->mac, ipaddr_to_v4(addr));
	else
		nd_announce_put(p, i->mac, addr);
	p->kind = PKT_RAW;
	p->port = i->port;
	dp_send_packet(dp, p);
}

/* RFC 5227 3, RFC 4861 7.2.6 for every address of the group's interfaces. */
static void announce_rg(struct dp *dp, uint32_t rg)
{
	const struct net *n = atomic_load(&dp->sh.net);

	for (uint32_t s = 0; n && s < n->n_slots; s++) {
		const struct iface *i = n->ifaces[s];

		if (!i || i->kind != IFACE_RETH || i->rg != rg || i->port == PORT_NONE)
			continue;
		for (uint32_t k = 0; k < i->n_addrs; k++)
			announce_one(dp, i, i->addrs[k].addr);
		if (!ipaddr_is_none(i->link_local))
			announce_one(dp, i, i->link_local);
	}
}

static void announce_start(struct dp *dp, uint32_t rg, uint32_t count)
{
	if (count == 0)
		return;
	announce_rg(dp, rg);
	dp->announces[rg].left = MIN(count, 100u) - 1;
	dp->announces[rg].next_ns = dp_now() + ANNOUNCE_GAP_NS;
}

void api_rg_set(struct dp *dp, const Dp__RgSet *s, struct reply *r)
{
	struct rg_state want = {
		.role = s->role == DP__RG_ROLE__RG_ACTIVE ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY,
		.owner = (uint8_t)MIN(s->owner_node, (uint32_t)RG_OWNER_NONE),
		.epoch = s->epoch,
		.deadline_ns = s->deadline_ns,
	};
	uint64_t was;
	int rc;

	if (s->rg >= RG_MAX) {
		reply_fail(r, -ERR_VALUE, "redundancy group %u", s->rg);
		return;
	}
	was = dp->rgs[s->rg].epoch;
	rc = rg_set(&dp->rgs[s->rg], &want);
	if (rc == 0)
		rc = publish(dp, (uint8_t)s->rg, r);
	if (rc == 0 && want.epoch > was)
		handover_end(dp, s->rg, r);
	if (rc < 0) {
		reply_fail(r, rc, "redundancy group %u: %s", s->rg, err_text(rc));
		return;
	}
	log_notice(&dp->log, "dp.rg", "rg=%u role=%s epoch=%llu owner=%u", s->rg,
		want.role == RG_ROLE_ACTIVE ? "active" : "standby", (unsigned long long)want.epoch,
		want.owner);
	dp->announces[s->rg].left = 0; /* of an earlier epoch */
	if (want.role == RG_ROLE_ACTIVE && s->announce)
		announce_start(dp, s->rg, MAX(s->announce_count, 1u));
}

/* It acts no more: workers stopped by themselves, burst by burst, or were told. A renewal that was
 * under way may still revive an expired one: its deadline counts from when it was sent. */
static void tell_expired(struct dp *dp, uint32_t rg)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__Expired x = DP__EXPIRED__INIT;

	x.rg = rg;
	x.epoch = dp->rgs[rg].epoch;
	e.body_case = DP__EVENT__BODY_EXPIRED;
	e.expired = &x;
	log_warn(&dp->log, "dp.rg.expired", "rg=%u epoch=%llu", rg, (unsigned long long)x.epoch);
	api_event(dp, &e);
}

/* Deadlines come often: no new state, the one in place is extended. */
int rg_ctl_extend(struct dp *dp, uint32_t rg, uint64_t epoch, uint64_t deadline_ns)
{
	struct rg_view *v;
	int rc;

	if (rg >= RG_MAX)
		return -ERR_VALUE;
	rc = rg_extend(&dp->rgs[rg], epoch, deadline_ns);
	if (rc < 0)
		return rc;
	v = atomic_load(&dp->sh.rgs[rg].view);
	atomic_store_explicit(&v->deadline_ns, dp->rgs[rg].deadline_ns, memory_order_relaxed);
	return 0;
}

bool rg_ctl_fence(struct dp *dp, uint32_t rg, uint64_t epoch)
{
	bool acted = rg_acts(&dp->rgs[rg], dp_now());

	if (!rg_fence(&dp->rgs[rg], epoch))
		return false;
	if (publish(dp, (uint8_t)rg, NULL) < 0)
		return false;
	log_warn(&dp->log, "dp.rg.fenced", "rg=%u epoch=%llu acted=%d", rg,
		(unsigned long long)epoch, acted);
	if (acted)
		tell_expired(dp, rg);
	return true;
}

void api_deadline_set(struct dp *dp, const Dp__DeadlineSet *s, struct reply *r)
{
	for (size_t i = 0; i < s->n_deadlines; i++) {
		const Dp__RgDeadline *d = s->deadlines[i];
		int rc = rg_ctl_extend(dp, d->rg, d->epoch, d->deadline_ns);

		if (rc < 0)
			reply_fail(r, rc, "redundancy group %u: %s", d->rg, err_text(rc));
	}
}

void api_announce(struct dp *dp, const Dp__Announce *a, struct reply *r)
{
	if (a->rg >= RG_MAX || !rg_acts(&dp->rgs[a->rg], dp_now()))
		reply_fail(r, -ERR_WRONG_STATE, "redundancy group %u is not active here", a->rg);
	else
		announce_start(dp, a->rg, MAX(a->count, 1u));
}

void rg_ctl_step(struct dp *dp, uint64_t now_ns)
{
	for (uint32_t i = 0; i < RG_MAX; i++) {
		struct announce *a = &dp->announces[i];
		const struct rg_state *s = &dp->rgs[i];

		if (s->role != RG_ROLE_ACTIVE || now_ns < s->deadline_ns)
			dp->expired[i] = false;
		else if (!dp->expired[i]) {
			dp->expired[i] = true;
			tell_expired(dp, i);
		}
		if (a->left && now_ns >= a->next_ns) {
			a->left = s->role == RG_ROLE_ACTIVE ? a->left - 1 : 0;
			a->next_ns = now_ns + ANNOUNCE_GAP_NS;
			if (s->role == RG_ROLE_ACTIVE)
				announce_rg(dp, i);
		}
	}
}
