#include "ike/resource.h"
#include "ike/tunnel.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/claims.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/spoke.h"
#include "ike/v2/exchange.h"
#include "ike/v2/resume.h"
#include "ike/v2/select.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  60000
#define QUIET_MS       60000
#define CHILDREN_MAX   64

const char *tunnel_down_text(enum tunnel_down why)
{
	switch (why) {
	case TUNNEL_NO_RESPONSE:
		return "No response from peer";
	case TUNNEL_IKE_PROPOSAL:
		return "Phase1 proposal mismatch detected";
	case TUNNEL_ESP_PROPOSAL:
		return "Phase2 proposal mismatch detected";
	case TUNNEL_AUTH:
		return "Authentication failed";
	case TUNNEL_ID:
		return "ID validation failed";
	case TUNNEL_CERTIFICATE:
		return "Certificate verification failed";
	case TUNNEL_SELECTORS:
		return "Traffic selector mismatch";
	case TUNNEL_CLEARED:
		return "Cleared via CLI";
	case TUNNEL_EXPIRED:
		return "Hard lifetime expired";
	case TUNNEL_DPD:
		return "DPD failover";
	case TUNNEL_PEER_CLOSED:
		return "Deleted by peer";
	case TUNNEL_OTHER:
		return "Negotiation failed";
	case TUNNEL_NEVER:
	default:
		return "Waiting for traffic";
	}
}

struct tunnel *tunnel_find(struct ike *ike, uint32_t policy_id)
{
	struct tunnel *t;

	HASH_FIND(hh, ike->tunnels, &policy_id, sizeof policy_id, t);
	return t;
}

struct gateway *gateway_find(struct ike *ike, const char *name)
{
	struct gateway *gw;

	HASH_FIND(hh, ike->gateways, name, strlen(name), gw);
	return gw;
}

bool tunnel_is_up(const struct tunnel *t)
{
	const struct child *c;

	list_foreach (c, &t->children, of_tunnel)
		if (c->state == CHILD_NEW || c->state == CHILD_UP)
			return true;
	return false;
}

bool tunnel_may_initiate(const struct tunnel *t)
{
	enum model_establish e = t->model->vpn->establish;

	return !t->gw->model->dynamic && t->gw->model->n_peers > 0 &&
	       (e == MODEL_ON_TRAFFIC || e == MODEL_IMMEDIATELY);
}

bool tunnel_may_rekey(const struct tunnel *t)
{
	return !t || t->model->vpn->establish != MODEL_RESPONDER_ONLY_NO_REKEY;
}

/* ---------------------------------------------------------------- the will to be up */

static void retry_arm(struct ike *ike, struct tunnel *t)
{
	uint64_t ms = RETRY_FIRST_MS;

	for (uint32_t i = 1; i < t->failures_in_a_row && ms < RETRY_MOST_MS; i++)
		ms *= 2;
	ms = MIN(ms, (uint64_t)RETRY_MOST_MS);
	/* Spread, so that many tunnels to one peer do not come back as one. */
	ms += env_random32(&ike->cfg.env) % (ms / 4 + 1);
	ike->failed |= timer_arm(&ike->timers, &t->timer, ike->now_ms + ms) < 0;
}

/* The SA that can ask for it now or soon. */
static struct ike_sa *gateway_sa(struct gateway *gw, const struct ike_sa *not_that)
{
	struct ike_sa *sa, *soon = NULL, *up = NULL;

	list_foreach (sa, &gw->sas, of_gw) {
		if (sa == not_that)
			continue;
		/* Without: a rekey that lost against another one, which the peer deletes. */
		if (sa->state == SA_UP && sa->has_children && !sa->want_close && sa->successor == 0)
			up = sa;
		if (sa->initiator && sa->state < SA_UP)
			soon = sa;
	}
	return up ? up : soon;
}

static void asked_none(struct tunnel *t)
{
	free(t->asked);
	t->asked = NULL;
}

/* False without memory. */
static bool asked_set(struct tunnel *t, const struct tsel_pair *what)
{
	if (!t->asked)
		t->asked = malloc(sizeof *t->asked);
	if (t->asked)
		*t->asked = *what;
	return t->asked != NULL;
}

static bool always_up(const struct tunnel *t)
{
	return tunnel_may_initiate(t) && t->model->vpn->establish == MODEL_IMMEDIATELY;
}

