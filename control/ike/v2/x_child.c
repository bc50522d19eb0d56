/*
 * Child SAs (RFC 7296 1.2, 1.3.1, 1.3.3, 2.9): choosing, narrowing, making, rekeying.
 */
#include <inttypes.h>

#include "base/err.h"
#include "ike/claims.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/resource.h"
#include "ike/schedule.h"
#include "ike/spoke.h"
#include "ike/tx.h"
#include "ike/v2/collide.h"
#include "ike/v2/exchange.h"
#include "ike/v2/reauth.h"
#include "ike/v2/select.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"

#define REKEY_AGAIN_MS 10000
#define ALIKE_MAX      32

static bool has_nat(const struct ike_sa *sa)
{
	return sa->nat_local || sa->nat_remote;
}

static struct esp_terms terms_of(const struct ike_sa *sa, bool with_dh)
{
	return (struct esp_terms){.with_dh = with_dh, .no_ah = has_nat(sa)};
}

static const char nat_and_ah[] = "AH cannot pass the NAT that is on the way";
static const char nat_and_transport[] = "transport mode is not possible through a NAT";

int child_offer(struct ike *ike, struct writer *w, const struct ike_sa *sa, const struct tunnel *t,
	const struct child_terms *terms)
{
	const struct model_vpn *vpn = t->model->vpn;
	const struct child *base = terms->resource && !terms->old ? resource_fallback(t) : NULL;
	struct tsel_sides ts;
	bool part;
	int rc = base ? select_same(base, &ts) : select_offer(t, sa, terms->old, &ts, &part);

	if (rc < 0)
		return rc;
	if (vpn->transport && has_nat(sa)) {
		sa_warn(ike, sa, "child.refused", "reason=\"%s\"", nat_and_transport);
		return -ERR_UNSUPPORTED;
	}
	writer_open(w, PLD_SA);
	rc = offer_esp(&w->e, vpn->policy, terms_of(sa, terms->with_dh), terms->spi);
	writer_close(w);
	if (rc < 0) {
		sa_warn(ike, sa, "child.refused", "reason=\"%s\"",
			has_nat(sa) ? nat_and_ah : err_text(rc)); /* PRO-004 */
		return rc;
	}
	select_write(w, true, &ts);
	if (vpn->transport)
		tx_notify(w, N_USE_TRANSPORT_MODE, (struct view){0});
	return 0;
}

/* ---------------------------------------------------------------- choosing */

struct chosen {
	struct tunnel *t;
	struct esp_suite suite;
	struct choice choice;
	struct tsel_sides ts;
	bool more;		  /* there is some of what was wanted for another SA */
	const struct child *base; /* that it is beside: resource.h */
};

struct wanted {
	struct pld_sa sa;
	struct tsel_sides ts;
	struct esp_terms terms;
	bool transport;
	bool beside; /* RFC 9611: one more like one that is there */
};

/* TSi is the asking peer's side: what is remote to us. */
static int wanted_read(const struct ike_sa *sa, const struct rx *rx, bool with_dh, struct wanted *w)
{
	const struct payload *p = chain_find(rx->chain, PLD_SA);

	if (!p || pld_sa_parse(p->body, SA_OFFER, &w->sa) < 0)
		return -ERR_SYNTAX;
	w->terms = terms_of(sa, with_dh);
	w->terms.asked = true;
	w->transport = rx->notes.use_transport;
	w->beside = rx->notes.resource;
	return select_read(rx, false, &w->ts);
}

static int tunnel_fits(
	struct tunnel *t, const struct ike_sa *sa, const struct wanted *w, struct chosen *out)
{
	const struct model_vpn *vpn = t->model->vpn;
	int rc = select_agree(t, sa, &w->ts, &out->ts, &out->more);

	if (rc < 0)
		return rc;
	out->t = t;
	/* A peer that asks for transport mode takes a tunnel as well (1.3.1); a VPN of ours that is
	 * for the two ends alone does not. */
	if (vpn->transport && (!w->transport || has_nat(sa)))
		return -ERR_NO_PROPOSAL;
	return negotiate_esp(vpn->policy, w->terms, &w->sa, &out->suite, &out->choice);
}

