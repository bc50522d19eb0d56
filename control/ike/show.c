#include "ike/show.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/filter.h"
#include "ike/names.h"
#include "ike/record.h"
#include "ike/schedule.h"

static uint16_t id_of(const struct alg *a)
{
	return a ? a->id : 0;
}

static uint32_t seconds_to(uint64_t at_ms, uint64_t now_ms)
{
	return at_ms > now_ms ? (uint32_t)((at_ms - now_ms) / 1000) : 0;
}

static const char *gateway_name(const struct ike_sa *sa)
{
	return sa->gw ? sa->gw->name : "";
}

static int by_index(const void *a, const void *b)
{
	const struct ike_sa *x = *(struct ike_sa *const *)a, *y = *(struct ike_sa *const *)b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* REA-010: what is left to the next rekey of ours, and the rekeys that come before it. */
static uint32_t reauth_s(const struct ike_sa *sa, uint64_t now_ms)
{
	const struct model_ike_policy *p = sa->gw ? sa->gw->model->policy : NULL;
	uint64_t one = p ? sched_soft_ms(sa) : 0;

	if (!p || p->reauth_frequency == 0 || sa->at_soft == 0)
		return 0;
	if (sa->rekeys + 1 >= p->reauth_frequency)
		return seconds_to(sa->at_soft, now_ms);
	return seconds_to(sa->at_soft + (p->reauth_frequency - sa->rekeys - 1) * one, now_ms);
}

static void fill_sa(const struct ike_sa *sa, uint64_t now_ms, struct ike_sa_row *r)
{
	*r = (struct ike_sa_row){.index = sa->index,
		.rg = sa->rg,
		.peer = sa->gw && sa->gw->parent ? sa->gw->number : 0,
		.up = sa->state == SA_UP || sa->state == SA_REKEYED,
		.initiator = sa->initiator,
		.spi_i = sa_spi_i(sa),
		.spi_r = sa_spi_r(sa),
		.local = sa->local,
		.remote = sa->remote,
		.gateway = gateway_name(sa),
		.expires_s = seconds_to(sa->at_hard, now_ms),
		.reauth_frequency = sa->gw ? sa->gw->model->policy->reauth_frequency : 0,
		.reauth_s = reauth_s(sa, now_ms),
		.rekeys = sa->rekeys,
		.auth_method = sa->auth_method,
		.peer_subject = sa->peer_cert ? sa->peer_cert->subject : "",
		.reauths = sa->reauths,
		.fragmentation = (sa->supports & SA_FRAGMENTATION) != 0,
		.fragment_size = sa->gw ? sa->gw->model->fragment_size : 0,
		.nat_local = sa->nat_local,
		.nat_remote = sa->nat_remote,
		.encr = id_of(sa->suite.encr),
		.key_bits = sa->suite.encr ? sa->suite.encr->key_bits : 0,
		.integ = id_of(sa->suite.integ),
		.prf = id_of(sa->suite.prf),
		.dh = id_of(sa->suite.dh),
		.in_bytes = sa->count.in_bytes,
		.out_bytes = sa->count.out_bytes,
		.in_packets = sa->count.in_packets,
		.out_packets = sa->count.out_packets,
		.in_fragments = sa->count.in_fragments,
		.out_fragments = sa->count.out_fragments,
		.children_created = sa->children_created,
		.children_deleted = sa->children_deleted,
		.next_send_mid = sa->next_tx,
		.next_receive_mid = sa->next_rx,
		.negotiating = sa->out &&
			       (sa->out->kind == EXCH_CHILD || sa->out->kind == EXCH_CHILD_REKEY),
		.negotiating_mid = sa->out ? sa->out->mid : 0,
		.established_unix_s = sa->established_wall_ms / 1000};
}

int ike_show_sas(struct ike *ike, const struct ike_filter *f, uint64_t now_ms,
	void (*each)(void *ctx, const struct ike_sa_row *row), void *ctx)
{
	struct ike_sa *sa, *tmp;
	struct ike_sa **list = calloc(HASH_COUNT(ike->sas) + 1, sizeof(struct ike_sa *));
	char local[IDENT_TEXT_MAX], peer[IDENT_TEXT_MAX];
	size_t n = 0;

	if (!list)
		return -ERR_NOMEM;
	map_foreach (ike->sas, sa, tmp)
		if (sa->state != SA_CLOSED && sa->state != SA_REFUSED && sa->state != SA_GONE &&
			filter_fits_sa(f, sa))
			list[n++] = sa;
	qsort((void *)list, n, sizeof(struct ike_sa *), by_index);
	for (size_t i = 0; i < n; i++) {
		struct ike_sa_row row;

		fill_sa(list[i], now_ms, &row);
		row.local_id = ident_text(&list[i]->local_id, local);
		row.peer_id = ident_text(&list[i]->remote_id, peer);
		each(ctx, &row);
	}
	free((void *)list);
	return 0;
}

static void fill_child(const struct child *c, uint64_t now_ms, struct ike_child_row *r)
{
	const struct tunnel *t = c->tunnel;

	*r = (struct ike_child_row){.index = t->id,
		.rg = c->sa->rg,
		.ike_index = c->sa->index,
		.spi_in = c->spi_in,
		.spi_out = c->spi_out,
		.initiator = c->initiator,
		.installed = c->installed,
		.outbound = c->outbound,
		.replaced = c->state == CHILD_REPLACED,
		.resource = c->resource,
		.local = c->sa->local,
		.remote = c->sa->remote,
		.natt = c->sa->natt,
		.selector = t->model,
		.gateway = gateway_name(c->sa),
		.local_ts = c->local_ts->v,
		.remote_ts = c->remote_ts->v,
		.n_local_ts = c->local_ts->n,
		.n_remote_ts = c->remote_ts->n,
		.transport = c->transport,
		.encr = id_of(c->suite.encr),
		.key_bits = c->suite.encr ? c->suite.encr->key_bits : 0,
		.integ = id_of(c->suite.integ),
		.esn = c->suite.esn,
		.replay_window = t->model ? t->model->vpn->replay_window : 0,
		.hard_s = seconds_to(c->at_hard, now_ms),
		.soft_s = seconds_to(c->at_soft, now_ms),
		.lifetime_kb = c->suite.lifetime_kb,
		.negotiations = t->negotiated,
		.failures = t->failed,
		.last_up_unix_s = t->last_up_wall_ms / 1000,
		.last_fail_unix_s = t->last_fail_wall_ms / 1000,
		.last_failure = t->failed ? tunnel_down_text(t->last_failure) : NULL};
}

static int child_by_index(const void *a, const void *b)
{
	const struct child *x = *(struct child *const *)a, *y = *(struct child *const *)b;

	if (x->tunnel->id != y->tunnel->id)
		return x->tunnel->id < y->tunnel->id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int ike_show_children(struct ike *ike, const struct ike_filter *f, uint64_t now_ms,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx)
{
	struct child **list = calloc(HASH_COUNT(ike->children) + 1, sizeof(struct child *));
	struct child *c, *tmp;
	size_t n = 0;

	if (!list)
		return -ERR_NOMEM;
	map_foreach (ike->children, c, tmp)
		if (c->state != CHILD_GONE && c->state != CHILD_NEW && filter_fits_child(f, c))
			list[n++] = c;
	qsort((void *)list, n, sizeof(struct child *), child_by_index);
	for (size_t i = 0; i < n; i++) {
		struct ike_child_row row;

		fill_child(list[i], now_ms, &row);
		each(ctx, &row);
	}
	free((void *)list);
	return 0;
}

/* ---------------------------------------------------------------- what is not there */

/* What never failed waits for somebody. */
static const char *reason_of(struct ike *ike, const struct tunnel *t)
{
	struct addr v[PEER_ADDRESSES_MAX];

	if (t->down != TUNNEL_NEVER)
		return tunnel_down_text(t->down);
	if (t->gw->model->dynamic || t->model->vpn->establish >= MODEL_RESPONDER_ONLY)
		return "Responder-only waiting for peer";
	if (names_of(ike, t->gw->model, v) == 0)
		return "Peer address not reachable";
	return tunnel_down_text(t->wanted ? TUNNEL_NO_RESPONSE : TUNNEL_NEVER);
}

static void fill_inactive(struct ike *ike, const struct tunnel *t, struct ike_inactive_row *r)
{
	const struct gateway *gw = t->gw;
	struct addr v[PEER_ADDRESSES_MAX];
	size_t n = names_of(ike, gw->model, v);

	*r = (struct ike_inactive_row){.index = t->id,
		.selector = t->model,
		.gateway = gw->name,
		.local = gw->model->local,
		.immediately = t->model->vpn->establish == MODEL_IMMEDIATELY,
		.negotiations = t->negotiated,
		.failures = t->failed,
		.last_up_unix_s = t->last_up_wall_ms / 1000,
		.last_fail_unix_s = t->last_fail_wall_ms / 1000,
		.reason = reason_of(ike, t)};
	if (n > 0)
		r->remote = v[gw->peer_at % n];
}

static bool is_inactive(struct ike *ike, const struct tunnel *t)
{
	const struct child *c;

	if (!t->listed || !rg_active(ike, t->gw->model->rg) || !list_is_empty(&t->copies))
		return false;
	list_foreach (c, &t->children, of_tunnel)
		if (c->state != CHILD_GONE && c->state != CHILD_NEW)
			return false;
	return true;
}

static int tunnel_by_id(const void *a, const void *b)
{
	const struct tunnel *x = *(struct tunnel *const *)a, *y = *(struct tunnel *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int ike_show_inactive(
	struct ike *ike, void (*each)(void *ctx, const struct ike_inactive_row *row), void *ctx)
{
	struct tunnel **list = calloc(HASH_COUNT(ike->tunnels) + 1, sizeof(struct tunnel *));
	struct tunnel *t, *tmp;
	size_t n = 0;

	if (!list)
		return -ERR_NOMEM;
	map_foreach (ike->tunnels, t, tmp)
		if (is_inactive(ike, t))
			list[n++] = t;
	qsort((void *)list, n, sizeof(struct tunnel *), tunnel_by_id);
	for (size_t i = 0; i < n; i++) {
		struct ike_inactive_row row;

		fill_inactive(ike, list[i], &row);
		each(ctx, &row);
	}
	free((void *)list);
	return 0;
}

bool ike_knows(struct ike *ike, struct view key)
{
	return record_key_find_sa(ike, key) || record_key_find_child(ike, key);
}

const struct ike_stats *ike_show_stats(const struct ike *ike)
{
	return &ike->stats;
}

struct ike_held ike_show_held(const struct ike *ike)
{
	return (struct ike_held){ike->half_open, HASH_COUNT(ike->sas), HASH_COUNT(ike->children)};
}