bool tunnel_lacks(const struct tunnel *t)
{
	return !tunnel_is_up(t) || (t->asked && !select_tunnel_covers(t, t->asked));
}

void tunnel_want(struct ike *ike, struct tunnel *t)
{
	struct ike_sa *sa;

	if (!tunnel_may_initiate(t) || !tunnel_lacks(t) || !rg_active(ike, t->gw->model->rg))
		return;
	t->wanted = true;
	sa = gateway_sa(t->gw, NULL);
	if (!sa)
		sa = x_init_start(ike, t->gw, t);
	if (!sa)
		tunnel_failed(ike, t, TUNNEL_OTHER);
	else
		sched_work(ike, sa);
}

void tunnel_begin_again(struct ike *ike, uint32_t policy_id)
{
	struct tunnel *t = tunnel_find(ike, policy_id);

	if (!t)
		return;
	timer_cancel(&ike->timers, &t->timer);
	tunnel_want(ike, t);
}

void tunnel_succeeded(struct ike *ike, struct tunnel *t)
{
	t->wanted = false;
	asked_none(t);
	t->negotiated++;
	t->failures_in_a_row = 0;
	t->last_up_wall_ms = ike->wall_ms;
	timer_cancel(&ike->timers, &t->timer);
}

void tunnel_failed(struct ike *ike, struct tunnel *t, enum tunnel_down why)
{
	t->failed++;
	t->down = t->last_failure = why;
	t->last_fail_wall_ms = ike->wall_ms;
	ike->stats.child_failed++;
	asked_none(t);
	if (tunnel_is_up(t)) { /* one more than there are: not at once again */
		t->wanted = false;
		t->quiet_until_ms = ike->now_ms + QUIET_MS;
		return;
	}
	t->failures_in_a_row++;
	/* The rest waits for the next packet that asks. */
	t->wanted = always_up(t);
	if (t->wanted)
		retry_arm(ike, t);
}

static void tunnel_fill(struct ike *ike, struct tunnel *t);

void tunnel_lost(struct ike *ike, struct tunnel *t, enum tunnel_down why)
{
	if (tunnel_is_up(t)) {
		if (t->split && t->listed)
			tunnel_fill(ike, t);
		return;
	}
	t->down = why;
	t->single = t->split = false;
	if (!always_up(t) || !t->listed)
		return;
	t->wanted = true;
	retry_arm(ike, t);
}

/* ---------------------------------------------------------------- more than one SA */

void tunnel_ask(struct ike *ike, struct tunnel *t, const struct tsel_pair *packet)
{
	const struct child *c;
	uint32_t n = 0;

	if (!tunnel_may_initiate(t) || timer_is_armed(&t->timer))
		return;
	list_foreach (c, &t->children, of_tunnel)
		n += c->resource == 0 && (c->state == CHILD_NEW || c->state == CHILD_UP);
	if (n != 0 && (n >= CHILDREN_MAX || ike->now_ms < t->quiet_until_ms))
		return;
	if (!asked_set(t, packet))
		ike->failed = true;
	else if (tunnel_lacks(t))
		tunnel_want(ike, t);
	else
		asked_none(t);
}

/* The next flow that no SA has, if it must always be up. */
static bool gap_find(struct tunnel *t, const struct ike_sa *sa)
{
	struct select_flows own;

	select_flows(t, sa, &own);
	while (t->next_flow < own.n) {
		const struct tsel_pair *flow = &own.v[t->next_flow++];

		if (!select_tunnel_covers(t, flow))
			return asked_set(t, flow);
	}
	return false;
}

static void tunnel_fill(struct ike *ike, struct tunnel *t)
{
	struct ike_sa *sa = gateway_sa(t->gw, NULL);

	t->next_flow = 0;
	if (!always_up(t) || !sa || sa->state != SA_UP || !gap_find(t, sa))
		return;
	t->wanted = true;
	sched_work(ike, sa);
}

void tunnel_look_further(struct tunnel *t, const struct ike_sa *sa, bool told)
{
	struct tsel_sides ts;
	bool part = false;

	if (!always_up(t) || (select_offer(t, sa, NULL, &ts, &part) == 0 && !part && !told))
		return;
	if (!t->split)
		t->next_flow = 0;
	t->split = true;
	/* Each flow is asked for once: what the peer cuts off stays away. */
	t->wanted = gap_find(t, sa);
	if (!t->wanted)
		asked_none(t);
}