/* What a peer asks for. */
struct asking {
	const struct ike_sa *sa;
	const struct tsel_sides *ts;
};

static bool has_it(const struct child *c, const void *ctx)
{
	const struct asking *a = (const struct asking *)ctx;

	if (c->state != CHILD_NEW && c->state != CHILD_UP)
		return false;
	if (c->sa == a->sa || ident_equal(&c->sa->remote_id, &a->sa->remote_id))
		return false;
	return tsel_meet(c->remote_ts->v, c->remote_ts->n, a->ts->remote, a->ts->n_remote) &&
	       tsel_meet(c->local_ts->v, c->local_ts->n, a->ts->local, a->ts->n_local);
}

/*
 * Two peers of one tunnel (spokes, behind one NAT perhaps) ask for the same inner addresses: a
 * packet to them could go to either. Who came first keeps them. The same identity again is the same
 * peer come back, and the newer serves. Without named selectors it is the next hop that decides
 * between peers, and all may ask for everything.
 */
static bool is_taken(const struct ike_sa *sa, const struct chosen *ch)
{
	const struct asking a = {sa, &ch->ts};
	const struct child *c;

	if (!ch->t->model->vpn->has_selectors)
		return false;
	for (uint32_t i = 0; i < ch->ts.n_remote; i++)
		if (claims_any(ch->t, &ch->ts.remote[i], has_it, &a))
			return true;
	list_foreach (c, &ch->t->children, of_tunnel)
		if (has_it(c, &a))
			return true;
	return false;
}

/* In which turn a tunnel is tried: one that has the first choice (2.9), one that is not up yet. */
static int turn_of(const struct ike_sa *sa, const struct wanted *w, struct tunnel *t)
{
	const struct tunnel *own = spoke_tunnel_find(sa->gw, t);

	return (select_has_first(t, sa, &w->ts) ? 0 : 2) + (own && tunnel_is_up(own) ? 1 : 0);
}

/* In each turn in the order of the configuration. */
static int choose_any(struct ike_sa *sa, const struct wanted *w, struct chosen *out)
{
	const struct gateway *gw = sa->gw->parent ? sa->gw->parent : sa->gw;
	struct tunnel *t;
	int best = -ERR_TS;

	for (int turn = 0; turn < 4; turn++) {
		list_foreach (t, &gw->tunnels, of_gw) {
			int rc;

			if (turn_of(sa, w, t) != turn)
				continue;
			rc = tunnel_fits(t, sa, w, out);
			if (rc == 0 && !is_taken(sa, out))
				return 0;
			rc = rc == 0 ? -ERR_EXISTS : rc;
			best = rc == -ERR_TS ? best : rc;
		}
	}
	return best;
}

/* In any order. */
static bool is_same(const struct tsel_set *s, const struct tsel *v, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t k = 0; k < n; k++)
			if (tsel_equal(&s->v[i], &v[k])) {
				found++;
				break;
			}
	return s->n == n && found == n;
}

/* RFC 9611 3: the tunnel whose fallback has the same selectors. */
static bool choose_beside(const struct ike_sa *sa, const struct wanted *w, struct chosen *out)
{
	const struct child *c;

	list_foreach (c, &sa->children, of_sa) {
		if (!c->tunnel || c->resource != 0 || c->state == CHILD_REPLACED ||
			tunnel_fits(c->tunnel, sa, w, out) < 0 ||
			!is_same(c->local_ts, out->ts.local, out->ts.n_local) ||
			!is_same(c->remote_ts, out->ts.remote, out->ts.n_remote))
			continue;
		out->base = c;
		return true;
	}
	return false;
}

static int choose(
	struct ike_sa *sa, const struct wanted *w, const struct child *old, struct chosen *out)
{
	out->base = NULL;
	if (!old && w->beside && choose_beside(sa, w, out))
		return 0;
	if (!old)
		return choose_any(sa, w, out);
	return old->tunnel ? tunnel_fits(old->tunnel, sa, w, out) : -ERR_TS;
}

