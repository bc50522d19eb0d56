#include "host/dp_orders.h"

#include <stdlib.h>

#include "base/err.h"

static void fire(struct dp_client *c, Dp__Request *r)
{
	if (dp_client_send(c, r, NULL, NULL) < 0)
		return; /* away: it will be refilled */
}

int dp_order_rg(struct dp_client *c, const struct dp_rg_order *o, dp_reply_fn *done, void *ctx)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__RgSet s = DP__RG_SET__INIT;

	s.rg = o->rg;
	s.role = o->active ? DP__RG_ROLE__RG_ACTIVE : DP__RG_ROLE__RG_STANDBY;
	s.epoch = o->epoch;
	s.deadline_ns = o->deadline_ns;
	s.owner_node = o->owner;
	r.body_case = DP__REQUEST__BODY_RG_SET;
	r.rg_set = &s;
	return dp_client_send(c, &r, done, ctx);
}

int dp_order_deadline(
	struct dp_client *c, const struct ha_do_deadline *d, dp_reply_fn *done, void *ctx)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__DeadlineSet s = DP__DEADLINE_SET__INIT;
	Dp__RgDeadline one = DP__RG_DEADLINE__INIT, *list[] = {&one};

	one.rg = d->rg;
	one.epoch = d->epoch;
	one.deadline_ns = d->deadline_ns;
	s.n_deadlines = 1;
	s.deadlines = list;
	r.body_case = DP__REQUEST__BODY_DEADLINE_SET;
	r.deadline_set = &s;
	return dp_client_send(c, &r, done, ctx);
}

void dp_order_announce(struct dp_client *c, uint32_t rg, uint32_t count)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__Announce a = DP__ANNOUNCE__INIT;

	a.rg = rg;
	a.count = count;
	r.body_case = DP__REQUEST__BODY_ANNOUNCE;
	r.announce = &a;
	fire(c, &r);
}

void dp_order_lease(struct dp_client *c, struct view body)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__LeaseGrant g = DP__LEASE_GRANT__INIT;
	Dp__Lease *l = dp__lease__unpack(NULL, body.n, body.p), *list[] = {l};

	if (!l)
		return;
	g.n_leases = 1;
	g.leases = list;
	r.body_case = DP__REQUEST__BODY_LEASE_GRANT;
	r.lease_grant = &g;
	fire(c, &r);
	dp__lease__free_unpacked(l, NULL);
}

void dp_order_delete(struct dp_client *c, const uint32_t *spi_in, size_t n)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__ChildDelete d = DP__CHILD_DELETE__INIT;

	d.n_spi_in = n;
	d.spi_in = (uint32_t *)(uintptr_t)spi_in;
	r.body_case = DP__REQUEST__BODY_CHILD_DELETE;
	r.child_delete = &d;
	fire(c, &r);
}

void dp_order_fabric_renew(struct dp_client *c, const struct ha_do_fabric *f, bool fence)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__FabricRenew n = DP__FABRIC_RENEW__INIT;

	n.node = f->node;
	n.rg = f->rg;
	n.epoch = f->epoch;
	n.duration_ms = f->duration_ms;
	n.fence = fence;
	r.body_case = DP__REQUEST__BODY_FABRIC_RENEW;
	r.fabric_renew = &n;
	fire(c, &r);
}

int dp_order_freeze(
	struct dp_client *c, const struct ha_do_handover *h, dp_reply_fn *done, void *ctx)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__HandoverFreeze f = DP__HANDOVER_FREEZE__INIT;
	Dp__BucketRange range = DP__BUCKET_RANGE__INIT;

	range.first = h->first_bucket;
	range.last = h->last_bucket;
	f.rg = h->rg;
	f.buckets = &range;
	f.epoch = h->epoch;
	r.body_case = DP__REQUEST__BODY_HANDOVER_FREEZE;
	r.handover_freeze = &f;
	return dp_client_send(c, &r, done, ctx);
}

int dp_order_activate(
	struct dp_client *c, const struct ha_do_handover *h, dp_reply_fn *done, void *ctx)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__HandoverActivate a = DP__HANDOVER_ACTIVATE__INIT;
	Dp__BucketRange range = DP__BUCKET_RANGE__INIT;
	Dp__Reply *states = dp__reply__unpack(NULL, h->states.n, h->states.p);
	int rc;

	if (!states)
		return -ERR_VALUE;
	range.first = h->first_bucket;
	range.last = h->last_bucket;
	a.rg = h->rg;
	a.buckets = &range;
	a.epoch = h->epoch;
	a.deadline_ns = h->deadline_ns;
	a.n_states = states->n_handover;
	a.states = states->handover;
	a.grant = 1u << 16;
	r.body_case = DP__REQUEST__BODY_HANDOVER_ACTIVATE;
	r.handover_activate = &a;
	rc = dp_client_send(c, &r, done, ctx);
	dp__reply__free_unpacked(states, NULL);
	return rc;
}

void dp_order_forward(struct dp_client *c, const struct ha_do_handover *h, bool abort)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__HandoverForward f = DP__HANDOVER_FORWARD__INIT;
	Dp__BucketRange range = DP__BUCKET_RANGE__INIT;

	range.first = h->first_bucket;
	range.last = h->last_bucket;
	f.rg = h->rg;
	f.buckets = &range;
	f.node = h->node;
	f.abort = abort;
	r.body_case = DP__REQUEST__BODY_HANDOVER_FORWARD;
	r.handover_forward = &f;
	fire(c, &r);
}

int dp_states_pack(const Dp__Reply *from, struct blob *out)
{
	Dp__Reply r = DP__REPLY__INIT;
	size_t n;

	r.n_handover = from->n_handover;
	r.handover = from->handover;
	n = dp__reply__get_packed_size(&r);
	out->p = malloc(n + 1);
	if (!out->p)
		return -ERR_NOMEM;
	out->n = dp__reply__pack(&r, out->p);
	return 0;
}