bool tunnel_single(struct tunnel *t)
{
	if (t->single || !t->asked)
		return false;
	t->single = t->wanted = true;
	return true;
}

void gateway_lost(
	struct ike *ike, struct gateway *gw, const struct ike_sa *lost, enum tunnel_down why)
{
	struct ike_sa *other = gateway_sa(gw, lost);
	struct tunnel *t;

	/* DPD-004: a backup is left when it dies, for the next address; after any other end we
	 * begin with the primary again. */
	if (why != TUNNEL_DPD && why != TUNNEL_NO_RESPONSE)
		gw->peer_at = 0;
	if (other) {
		sched_work(ike, other);
		return;
	}
	list_foreach (t, &gw->tunnels, of_gw)
		if (t->wanted && tunnel_lacks(t) && !timer_is_armed(&t->timer))
			tunnel_failed(ike, t, why);
}

void gateway_again(struct ike *ike, struct gateway *gw)
{
	struct tunnel *t;

	list_foreach (t, &gw->tunnels, of_gw)
		if ((t->wanted || always_up(t)) && tunnel_lacks(t) && list_is_empty(&gw->sas))
			tunnel_begin_again(ike, t->policy_id);
}

void gateway_failed(struct ike *ike, struct gateway *gw, enum tunnel_down why)
{
	struct addr v[PEER_ADDRESSES_MAX];
	size_t n = names_of(ike, gw->model, v);
	struct tunnel *t;

	redirect_forget(gw);
	/* DPD-004: the next of its addresses, if there are more. */
	if (n > 1)
		gw->peer_at = (gw->peer_at + 1) % (uint32_t)n;
	list_foreach (t, &gw->tunnels, of_gw)
		if (t->wanted && tunnel_lacks(t))
			tunnel_failed(ike, t, why);
}

void tunnels_start(struct ike *ike, uint32_t rg)
{
	struct tunnel *t, *next;

	map_foreach (ike->tunnels, t, next) {
		if (always_up(t) && (rg == UINT32_MAX || rg == t->gw->model->rg) &&
			!timer_is_armed(&t->timer))
			tunnel_want(ike, t);
	}
}

/* ---------------------------------------------------------------- configuration */

void tunnel_drop(struct ike *ike, struct tunnel *t)
{
	struct tunnel *copy, *next;

	/* They are not in the configuration either, and go next. */
	list_foreach_safe (copy, next, &t->copies, of_copies) {
		list_del(&copy->of_copies);
		copy->of = NULL;
	}
	timer_cancel(&ike->timers, &t->timer);
	list_del(&t->of_gw);
	list_del(&t->of_copies);
	HASH_DELETE(hh, ike->tunnels, t);
	free(t->asked);
	free(t);
}

static void gateway_free(struct ike *ike, struct gateway *gw)
{
	while (gw->spokes)
		spoke_free(ike, gw->spokes);
	ticket_forget(gw);
	HASH_DELETE(hh, ike->gateways, gw);
	free(gw->name);
	free(gw);
}

static struct gateway *gateway_get(struct ike *ike, const struct model_gateway *m)
{
	struct gateway *gw = gateway_find(ike, m->name);

	if (gw)
		return gw;
	gw = calloc(1, sizeof *gw);
	if (!gw)
		return NULL;
	gw->name = strdup(m->name);
	if (!gw->name) {
		free(gw);
		return NULL;
	}
	list_init(&gw->sas);
	list_init(&gw->tunnels);
	list_init(&gw->idle);
	HASH_ADD_KEYPTR(hh, ike->gateways, gw->name, strlen(gw->name), gw);
	return gw;
}

static struct tunnel *tunnel_new(struct ike *ike, uint32_t policy_id)
{
	struct tunnel *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->policy_id = policy_id;
	t->timer.kind = TIMER_TUNNEL;
	list_init(&t->of_gw);
	list_init(&t->copies);
	list_init(&t->of_copies);
	list_init(&t->children);
	HASH_ADD(hh, ike->tunnels, policy_id, sizeof t->policy_id, t);
	return t;
}