/* Another tunnel of the configuration has some of it, too. */
static bool another_fits(const struct ike_sa *sa, const struct wanted *w, const struct tunnel *than)
{
	const struct gateway *gw = sa->gw->parent ? sa->gw->parent : sa->gw;
	const struct tunnel *t;
	struct tsel_sides ts;
	bool more;

	list_foreach (t, &gw->tunnels, of_gw)
		if (t != than && t != than->of && select_agree(t, sa, &w->ts, &ts, &more) == 0)
			return true;
	return false;
}

/* What was chosen is of the configuration: it becomes the peer's own. */
static int chosen_settle(struct ike *ike, struct ike_sa *sa, struct chosen *ch)
{
	if (!ch->t->of)
		ch->t = spoke_tunnel(ike, sa->gw, ch->t, 0);
	return ch->t ? 0 : -ERR_NOMEM;
}

/* ---------------------------------------------------------------- making */

static int child_key(
	struct ike *ike, const struct ike_sa *sa, struct child *c, const struct keymat_child_in *in)
{
	(void)sa;
	return keymat_child(ike->cfg.crypto, &c->suite, in, &c->keys);
}

struct recipe {
	const struct chosen *chosen;
	uint32_t spi_in;
	struct view ni, nr, shared;
	bool ours;     /* we asked */
	bool replaces; /* an older child that serves meanwhile */
	const struct child *old;
	uint8_t resource;
};

