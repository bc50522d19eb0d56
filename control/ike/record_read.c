/*
 * Reading records: the other half of record.c. A record was sealed by a member of the cluster, but
 * may be of another version, or of a configuration that has changed since.
 */
#include <stdlib.h>

#include "base/err.h"
#include "ike/claims.h"
#include "ike/engine.h"
#include "ike/record.h"
#include "ike/resource.h"
#include "ike/spoke.h"
#include "ike/v2/follow.h"
#include "record.pb-c.h"

static struct view view_of_bytes(const ProtobufCBinaryData *b)
{
	return view_of(b->data, b->len);
}

static int take_endpoint(const Rec__Endpoint *e, struct endpoint *out)
{
	if (!e || e->port > UINT16_MAX)
		return -ERR_VALUE;
	out->port = (uint16_t)e->port;
	return addr_from_view(view_of_bytes(&e->address), &out->addr);
}

static int take_ident(const Rec__Identity *id, struct ident *out)
{
	if (!id || id->type == 0)
		return 0;
	return id->type > UINT8_MAX ? -ERR_VALUE
				    : ident_copy((uint8_t)id->type, view_of_bytes(&id->data), out);
}

/* Deadlines that passed while nobody owned the SA are due at once. */
static uint64_t due_at(const struct ike *ike, uint64_t left_ms, uint64_t written_unix_ms)
{
	uint64_t gone = ike->wall_ms > written_unix_ms ? ike->wall_ms - written_unix_ms : 0;

	if (left_ms == 0)
		return 0;
	return ike->now_ms + (left_ms > gone ? left_ms - gone : 1);
}

static int take_suite(const Rec__Suite *s, struct ike_suite *out)
{
	if (!s)
		return -ERR_VALUE;
	out->encr = alg_find(ALG_ENCR, (uint16_t)s->encr, (uint16_t)s->key_bits);
	out->prf = alg_find(ALG_PRF, (uint16_t)s->prf, 0);
	out->integ = s->integ ? alg_find(ALG_INTEG, (uint16_t)s->integ, 0) : NULL;
	out->dh = s->dh ? alg_find(ALG_KE, (uint16_t)s->dh, 0) : NULL;
	if (!out->encr || !out->prf || (s->integ != 0 && !out->integ) || (s->dh != 0 && !out->dh) ||
		alg_is_aead(out->encr) != !out->integ || out->encr->esp_only ||
		(out->integ && out->integ->esp_only))
		return -ERR_VALUE;
	return 0;
}

static int take_flight(const ProtobufCBinaryData *v, size_t n, struct flight **out)
{
	struct view *list = calloc(n + 1, sizeof *list);

	if (!list)
		return -ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		list[i] = view_of_bytes(&v[i]);
	*out = flight_of(list, n);
	free(list);
	return *out ? 0 : -ERR_VALUE;
}

static int take_answer(const Rec__Answer *a, struct answer *out)
{
	if (!a)
		return 0;
	if (a->request_hash.len != sizeof out->hash)
		return -ERR_VALUE;
	memcpy(out->hash, a->request_hash.data, sizeof out->hash);
	out->mid = a->message_id;
	/* It is committed: whoever asks again gets it. */
	out->released = true;
	return take_flight(a->datagrams, a->n_datagrams, &out->flight);
}

static int take_link(const Rec__Follow *r, struct follow *f)
{
	int rc = blob_copy(view_of_bytes(&r->link), &f->link);

	if (rc == 0)
		rc = blob_copy(view_of_bytes(&r->nonce_i), &f->ni);
	return rc == 0 ? blob_copy(view_of_bytes(&r->nonce_r), &f->nr) : rc;
}