struct tunnel *tunnel_new_for(
	struct ike *ike, struct gateway *spoke, struct tunnel *of, uint32_t policy_id)
{
	struct tunnel *t = tunnel_new(ike, policy_id);

	if (!t)
		return NULL;
	t->id = policy_id;
	t->of = of;
	t->model = of->model;
	t->gw = spoke;
	t->listed = true;
	list_add_tail(&of->copies, &t->of_copies);
	list_add_tail(&spoke->tunnels, &t->of_gw);
	return t;
}

/* Their children lose the tunnel before the old model goes. */
static void tunnel_unlisted(struct ike *ike, struct tunnel *t)
{
	struct child *c, *next;

	list_foreach_safe (c, next, &t->children, of_tunnel) {
		claims_remove(c);
		list_del(&c->of_tunnel);
		c->tunnel = NULL;
		c->want_delete = true;
		c->want_rekey = false;
		sched_work(ike, c->sa);
	}
	tunnel_drop(ike, t);
}

static struct tunnel *tunnel_get(struct ike *ike, uint32_t policy_id)
{
	struct tunnel *t = tunnel_find(ike, policy_id);

	if (t && t->of) { /* a number drawn for a spoke that is one of the configuration now */
		tunnel_unlisted(ike, t);
		t = NULL;
	}
	return t ? t : tunnel_new(ike, policy_id);
}

static bool is_ours(const struct model_gateway *m)
{
	return m->version == MODEL_IKE_V2 && !m->unsupported && m->policy;
}

static bool same_peer(const struct model_gateway *a, const struct model_gateway *b)
{
	/* FRG-008: whether and how messages are cut is agreed anew. */
	if (a->fragmentation != b->fragmentation || a->fragment_size != b->fragment_size)
		return false;
	if (a->n_peers != b->n_peers || !addr_equal(&a->local, &b->local) || a->rg != b->rg ||
		a->dynamic != b->dynamic)
		return false;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (!addr_equal(&a->peers[i].addr, &b->peers[i].addr) ||
			(a->peers[i].addr.family == 0 &&
				strcmp(a->peers[i].host, b->peers[i].host) != 0))
			return false;
	return true;
}

static void gateway_close(struct ike *ike, struct gateway *gw)
{
	struct ike_sa *sa, *next;

	for (struct gateway *s = gw->spokes; s; s = s->of_parent.next)
		gateway_close(ike, s);
	list_foreach_safe (sa, next, &gw->sas, of_gw) {
		if (sa->state < SA_UP) {
			(void)fsm_on(ike, sa, ON_EXPIRED);
			continue;
		}
		sa->want_close = true;
		sched_work(ike, sa);
	}
}

static void gateway_take(struct gateway *gw, const struct model_gateway *m)
{
	gw->model = m;
	gw->listed = true;
	for (struct gateway *s = gw->spokes; s; s = s->of_parent.next)
		s->model = m;
}

static int gateways_configure(struct ike *ike)
{
	for (uint32_t i = 0; i < ike->model->n_gateways; i++) {
		const struct model_gateway *m = &ike->model->gateways[i];
		struct gateway *gw = is_ours(m) ? gateway_get(ike, m) : NULL;

		if (!is_ours(m))
			continue;
		if (!gw)
			return -ERR_NOMEM;
		if (gw->model && !same_peer(gw->model, m)) {
			gateway_close(ike, gw);
			gw->peer_at = 0;
		}
		gateway_take(gw, m);
	}
	return 0;
}

static bool same_install(const struct model_vpn *a, const struct model_vpn *b)
{
	return a->df == b->df && a->ttl == b->ttl && a->copy_ttl == b->copy_ttl &&
	       a->fixed_tos == b->fixed_tos && a->tos == b->tos &&
	       a->copy_outer_dscp == b->copy_outer_dscp && a->tunnel_mtu == b->tunnel_mtu &&
	       a->no_packet_too_big == b->no_packet_too_big && a->udp_port == b->udp_port &&
	       a->per_worker == b->per_worker;
}

/* What outer headers look like, and who may ask for more, needs no new keys: the SAs that are there
 * take it over. The old model is still alive here. */