static uint32_t spi32(struct view v)
{
	return v.n == 4 ? (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 |
				  v.p[3]
			: 0;
}

/* Another that sends the same, so that this one need not before the peer has it. */
static bool has_twin(const struct child *c)
{
	const struct child *o;

	list_foreach (o, &c->tunnel->children, of_tunnel)
		if (o != c && o->sa == c->sa && o->state == CHILD_UP && o->outbound &&
			tsel_set_equal(o->local_ts, c->local_ts) &&
			tsel_set_equal(o->remote_ts, c->remote_ts))
			return true;
	return false;
}

static int child_make(
	struct ike *ike, struct ike_sa *sa, const struct recipe *r, struct child **out)
{
	const struct keymat_child_in in = {.prf = sa->suite.prf->id,
		.sk_d = sa_key(sa, SK_D),
		.ni = r->ni,
		.nr = r->nr,
		.shared = r->shared};
	const struct rg_state *rg = rg_active(ike, sa->rg);
	struct child *c = child_new(ike, sa, r->chosen->t, r->spi_in);
	const struct child *sibling;
	int rc;

	if (!c)
		return -ERR_NOMEM;
	c->suite = r->chosen->suite;
	c->transport = r->chosen->t->model->vpn->transport;
	c->spi_out = spi32(r->chosen->choice.spi);
	c->initiator = r->ours;
	/* Architecture rule 10: the answering end switches on the first packet. Where there is
	 * nothing to switch from, sending early loses less than not sending. */
	sibling = child_sibling(c);
	c->outbound = r->ours || (!r->replaces && !(sibling && sibling->outbound));
	c->resource = r->resource;
	c->full = r->old && r->old->full;
	c->keys_swapped = !r->ours;
	c->order = ike->next_order++;
	c->lease_epoch = rg ? rg->epoch : 0;
	memcpy(c->udp_key, r->old ? r->old->udp_key : ike->udp_key, sizeof c->udp_key);
	c->local_ts = tsel_set_of(r->chosen->ts.local, r->chosen->ts.n_local);
	c->remote_ts = tsel_set_of(r->chosen->ts.remote, r->chosen->ts.n_remote);
	rc = c->local_ts && c->remote_ts ? claims_add(c) : -ERR_NOMEM;
	if (rc == 0)
		rc = child_key(ike, sa, c, &in);
	if (rc < 0) {
		child_drop(ike, c);
		return rc;
	}
	if (!r->ours && has_twin(c))
		c->outbound = false;
	sched_child_established(ike, c);
	sa->children_created++;
	ike->stats.child_up++;
	*out = c;
	return 0;
}

static void log_made(
	struct ike *ike, const struct ike_sa *sa, const struct child *c, const struct child *old)
{
	char local[TSEL_TEXT_MAX], remote[TSEL_TEXT_MAX];

	if (old) {
		ike->stats.child_rekeyed++;
		sa_info(ike, sa, "child.rekeyed",
			"spi=%08" PRIx32 " out=%08" PRIx32 " was=%08" PRIx32, c->spi_in, c->spi_out,
			old->spi_in);
	} else {
		sa_info(ike, sa, "child.up",
			"vpn=%s spi=%08" PRIx32 " out=%08" PRIx32
			" mode=%s encr=%s local=%s remote=%s",
			c->tunnel->model->vpn->name, c->spi_in, c->spi_out,
			c->transport ? "transport" : "tunnel", c->suite.encr->name,
			tsel_text(&c->local_ts->v[0], local),
			tsel_text(&c->remote_ts->v[0], remote));
	}
}

/* One more than there is fulfils no wish for one. */
static void succeeded(struct ike *ike, struct tunnel *t, uint8_t resource)
{
	if (resource == 0)
		tunnel_succeeded(ike, t);
	else
		t->negotiated++;
}

static uint16_t notify_of(int rc)
{
	if (rc == -ERR_AGAIN)
		return N_SINGLE_PAIR_REQUIRED;
	if (rc == -ERR_LIMIT)
		return N_TS_MAX_QUEUE;
	return rc == -ERR_TS || rc == -ERR_EXISTS ? N_TS_UNACCEPTABLE : N_NO_PROPOSAL_CHOSEN;
}

/* What an operator has to be told in other words than those of the error (PRO-004: NAT). */
static const char *why_refused(const struct ike_sa *sa, const struct wanted *w, int rc)
{
	struct proposal_iter it = proposal_iter_of(&w->sa);
	struct proposal p;

	if (rc == -ERR_EXISTS)
		return "another peer has these addresses";
	if (rc == -ERR_NO_PROPOSAL && has_nat(sa)) {
		if (w->transport)
			return nat_and_transport;
		while (proposal_next(&it, &p))
			if (p.protocol == PROTO_AH)
				return nat_and_ah;
	}
	return err_text(rc);
}

/* Which worker's it will be; 0: everybody's. */
static int resource_of(struct ike *ike, const struct chosen *ch, const struct child *old)
{
	int rc = old ? old->resource : ch->base ? resource_assign(ike, ch->base) : 0;

	ike->stats.child_max_queue += rc == -ERR_LIMIT;
	return rc;
}

/* Of one tunnel: a peer that begins another one for each packet (its policy finds none of those
 * that it has) gets no further than this. */
static uint32_t alike(const struct ike_sa *sa, const struct tunnel *t)
{
	const struct child *c;
	uint32_t n = 0;

	list_foreach (c, &sa->children, of_sa)
		n += t && c->tunnel == t && !c->want_delete;
	return n;
}

int child_respond(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct child_ask *ask, struct writer *w, struct child **out)
{
	struct wanted wanted;
	struct chosen ch;
	struct recipe r = {.chosen = &ch,
		.ni = ask->ni,
		.nr = ask->nr,
		.shared = ask->shared,
		.replaces = ask->old != NULL,
		.old = ask->old};
	int rc = wanted_read(sa, rx, ask->with_dh, &wanted);

	if (rc < 0)
		return rc;
	rc = choose(sa, &wanted, ask->old, &ch);
	if (rc == 0 && !ask->old && alike(sa, ch.t) >= ALIKE_MAX) {
		sa_warn(ike, sa, "child.refused", "reason=\"it has %d for these selectors\"",
			ALIKE_MAX);
		ike->stats.child_failed++;
		tx_notify(w, N_NO_ADDITIONAL_SAS, (struct view){0});
		return 0;
	}
	if (rc == 0) {
		rc = resource_of(ike, &ch, ask->old);
		r.resource = (uint8_t)MAX(rc, 0);
	}
	if (rc < 0) {
		sa_warn(ike, sa, "child.refused", "reason=\"%s\"", why_refused(sa, &wanted, rc));
		ike->stats.child_failed++;
		tx_notify(w, notify_of(rc), (struct view){0});
		return 0;
	}
	r.spi_in = child_spi_draw(ike, sa->rg, r.resource);
	if (r.spi_in == 0) {
		tx_notify(w, N_NO_ADDITIONAL_SAS, (struct view){0});
		return 0;
	}
	rc = chosen_settle(ike, sa, &ch);
	if (rc < 0)
		return rc;
	rc = child_make(ike, sa, &r, out);
	if (rc < 0)
		return rc;
	writer_open(w, PLD_SA);
	answer_esp(&w->e, &ch.suite, ch.choice.num, r.spi_in);
	writer_close(w);
	select_write(w, false, &ch.ts);
	if (ch.more || (!ask->old && another_fits(sa, &wanted, ch.t)))
		tx_notify(w, N_ADDITIONAL_TS_POSSIBLE, (struct view){0});
	if ((*out)->transport)
		tx_notify(w, N_USE_TRANSPORT_MODE, (struct view){0});
	if (r.resource != 0)
		resource_write(w, r.resource);
	succeeded(ike, ch.t, r.resource);
	log_made(ike, sa, *out, ask->old);
	return 0;
}

int child_accept(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct child_answer *a, struct child **out)
{
	const struct payload *p = chain_find(rx->chain, PLD_SA);
	struct tunnel *t = tunnel_find(ike, a->t->policy_id);
	struct chosen ch = {.t = t};
	struct recipe r = {.chosen = &ch,
		.spi_in = a->spi_in,
		.ni = a->ni,
		.nr = a->nr,
		.shared = a->shared,
		.ours = true,
		.old = a->old,
		.resource = a->resource};
	struct pld_sa answer;
	int rc;

	if (!p || pld_sa_parse(p->body, SA_ANSWER, &answer) < 0)
		return -ERR_SYNTAX;
	/* Without the notification the peer made a tunnel, which is to be deleted (1.3.1). */
	if (a->t->model->vpn->transport && !rx->notes.use_transport)
		return -ERR_NO_PROPOSAL;
	rc = negotiate_esp(
		a->t->model->vpn->policy, terms_of(sa, a->with_dh), &answer, &ch.suite, &ch.choice);
	if (rc == 0)
		rc = select_read(rx, true, &ch.ts);
	if (rc < 0)
		return rc;
	/* Narrowed is fine, widened is not (2.9). */
	if (!select_may_accept(a->t, sa, &ch.ts))
		return -ERR_TS;
	rc = child_make(ike, sa, &r, out);
	if (rc < 0)
		return rc;
	succeeded(ike, t, a->resource);
	if (a->resource != 0)
		resource_made(ike, *out);
	else if (!a->old)
		tunnel_look_further(t, sa, rx->notes.additional_ts);
	log_made(ike, sa, *out, a->old);
	reauth_child_made(ike, sa, *out);
	return 0;
}

/* ---------------------------------------------------------------- asked */

static void payload_nonce(struct writer *w, struct view nonce)
{
	writer_open(w, PLD_NONCE);
	pld_nonce_emit(&w->e, nonce);
	writer_close(w);
}

static void payload_ke(struct writer *w, const struct kex *k)
{
	const struct pld_ke ke = {kex_group(k), kex_public(k)};

	writer_open(w, PLD_KE);
	pld_ke_emit(&w->e, &ke);
	writer_close(w);
}

static int answer_ask(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct child *old)
{
	uint8_t nonce[EXCH_NONCE_LEN];
	/* Whether there is a key exchange is our policy's to say, never the offer's (PFS-003). */
	struct child_ask ask = {.nr = view_of_array(nonce), .with_dh = true, .old = old};
	struct child *made = NULL;
	struct writer w;
	int rc = rx_nonce(rx, &ask.ni);

	if (rc < 0)
		return rc;
	if (rx->done) {
		if (rx->done->rc < 0)
			return tx_answer_notify(ike, sa, rx, N_INVALID_SYNTAX);
		ask.shared = secret_view(rx->done->shared);
	}
	env_random(&ike->cfg.env, nonce, sizeof nonce);
	tx_answer_open(ike, sa, &w, rx);
	rc = child_respond(ike, sa, rx, &ask, &w, &made);
	if (rc < 0)
		return rc;
	if (made) {
		payload_nonce(&w, view_of_array(nonce));
		if (rx->done)
			payload_ke(&w, rx->done->kex);
		if (old) {
			sched_child_replaced(ike, old, made->spi_in, false);
			collide_child_asked(sa, old, made, ask.ni, view_of_array(nonce));
		} else {
			collide_first_asked(sa, made, ask.ni, view_of_array(nonce));
		}
		txn_install(ike, made);
	}
	return tx_answer_close(ike, sa, &w, rx);
}

/* With a KE payload the secret has to be computed first. */
static int park(struct ike *ike, struct ike_sa *sa, const struct cause *c, uint16_t group)
{
	const struct payload *p = chain_find(c->rx->chain, PLD_KE);
	struct pld_ke ke = {0};

	if (p && pld_ke_parse(p->body, &ke) < 0)
		return -ERR_SYNTAX;
	if (ke.group != group)
		return tx_answer_group(ike, sa, c->rx, group);
	return job_for_request(ike, sa, c, &ke);
}

/* Which group this child needs: 0 none. */
static int group_needed(
	struct ike_sa *sa, const struct rx *rx, const struct child *old, uint16_t *out)
{
	struct wanted wanted;
	struct chosen ch;
	int rc = wanted_read(sa, rx, true, &wanted);

	*out = 0;
	if (rc < 0)
		return rc;
	if (choose(sa, &wanted, old, &ch) == 0 && ch.suite.dh)
		*out = ch.suite.dh->id;
	return 0;
}

int on_child_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct rx *rx = c->rx;
	struct child *old = NULL;
	uint16_t group;
	int rc;

	rekey_claim(ike, sa);
	if (rx->notes.rekey) {
		old = child_find_out(sa, rx->notes.rekey_spi);
		/* It may be the one that we are about to hear of. */
		if (!old && collide_makes_child(sa))
			return tx_answer_notify(ike, sa, rx, N_TEMPORARY_FAILURE);
		if (!old || rx->notes.rekey_protocol != esp_suite_protocol(&old->suite))
			return tx_answer_notify(ike, sa, rx, N_CHILD_SA_NOT_FOUND);
	}
	if (collide_refuses_child(sa, old) ||
		(old && !rx->done && !pace_allows(ike, sa, PACE_CHILD_REKEY)))
		return tx_answer_notify(ike, sa, rx, N_TEMPORARY_FAILURE);
	if (!rx->done) {
		rc = group_needed(sa, rx, old, &group);
		if (rc < 0)
			return rc;
		if (group != 0)
			return park(ike, sa, c, group);
	}
	return answer_ask(ike, sa, rx, old);
}