static int fill_follow(const struct ike *ike, const Rec__Follow *r, struct follow *f)
{
	int rc = r->n_additional > MODEL_ADDITIONAL_MAX || r->at >= r->n_additional
			 ? -ERR_VALUE
			 : take_suite(r->suite, &f->suite);

	for (size_t i = 0; rc == 0 && i < r->n_additional; i++) {
		f->suite.additional[i] = (uint16_t)r->additional[i];
		rc = alg_find(ALG_KE, f->suite.additional[i], 0) ? 0 : -ERR_VALUE;
	}
	if (rc < 0)
		return rc;
	f->suite.n_additional = (uint8_t)r->n_additional;
	f->at = (uint8_t)r->at;
	f->spi_local = r->spi_local;
	f->spi_remote = r->spi_remote;
	f->until_ms = r->left_ms ? ike->now_ms + r->left_ms : 0;
	f->asked = true;
	f->shared = secret_copy(view_of_bytes(&r->shared));
	f->more = r->more.len ? secret_copy(view_of_bytes(&r->more)) : NULL;
	if (!f->shared || (r->more.len && !f->more))
		return -ERR_NOMEM;
	return take_link(r, f);
}

static int take_follow(const struct ike *ike, const Rec__Follow *r, struct follow **out)
{
	struct follow *f;
	int rc;

	if (!r)
		return 0;
	f = calloc(1, sizeof *f);
	rc = f ? fill_follow(ike, r, f) : -ERR_NOMEM;
	secret_wipe(r->shared.data, r->shared.len);
	secret_wipe(r->more.data, r->more.len);
	if (rc < 0)
		follow_free(f);
	else
		*out = f;
	return rc;
}

static int take_outstanding(const struct ike *ike, const Rec__Outstanding *o, struct exch **out)
{
	struct exch *x;
	int rc;

	if (!o)
		return 0;
	x = exch_new((enum exch_kind)o->kind);
	if (!x)
		return -ERR_NOMEM;
	x->mid = o->message_id;
	x->group = (uint16_t)o->group;
	x->new_spi = o->new_spi;
	x->old_spi = o->old_spi;
	x->policy_id = o->policy_id;
	x->rival_spi = o->rival_spi;
	x->dead_spi = o->dead_spi;
	x->resource = (uint8_t)o->worker_hint;
	x->first_ms = ike->now_ms;
	if (o->nonce.len == sizeof x->nonce)
		memcpy(x->nonce, o->nonce.data, sizeof x->nonce);
	rc = take_flight(o->datagrams, o->n_datagrams, &x->flight);
	if (rc == 0)
		rc = blob_copy(view_of_bytes(&o->rival_nonce), &x->rival_nonce);
	if (rc == 0 && o->kex.len != 0)
		rc = kex_import(ike->cfg.crypto, x->group, view_of_bytes(&o->kex), &x->kex);
	if (rc == 0)
		rc = take_follow(ike, o->follow, &x->follow);
	if (rc < 0) {
		exch_free(x);
		return rc;
	}
	*out = x;
	return 0;
}

static int take_ref(const Rec__CertRef *r, struct cert_ref *out)
{
	if (r->issuer_name_hash.len != sizeof out->issuer_name_hash ||
		r->issuer_key_hash.len != sizeof out->issuer_key_hash ||
		r->serial.len > sizeof out->serial)
		return -ERR_VALUE;
	memcpy(out->issuer_name_hash, r->issuer_name_hash.data, sizeof out->issuer_name_hash);
	memcpy(out->issuer_key_hash, r->issuer_key_hash.data, sizeof out->issuer_key_hash);
	if (r->serial.len != 0)
		memcpy(out->serial, r->serial.data, r->serial.len);
	out->serial_len = (uint8_t)r->serial.len;
	return 0;
}

static int take_peer_cert(const Rec__IkeSa *s, struct peer_cert **out)
{
	struct cert_ref refs[IKE_CERTS_MAX];
	struct peer_cert *p;
	auto_blob trail = {0};
	int rc = 0;

	if (s->n_peer_chain == 0 && s->peer_subject[0] == '\0')
		return 0;
	if (s->n_peer_chain > IKE_CERTS_MAX)
		return -ERR_LIMIT;
	for (size_t i = 0; rc == 0 && i < s->n_peer_chain; i++) {
		const Rec__CertRef *r = s->peer_chain[i];
		const struct trail_step step = {r->crl_url, r->ocsp_url, view_of_bytes(&r->issuer)};

		rc = take_ref(r, &refs[i]);
		if (rc == 0)
			rc = trail_add(&trail, &step);
	}
	if (rc < 0)
		return rc;
	p = peer_cert_new(s->peer_subject, refs, s->n_peer_chain, blob_view(&trail));
	if (!p)
		return -ERR_NOMEM;
	p->not_after_wall_ms = s->peer_not_after_unix_ms;
	*out = p;
	return 0;
}

