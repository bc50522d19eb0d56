#include <stdlib.h>

#include "base/err.h"
#include "core/fabric.h"
#include "dp.h"
#include "node/node.h"

enum { LATE_PERIODS = 3, TELL_PERIODS = 10, RENEW_MS_MAX = 60000 };

static uint64_t period_ns(const struct dp *dp)
{
	return (uint64_t)dp->heartbeat_ms * 1000 * 1000;
}

static const struct iface *fabric_iface(const struct dp *dp)
{
	const struct net *n = atomic_load(&dp->sh.net);

	return n ? net_iface(n, n->fabric) : NULL;
}

/* ---- sending */

static int fabric_transmit(struct dp *dp, struct fabric_hdr *h, struct view body)
{
	const struct net *n = atomic_load(&dp->sh.net);
	const struct iface *f = fabric_iface(dp);
	struct pkt *p;
	uint8_t *b;

	if (!f || f->port == PORT_NONE)
		return -ERR_WRONG_STATE;
	p = pkt_alloc(dp->sh.pool);
	if (!p)
		return -ERR_NOMEM;
	b = pkt_append(p, ETH_HDR + FABRIC_HDR + (uint32_t)body.n);
	if (!fabric_eth_put(&dp->sh, f, h->to, b)) {
		pkt_free(p);
		return -ERR_NOT_FOUND;
	}
	h->from = (uint8_t)n->node_id;
	h->cluster = n->cluster_id;
	h->len = (uint16_t)body.n;
	fabric_put(b + ETH_HDR, h);
	if (body.n)
		memcpy(b + ETH_HDR + FABRIC_HDR, body.p, body.n);
	p->kind = PKT_RAW;
	p->port = f->port;
	dp_send_packet(dp, p);
	return 0;
}

static void send_beat(struct dp *dp, uint64_t now_ns)
{
	struct fabric_hdr h = {.kind = FABRIC_HEARTBEAT, .to = FABRIC_ALL};
	struct fabric_beat b = {.stamp_ns = now_ns, .control = dp->conn >= 0};
	uint8_t room[FABRIC_BEAT_MAX];

	for (uint32_t i = 1; i < RG_MAX && b.n < FABRIC_RGS_MAX; i++) {
		const struct rg_state *s = &dp->rgs[i];

		if (s->epoch == 0 && s->role == RG_ROLE_STANDBY)
			continue;
		b.rgs[b.n++] = (struct fabric_rg){
			.rg = (uint8_t)i,
			.owner = s->owner,
			.role = rg_acts(s, now_ns) ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY,
			.epoch = s->epoch,
			.deadline_ns = s->deadline_ns,
		};
	}
	(void)fabric_transmit(dp, &h, view_of(room, fabric_beat_put(room, &b)));
}

void api_fabric_send(struct dp *dp, const Dp__FabricSend *s, struct reply *r)
{
	struct fabric_hdr h = {.kind = FABRIC_DATA, .to = (uint8_t)s->node};
	int rc = s->node >= RG_OWNER_NONE || s->data.len > FABRIC_DATA_MAX ? -ERR_VALUE : 0;

	if (rc == 0)
		rc = fabric_transmit(dp, &h, view_of(s->data.data, s->data.len));
	if (rc < 0)
		reply_fail(r, rc, "node %u: %s", s->node, err_text(rc));
}

void api_fabric_renew(struct dp *dp, const Dp__FabricRenew *q, struct reply *r)
{
	struct fabric_hdr h = {.to = (uint8_t)q->node, .rg = (uint8_t)q->rg, .epoch = q->epoch};
	struct fabric_renew renew = {.duration_ms = q->duration_ms};
	uint8_t room[FABRIC_RENEW_LEN];
	int rc = q->node >= RG_OWNER_NONE || q->rg >= RG_MAX ? -ERR_VALUE : 0;

	if (rc == 0 && q->fence) {
		h.kind = FABRIC_FENCE;
		rc = fabric_transmit(dp, &h, (struct view){0});
	} else if (rc == 0) {
		/* Only what was heard can be echoed. */
		renew.stamp_ns = dp->peers[q->node].stamp_ns;
		h.kind = FABRIC_RENEW;
		fabric_renew_put(room, &renew);
		rc = renew.stamp_ns ? fabric_transmit(dp, &h, view_of(room, sizeof room))
				    : -ERR_NOT_FOUND;
	}
	if (rc < 0)
		reply_fail(r, rc, "node %u: %s", q->node, err_text(rc));
}