/* ---------------------------------------------------------------- answered */

static void rekey_refused(struct ike *ike, struct ike_sa *sa, struct child *old, uint16_t notify)
{
	if (!old)
		return;
	if (notify == N_CHILD_SA_NOT_FOUND) {
		/* The peer lost it: it serves nobody, make another (2.25). */
		struct tunnel *t = old->tunnel;

		sched_child_gone(ike, old, TUNNEL_PEER_CLOSED);
		if (t)
			tunnel_want(ike, t);
		return;
	}
	if (notify == N_SINGLE_PAIR_REQUIRED && old->tunnel && !old->tunnel->single) {
		old->tunnel->single = true;
		old->want_rekey = old->state == CHILD_UP;
		return;
	}
	if (notify == N_TEMPORARY_FAILURE) {
		old->want_rekey = old->state == CHILD_UP;
		sched_retry(ike, sa);
		return;
	}
	old->want_rekey = false;
	old->at_soft = ike->now_ms + REKEY_AGAIN_MS;
	child_rearm(ike, old);
}

static void child_not_wanted(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint16_t notify)
{
	reauth_child_refused(ike, sa, t);
	tunnel_failed(ike, t, notify == N_TS_UNACCEPTABLE ? TUNNEL_SELECTORS : TUNNEL_ESP_PROPOSAL);
}