static int take_half(const Rec__IkeSa *s, struct ike_sa *sa)
{
	const ProtobufCBinaryData *own = s->initiator ? &s->nonce_i : &s->nonce_r;
	const ProtobufCBinaryData *peer = s->initiator ? &s->nonce_r : &s->nonce_i;
	struct half *h;

	if (s->own_init.len == 0)
		return 0;
	h = calloc(1, sizeof *h);
	if (!h)
		return -ERR_NOMEM;
	sa->half = h;
	if (own->len != sizeof h->nonce)
		return -ERR_VALUE;
	memcpy(h->nonce, own->data, sizeof h->nonce);
	if (s->keys_without_ppk.len != 0) {
		if (s->keys_without_ppk.len != keymat_ike_len(&sa->suite))
			return -ERR_VALUE;
		h->ppk.without = secret_copy(view_of_bytes(&s->keys_without_ppk));
		h->ppk.mixed = h->ppk.without != NULL;
	}
	h->peer_hashes = (uint8_t)s->peer_hashes;
	if (blob_copy(view_of_bytes(&s->own_init), &h->own_init) < 0 ||
		blob_copy(view_of_bytes(&s->peer_init), &h->peer_init) < 0 ||
		blob_copy(view_of_bytes(&s->int_auth), &h->int_auth) < 0 ||
		blob_copy(view_of_bytes(peer), &h->peer_nonce) < 0)
		return -ERR_NOMEM;
	return 0;
}

static void take_plain(const struct ike *ike, const Rec__IkeSa *s, struct ike_sa *sa)
{
	sa->version = (uint8_t)s->version;
	sa->state = (enum sa_state)s->state;
	sa->spi_remote = s->spi_remote;
	sa->lineage = s->lineage;
	sa->successor = s->successor;
	sa->predecessor = s->predecessor;
	sa->has_children = s->has_children;
	sa->recorded = true;
	sa->natt = s->natt;
	sa->nat_local = s->nat_local;
	sa->nat_remote = s->nat_remote;
	sa->auth_method = (uint8_t)s->auth_method;
	sa->supports = (uint8_t)s->supports;
	sa->index = s->index;
	sa->interface_id = s->interface_id;
	sa->next_tx = s->next_send_id;
	sa->next_rx = s->next_receive_id;
	sa->want_close = s->closing;
	sa->orphan = s->orphan;
	sa->want_verify = s->verify;
	sa->want_redirect = s->redirect;
	sa->began = s->began;
	sa->rekeys = s->rekeys;
	sa->reauths = s->reauths;
	sa->children_created = s->children_created;
	sa->children_deleted = s->children_deleted;
	sa->established_wall_ms = s->established_unix_ms;
	sa->last_rx_ms = ike->now_ms;
	sa->last_tx_ms = ike->now_ms;
	sa->at_soft = due_at(ike, s->soft_ms, s->written_unix_ms);
	sa->at_hard = due_at(ike, s->hard_ms, s->written_unix_ms);
	sa->at_linger = due_at(ike, s->linger_ms, s->written_unix_ms);
}

static int fill_sa(struct ike *ike, const Rec__IkeSa *s, struct ike_sa *sa)
{
	struct gateway *gw = s->gateway[0] ? gateway_find(ike, s->gateway) : NULL;
	int rc;

	if (!gw)
		return -ERR_NOT_FOUND;
	sa_attach(ike, sa, gw);
	take_plain(ike, s, sa);
	rc = take_suite(s->suite, &sa->suite);
	if (rc == 0)
		rc = take_endpoint(s->local, &sa->local);
	if (rc == 0)
		rc = take_endpoint(s->remote, &sa->remote);
	if (rc == 0)
		rc = take_ident(s->local_id, &sa->local_id);
	if (rc == 0)
		rc = take_ident(s->remote_id, &sa->remote_id);
	if (rc == 0 && sa->state >= SA_UP)
		rc = spoke_restore(ike, sa, s->peer);
	if (rc < 0)
		return rc;
	sa->keys = secret_copy(view_of_bytes(&s->keys));
	if (!sa->keys)
		return -ERR_NOMEM;
	if (sa->keys->n != keymat_ike_len(&sa->suite))
		return -ERR_VALUE;
	rc = take_answer(s->answer, &sa->answer);
	if (rc == 0)
		rc = take_outstanding(ike, s->outstanding, &sa->out);
	if (rc == 0)
		rc = take_follow(ike, s->follow, &sa->follow);
	if (rc == 0)
		rc = take_peer_cert(s, &sa->peer_cert);
	return rc < 0 ? rc : take_half(s, sa);
}