/* ---- receiving */

static void tell_peer(struct dp *dp, uint8_t node, uint64_t now_ns)
{
	struct fabric_peer *p = &dp->peers[node];
	Dp__Event e = DP__EVENT__INIT;
	Dp__FabricPeer m = DP__FABRIC_PEER__INIT;
	Dp__RgSet sets[FABRIC_RGS_MAX], *refs[FABRIC_RGS_MAX];

	for (uint32_t i = 0; i < p->beat.n; i++) {
		const struct fabric_rg *g = &p->beat.rgs[i];

		dp__rg_set__init(&sets[i]);
		sets[i].rg = g->rg;
		sets[i].role = g->role == RG_ROLE_ACTIVE ? DP__RG_ROLE__RG_ACTIVE
							 : DP__RG_ROLE__RG_STANDBY;
		sets[i].epoch = g->epoch;
		sets[i].deadline_ns = g->deadline_ns;
		sets[i].owner_node = g->owner;
		refs[i] = &sets[i];
	}
	m.node = node;
	m.up = p->up;
	m.last_heard_ns = p->heard_ns;
	m.control_alive = p->beat.control;
	m.n_rgs = p->beat.n;
	m.rgs = refs;
	e.body_case = DP__EVENT__BODY_FABRIC_PEER;
	e.fabric_peer = &m;
	p->told_ns = now_ns;
	api_event(dp, &e);
}

/* Anything but the time stamps. */
static bool beats_differ(const struct fabric_beat *a, const struct fabric_beat *b)
{
	if (a->n != b->n || a->control != b->control)
		return true;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->rgs[i].rg != b->rgs[i].rg || a->rgs[i].role != b->rgs[i].role ||
			a->rgs[i].epoch != b->rgs[i].epoch || a->rgs[i].owner != b->rgs[i].owner)
			return true;
	return false;
}

static void learn_mac(struct dp *dp, uint8_t node, const uint8_t *mac)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < 6; i++)
		v |= (uint64_t)mac[i] << (8 * i);
	atomic_store_explicit(&dp->sh.fabric_macs[node], v, memory_order_release);
}

static int on_beat(struct dp *dp, const struct fabric_hdr *h, struct view body, uint64_t now_ns)
{
	struct fabric_peer *p = &dp->peers[h->from];
	struct fabric_beat b;
	bool news;
	int rc = fabric_beat_get(body, &b);

	if (rc < 0)
		return rc;
	news = !p->up || beats_differ(&p->beat, &b);
	p->beat = b;
	p->stamp_ns = b.stamp_ns;
	p->heard_ns = now_ns;
	p->up = true;
	if (news)
		tell_peer(dp, h->from, now_ns);
	return 0;
}

/* Rule 5: a headless owner acts on while the standby vouches for it, counted from the moment it
 * spoke itself. */
static int on_renew(struct dp *dp, const struct fabric_hdr *h, struct view body, uint64_t now_ns)
{
	struct fabric_renew r;
	int rc = fabric_renew_get(body, &r);

	if (rc < 0)
		return rc;
	if (r.stamp_ns > now_ns || r.duration_ms > RENEW_MS_MAX)
		return -ERR_VALUE;
	rc = rg_ctl_extend(dp, h->rg, h->epoch, r.stamp_ns + (uint64_t)r.duration_ms * 1000 * 1000);
	return rc == -ERR_EPOCH ? 0 : rc; /* an epoch that is over is no fault of the frame */
}