static int child_refused(struct ike *ike, struct ike_sa *sa, uint16_t notify)
{
	struct exch *x = sa->out;
	struct child *old = x->kind == EXCH_CHILD_REKEY ? child_find(ike, x->old_spi) : NULL;
	struct tunnel *t = tunnel_find(ike, x->policy_id);

	sa_warn(ike, sa, "child.refused", "notify=%u said=%s", notify, notify_text(notify));
	if (x->kind == EXCH_CHILD_REKEY)
		rekey_refused(ike, sa, old, notify);
	else if (x->resource != 0)
		resource_refused(ike, sa, t, notify);
	else if (notify == N_TEMPORARY_FAILURE)
		sched_retry(ike, sa);
	else if (t && !(notify == N_SINGLE_PAIR_REQUIRED && tunnel_single(t)))
		child_not_wanted(ike, sa, t, notify);
	xchg_end(ike, sa);
	return 0;
}

static int child_agreed(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct exch *x = sa->out;
	struct child *old = x->kind == EXCH_CHILD_REKEY ? child_find(ike, x->old_spi) : NULL;
	struct child_answer a = {.t = tunnel_find(ike, x->policy_id),
		.spi_in = (uint32_t)x->new_spi,
		.ni = view_of_array(x->nonce),
		.with_dh = x->group != 0,
		.old = old,
		.resource = x->resource};
	struct child *made = NULL;
	int rc = a.t ? rx_nonce(rx, &a.nr) : -ERR_NOT_FOUND;

	if (rx->done) {
		rc = rc < 0 ? rc : rx->done->rc;
		a.shared = secret_view(rx->done->shared);
	}
	if (rc == 0)
		rc = child_accept(ike, sa, rx, &a, &made);
	if (rc < 0)
		return rc;
	if (x->kind == EXCH_CHILD_REKEY)
		collide_child_agreed(ike, sa, old, made, a.nr);
	else
		collide_first_agreed(ike, sa, made, a.nr);
	txn_install(ike, made);
	xchg_end(ike, sa);
	return 0;
}