static bool state_is_known(uint32_t state)
{
	return state > SA_IDLE && state < SA_GONE;
}

int record_restore_sa(struct ike *ike, uint32_t rg, struct view body)
{
	Rec__IkeSa *s = rec__ike_sa__unpack(NULL, body.n, body.p);
	struct ike_sa *sa;
	int rc;

	if (!s)
		return -ERR_VALUE;
	if (s->spi_local == 0 || s->rg != rg || !state_is_known(s->state) || s->version != 2)
		rc = -ERR_VALUE;
	else if (sa_find(ike, s->spi_local))
		rc = -ERR_EXISTS;
	else {
		sa = sa_new(ike, rg, s->initiator, s->spi_local);
		rc = sa ? fill_sa(ike, s, sa) : -ERR_NOMEM;
		if (rc < 0 && sa)
			sa_drop(ike, sa);
		if (rc == 0 && sa->index >= ike->next_index)
			ike->next_index = sa->index + 1;
	}
	secret_wipe(s->keys.data, s->keys.len);
	secret_wipe(s->keys_without_ppk.data, s->keys_without_ppk.len);
	rec__ike_sa__free_unpacked(s, NULL);
	return rc;
}

/* ---------------------------------------------------------------- children */

static int take_selectors(Rec__Selector *const *v, size_t n, struct tsel_set **out)
{
	struct tsel *list = calloc(n + 1, sizeof *list);
	int rc = !list ? -ERR_NOMEM : n == 0 ? -ERR_VALUE : 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		list[i] = (struct tsel){.protocol = (uint8_t)v[i]->protocol,
			.port_lo = (uint16_t)v[i]->port_low,
			.port_hi = (uint16_t)v[i]->port_high};
		rc = addr_from_view(view_of_bytes(&v[i]->low), &list[i].lo);
		if (rc == 0)
			rc = addr_from_view(view_of_bytes(&v[i]->high), &list[i].hi);
		if (rc == 0 && !tsel_is_valid(&list[i]))
			rc = -ERR_VALUE;
	}
	if (rc == 0) {
		*out = tsel_set_of(list, (uint32_t)n);
		rc = *out ? 0 : -ERR_NOMEM;
	}
	free(list);
	return rc;
}

static int take_child_suite(const Rec__ChildSa *s, struct esp_suite *out)
{
	out->encr = alg_find(ALG_ENCR, (uint16_t)s->encr, (uint16_t)s->key_bits);
	out->integ = s->integ ? alg_find(ALG_INTEG, (uint16_t)s->integ, 0) : NULL;
	out->dh = s->dh ? alg_find(ALG_KE, (uint16_t)s->dh, 0) : NULL;
	out->esn = s->esn;
	out->lifetime_kb = s->hard_bytes / 1024;
	return out->encr && (s->integ == 0 || out->integ) ? 0 : -ERR_VALUE;
}

/* In the order of keymat.h as if the exchange's initiator were this end: keys_swapped stays false.
 */
static int take_child_keys(const Rec__ChildSa *s, struct child *c)
{
	const struct view part[] = {view_of_bytes(&s->encr_key_out),
		view_of_bytes(&s->integ_key_out), view_of_bytes(&s->encr_key_in),
		view_of_bytes(&s->integ_key_in)};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		n += part[i].n;
	if (n != keymat_child_len(c->suite.encr, c->suite.integ) || part[0].n != part[2].n ||
		part[1].n != part[3].n)
		return -ERR_VALUE;
	c->keys = secret_new(n);
	if (!c->keys)
		return -ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		if (part[i].n != 0)
			memcpy(c->keys->p + at, part[i].p, part[i].n);
		at += part[i].n;
	}
	return 0;
}