struct fenced {
	uint8_t to, rg;
	uint64_t epoch;
};

static void answer_fence(struct dp *dp, void *what)
{
	struct fenced *f = what;
	struct fabric_hdr h = {.kind = FABRIC_FENCED, .to = f->to, .rg = f->rg, .epoch = f->epoch};

	(void)fabric_transmit(dp, &h, (struct view){0});
	free(f);
}

/* Stop first, answer when every worker has stopped. */
static int on_fence(struct dp *dp, const struct fabric_hdr *h)
{
	struct fenced *f;

	if (!rg_ctl_fence(dp, h->rg, h->epoch))
		return 0; /* a later owner is not stopped by an old word */
	f = malloc(sizeof *f);
	if (!f)
		return -ERR_NOMEM;
	*f = (struct fenced){h->from, h->rg, h->epoch};
	dp_defer(dp, answer_fence, f, NULL);
	return 0;
}

static void on_fenced(struct dp *dp, const struct fabric_hdr *h)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__Fenced m = DP__FENCED__INIT;

	m.node = h->from;
	m.rg = h->rg;
	m.epoch = h->epoch;
	e.body_case = DP__EVENT__BODY_FENCED;
	e.fenced = &m;
	api_event(dp, &e);
}

static void on_data(struct dp *dp, const struct fabric_hdr *h, struct view body)
{
	Dp__Event e = DP__EVENT__INIT;
	Dp__FabricData m = DP__FABRIC_DATA__INIT;

	m.node = h->from;
	m.data = (ProtobufCBinaryData){body.n, (uint8_t *)(uintptr_t)body.p};
	e.body_case = DP__EVENT__BODY_FABRIC_DATA;
	e.fabric_data = &m;
	api_event(dp, &e);
}

void fabric_receive(struct dp *dp, struct pkt *p)
{
	struct fabric_hdr h;
	struct view body;
	uint64_t now = dp_now();
	int rc = fabric_get(view_of(p->p + ETH_HDR, p->len - ETH_HDR), &h, &body);

	if (rc == 0 && h.from >= RG_OWNER_NONE)
		rc = -ERR_VALUE;
	if (rc == 0)
		learn_mac(dp, h.from, p->p + 6);
	if (rc == 0 && h.kind == FABRIC_HEARTBEAT)
		rc = on_beat(dp, &h, body, now);
	else if (rc == 0 && h.kind == FABRIC_RENEW)
		rc = on_renew(dp, &h, body, now);
	else if (rc == 0 && h.kind == FABRIC_FENCE)
		rc = on_fence(dp, &h);
	else if (rc == 0 && h.kind == FABRIC_FENCED)
		on_fenced(dp, &h);
	else if (rc == 0 && h.kind == FABRIC_DATA)
		on_data(dp, &h, body);
	if (rc < 0)
		count_add(&dp->stats[STAT_DROP_FABRIC], 1);
	pkt_free(p);
}

/* ---- time */

static void peers_step(struct dp *dp, uint64_t now_ns)
{
	for (uint32_t i = 0; i < RG_OWNER_NONE; i++) {
		struct fabric_peer *p = &dp->peers[i];

		if (p->up && now_ns - p->heard_ns > LATE_PERIODS * period_ns(dp)) {
			p->up = false;
			tell_peer(dp, (uint8_t)i, now_ns);
		} else if (p->heard_ns && now_ns - p->told_ns >= TELL_PERIODS * period_ns(dp)) {
			tell_peer(dp, (uint8_t)i, now_ns);
		}
	}
}

void fabric_step(struct dp *dp, uint64_t now_ns)
{
	if (!dp->running || !fabric_iface(dp) || now_ns < dp->next_beat_ns)
		return;
	dp->next_beat_ns = now_ns + period_ns(dp);
	send_beat(dp, now_ns);
	peers_step(dp, now_ns);
}