static void outer_configure(struct ike *ike, struct tunnel *t, const struct model_vpn *was)
{
	struct child *c;

	if (!was || same_install(was, t->model->vpn))
		return;
	list_foreach (c, &t->children, of_tunnel)
		if (c->installed)
			txn_install(ike, c);
}

/* Copies of a tunnel whose VPN has another gateway now go with the others that are not listed. */
static void tunnel_take(struct ike *ike, struct tunnel *t, const struct model_selector *m)
{
	const struct model_vpn *was = t->model ? t->model->vpn : NULL;
	struct tunnel *copy;

	t->model = m;
	t->listed = true;
	outer_configure(ike, t, was);
	list_foreach (copy, &t->copies, of_copies)
		if (copy->gw->parent == t->gw)
			tunnel_take(ike, copy, m);
}

static int vpn_configure(struct ike *ike, const struct model_vpn *vpn, uint32_t *id)
{
	struct gateway *gw = vpn->gateway ? gateway_find(ike, vpn->gateway->name) : NULL;

	if (vpn->manual) /* not ours, but numbered with the others */
		*id += vpn->n_selectors;
	if (!gw || !vpn->policy)
		return 0;
	for (uint32_t i = 0; i < vpn->n_selectors; i++) {
		const struct model_selector *m = &vpn->selectors[i];
		struct tunnel *t = tunnel_get(ike, m->policy_id);

		if (!t)
			return -ERR_NOMEM;
		t->id = (*id)++;
		t->gw = gw;
		list_del(&t->of_gw);
		list_add_tail(&gw->tunnels, &t->of_gw);
		tunnel_take(ike, t, m);
	}
	return 0;
}

static void sas_end(struct ike *ike, struct gateway *gw)
{
	struct ike_sa *sa, *next;

	list_foreach_safe (sa, next, &gw->sas, of_gw)
		(void)fsm_on(ike, sa, ON_TIMEOUT);
	list_foreach_safe (sa, next, &gw->sas, of_gw)
		sa_attach(ike, sa, NULL);
}

/* Nothing of the old model may be pointed to afterwards: SAs of a gateway that is gone die now,
 * without a word to the peer but with their records. */
static void gateway_unlisted(struct ike *ike, struct gateway *gw)
{
	for (struct gateway *s = gw->spokes; s; s = s->of_parent.next)
		sas_end(ike, s);
	sas_end(ike, gw);
	gateway_free(ike, gw);
}

static void unlist_all(struct ike *ike)
{
	struct gateway *gw, *next_gw;
	struct tunnel *t, *next_t;

	map_foreach (ike->gateways, gw, next_gw)
		gw->listed = false;
	map_foreach (ike->tunnels, t, next_t)
		t->listed = false;
}

/* What was refused was asked for by the old one. */
static void refused_end(struct ike *ike)
{
	struct ike_sa *sa, *next;

	map_foreach (ike->sas, sa, next)
		if (sa->state == SA_INIT_SENT && sa->half->refused != 0)
			(void)fsm_on(ike, sa, ON_LINGER);
}

int tunnels_configure(struct ike *ike)
{
	uint32_t id = TUNNEL_FIRST_ID;
	struct gateway *gw, *next_gw;
	struct tunnel *t, *next_t;
	int rc;

	unlist_all(ike);
	peers_fini(&ike->peers); /* points to gateways that may go */
	rc = gateways_configure(ike);
	for (uint32_t i = 0; rc == 0 && i < ike->model->n_vpns; i++)
		rc = vpn_configure(ike, &ike->model->vpns[i], &id);
	map_foreach (ike->tunnels, t, next_t)
		if (!t->listed)
			tunnel_unlisted(ike, t);
	map_foreach (ike->gateways, gw, next_gw)
		if (!gw->listed)
			gateway_unlisted(ike, gw);
	names_prune(ike);
	if (rc == 0)
		rc = peers_build(ike);
	refused_end(ike);
	tunnels_start(ike, UINT32_MAX);
	resource_check(ike);
	return rc;
}

void tunnels_fini(struct ike *ike)
{
	struct gateway *gw, *next_gw;
	struct tunnel *t, *next_t;

	map_foreach (ike->tunnels, t, next_t)
		tunnel_drop(ike, t);
	map_foreach (ike->gateways, gw, next_gw)
		gateway_free(ike, gw);
	peers_fini(&ike->peers);
}