/* UDP-004: one number for the cluster, whoever drew it. */
static void take_udp_key(struct ike *ike, const Rec__ChildSa *s, struct child *c)
{
	if (s->udp_key.len == sizeof ike->udp_key)
		memcpy(ike->udp_key, s->udp_key.data, sizeof ike->udp_key);
	memcpy(c->udp_key, ike->udp_key, sizeof c->udp_key);
}

static int fill_child(struct ike *ike, const Rec__ChildSa *s, struct child *c)
{
	int rc = take_child_suite(s, &c->suite);

	if (rc == 0)
		rc = take_child_keys(s, c);
	if (rc == 0)
		rc = take_selectors(s->local_ts, s->n_local_ts, &c->local_ts);
	if (rc == 0)
		rc = take_selectors(s->remote_ts, s->n_remote_ts, &c->remote_ts);
	if (rc == 0)
		rc = claims_add(c);
	if (rc < 0)
		return rc;
	c->spi_out = s->spi_out;
	/* A standby's dataplane holds it since the record was applied. */
	c->state = s->state == CHILD_REPLACED ? CHILD_REPLACED : CHILD_UP;
	c->installed = true;
	c->initiator = s->initiator;
	c->transport = s->transport;
	c->resource = (uint8_t)s->worker_hint;
	c->full = c->resource == 0 && !s->own_wanted && resource_may_ask(c->tunnel);
	c->outbound = s->outbound;
	c->order = s->order;
	c->lease_epoch = s->lease_epoch;
	take_udp_key(ike, s, c);
	c->replaced_by = s->replaced_by;
	c->at_delete = s->doomed ? ike->now_ms + 1 : 0;
	c->established_wall_ms = s->established_unix_ms;
	c->at_soft = due_at(ike, s->soft_ms, s->written_unix_ms);
	c->at_hard = due_at(ike, s->hard_ms, s->written_unix_ms);
	if (s->order >= ike->next_order)
		ike->next_order = s->order + 1;
	return 0;
}

static struct ike_sa *parent_of(const struct family *families, uint64_t lineage)
{
	struct family *f;

	HASH_FIND(hh, families, &lineage, sizeof lineage, f);
	return f ? f->sa : NULL;
}

/* A spoke's own, with the number that it has in the dataplane already. */
static struct tunnel *tunnel_of(struct ike *ike, const struct ike_sa *sa, const Rec__ChildSa *s)
{
	struct tunnel *t = tunnel_find(ike, s->selector_id ? s->selector_id : s->policy_id);

	if (!t || t->of || !sa || !sa->gw || !sa->gw->parent)
		return t;
	return spoke_tunnel(ike, sa->gw, t, s->selector_id ? s->policy_id : 0);
}

int record_restore_child(
	struct ike *ike, uint32_t rg, const struct family *families, struct view body)
{
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, body.n, body.p);
	struct tunnel *t;
	struct ike_sa *sa;
	struct child *c;
	int rc = -ERR_VALUE;

	if (!s)
		return -ERR_VALUE;
	sa = parent_of(families, s->lineage);
	t = tunnel_of(ike, sa, s);
	if (s->spi_in == 0 || s->rg != rg || !sa || !t) {
		rc = !sa || !t ? -ERR_NOT_FOUND : -ERR_VALUE;
	} else if (child_find(ike, s->spi_in)) {
		rc = -ERR_EXISTS;
	} else {
		c = child_new(ike, sa, t, s->spi_in);
		rc = c ? fill_child(ike, s, c) : -ERR_NOMEM;
		if (rc < 0 && c)
			child_drop(ike, c);
		else if (c)
			child_rearm(ike, c);
	}
	secret_wipe(s->encr_key_in.data, s->encr_key_in.len);
	secret_wipe(s->encr_key_out.data, s->encr_key_out.len);
	secret_wipe(s->integ_key_in.data, s->integ_key_in.len);
	secret_wipe(s->integ_key_out.data, s->integ_key_out.len);
	rec__child_sa__free_unpacked(s, NULL);
	return rc;
}
