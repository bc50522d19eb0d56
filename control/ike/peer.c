#include "ike/peer.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "policy/dn.h"

static int addr_order(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof a->b);
}

static int entry_order(const void *a, const void *b)
{
	const struct peer_entry *x = (const struct peer_entry *)a,
				*y = (const struct peer_entry *)b;
	int d = addr_order(&x->addr, &y->addr);

	return d ? d : x->order < y->order ? -1 : x->order > y->order;
}

void peers_fini(struct peers *p)
{
	free(p->v);
	free((void *)p->dynamic);
	*p = (struct peers){0};
}

static bool answers(const struct model_gateway *m)
{
	return m->version == MODEL_IKE_V2 && m->ike_allowed && !m->unsupported && m->policy;
}

static void peers_add(const struct ike *ike, struct peers *p, struct gateway *gw, uint32_t order)
{
	const struct model_gateway *m = gw->model;
	struct addr v[PEER_ADDRESSES_MAX];
	size_t n;

	if (m->dynamic) {
		p->dynamic[p->n_dynamic++] = gw;
		return;
	}
	n = names_of(ike, m, v);
	for (size_t i = 0; i < n; i++)
		p->v[p->n++] = (struct peer_entry){v[i], order, gw};
}

static size_t entries(const struct ike *ike, const struct model *m)
{
	struct addr v[PEER_ADDRESSES_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_gateways; i++)
		n += names_of(ike, &m->gateways[i], v);
	return n;
}

int peers_build(struct ike *ike)
{
	const struct model *m = ike->model;
	struct peers p = {0};

	p.v = calloc(entries(ike, m) + 1, sizeof *p.v);
	p.dynamic = (struct gateway **)calloc((size_t)m->n_gateways + 1, sizeof(struct gateway *));
	if (!p.v || !p.dynamic) {
		peers_fini(&p);
		return -ERR_NOMEM;
	}
	for (uint32_t i = 0; i < m->n_gateways; i++) {
		struct gateway *gw = gateway_find(ike, m->gateways[i].name);

		if (gw && answers(&m->gateways[i]))
			peers_add(ike, &p, gw, i);
	}
	qsort(p.v, p.n, sizeof *p.v, entry_order);
	peers_fini(&ike->peers);
	ike->peers = p;
	return 0;
}

/* The first entry that is not before that address. */
static uint32_t lower_bound(const struct peers *p, const struct addr *a)
{
	uint32_t lo = 0, hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (addr_order(&p->v[mid].addr, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct gateway *next_static(const struct peers *p, struct peer_walk *w)
{
	while (w->at < p->n && addr_equal(&p->v[w->at].addr, &w->remote)) {
		struct gateway *gw = p->v[w->at++].gw;

		if (addr_equal(&gw->model->local, &w->local))
			return gw;
	}
	return NULL;
}

struct gateway *peer_next(const struct ike *ike, struct peer_walk *w)
{
	const struct peers *p = &ike->peers;
	struct gateway *gw;

	if (!w->begun) {
		w->begun = true;
		w->at = lower_bound(p, &w->remote);
	}
	if (!w->dynamic) {
		gw = next_static(p, w);
		if (gw)
			return gw;
		w->dynamic = true;
		w->at = 0;
	}
	while (w->at < p->n_dynamic) {
		gw = p->dynamic[w->at++];
		if (addr_equal(&gw->model->local, &w->local))
			return gw;
	}
	return NULL;
}

/* A peer that is configured by name was found by what the name means. */
static bool has_names(const struct model_gateway *gw)
{
	for (uint32_t i = 0; i < gw->n_peers; i++)
		if (gw->peers[i].addr.family == 0)
			return true;
	return false;
}

/* It calls itself by the name that it is configured with. */
static bool is_named(const struct model_gateway *gw, const struct pld_id *id)
{
	for (uint32_t i = 0; id->type == ID_FQDN && i < gw->n_peers; i++)
		if (gw->peers[i].addr.family == 0 &&
			view_equal(view_of_text(gw->peers[i].host), id->data))
			return true;
	return false;
}

static bool has_address(const struct model_gateway *gw, const struct addr *a)
{
	for (uint32_t i = 0; i < gw->n_peers; i++)
		if (addr_equal(&gw->peers[i].addr, a))
			return true;
	return false;
}

/* ID-002, ID-006 to ID-009: not told which, any name that the certificate backs. */
static bool dn_is_wanted(const struct model_identity *m, struct view der)
{
	for (uint32_t i = 0; i < m->n_dns; i++)
		if (dn_matches(der, m->dn_how, view_of_text(m->dns[i])))
			return true;
	return m->n_dns == 0;
}

bool peer_id_matches(
	const struct model_gateway *gw, const struct pld_id *id, const struct addr *remote)
{
	struct addr a;

	if (gw->general_ikeid || ident_is(&gw->remote_id, id))
		return true;
	if (gw->user_type == MODEL_USER_GROUP && ident_in_group(&gw->remote_id, id))
		return true;
	if (gw->remote_id.type == MODEL_ID_DN)
		return id->type == ID_DER_ASN1_DN && dn_is_wanted(&gw->remote_id, id->data);
	if (gw->remote_id.type != MODEL_ID_NONE)
		return false;
	if (is_named(gw, id))
		return true;
	/* Not configured: the peer's address, as configured or as seen. */
	if (id->type != ID_IPV4_ADDR && id->type != ID_IPV6_ADDR)
		return false;
	if (addr_from_view(id->data, &a) < 0)
		return false;
	return gw->dynamic || has_names(gw) ? addr_equal(&a, remote) : has_address(gw, &a);
}