/* The peer deleted what it made before this answer, the older message, came through. */
static bool is_dead_already(const struct ike_sa *sa, const struct rx *rx)
{
	const struct payload *p = chain_find(rx->chain, PLD_SA);
	struct proposal_iter it;
	struct proposal one;
	struct pld_sa answer;

	if (sa->out->dead_spi == 0 || !p || pld_sa_parse(p->body, SA_ANSWER, &answer) < 0)
		return false;
	it = proposal_iter_of(&answer);
	return proposal_next(&it, &one) && spi32(one.spi) == sa->out->dead_spi;
}

/* It took the place of `old` at the other end: that one serves nobody either. */
static void child_stillborn(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;
	struct child *old = x->kind == EXCH_CHILD_REKEY ? child_find(ike, x->old_spi) : NULL;
	struct tunnel *t = tunnel_find(ike, x->policy_id);

	sa_info(ike, sa, "child.stillborn", "out=%08" PRIx32, x->dead_spi);
	if (old)
		old->want_delete = true;
	else if (t)
		tunnel_failed(ike, t, TUNNEL_PEER_CLOSED);
	xchg_end(ike, sa);
}

int on_child_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	int rc;

	if (c->rx->notes.error != 0)
		return child_refused(ike, sa, c->rx->notes.error);
	if (sa->out->group != 0 && !c->rx->done)
		return job_for_answer(ike, sa, c);
	if (is_dead_already(sa, c->rx)) {
		child_stillborn(ike, sa);
		return 0;
	}
	rc = child_agreed(ike, sa, c->rx);
	if (rc < 0 && rc != -ERR_NOMEM) {
		sa_warn(ike, sa, "child.answer.bad", "reason=\"%s\"", err_text(rc));
		sa->orphan = (uint32_t)sa->out->new_spi; /* the peer has made it */
		return child_refused(
			ike, sa, rc == -ERR_TS ? N_TS_UNACCEPTABLE : N_NO_PROPOSAL_CHOSEN);
	}
	return rc;
}
