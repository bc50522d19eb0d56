#include "ike/record.h"

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "ike/engine.h"
#include "ike/v2/follow.h"
#include "record.pb-c.h"

enum { DATAGRAMS_MAX = 32 };

struct view record_key_sa(uint64_t spi_local, uint8_t room[IKE_RECORD_KEY_MAX])
{
	struct emit e = emit_to(room, IKE_RECORD_KEY_MAX);

	emit_u8(&e, 'I');
	emit_be64(&e, spi_local);
	return view_of(room, e.n);
}

struct view record_key_child(uint32_t spi_in, uint8_t room[IKE_RECORD_KEY_MAX])
{
	struct emit e = emit_to(room, IKE_RECORD_KEY_MAX);

	emit_u8(&e, 'C');
	emit_be32(&e, spi_in);
	return view_of(room, e.n);
}

struct ike_sa *record_key_find_sa(struct ike *ike, struct view key)
{
	struct cur c = cur_of(key);
	bool is_sa = cur_u8(&c) == 'I';
	uint64_t spi = cur_be64(&c);

	return is_sa && cur_done(&c) ? sa_find(ike, spi) : NULL;
}

struct child *record_key_find_child(struct ike *ike, struct view key)
{
	struct cur c = cur_of(key);
	bool is_child = cur_u8(&c) == 'C';
	uint32_t spi = cur_be32(&c);

	return is_child && cur_done(&c) ? child_find(ike, spi) : NULL;
}

/* ---------------------------------------------------------------- writing */

static ProtobufCBinaryData lend(struct view v)
{
	/* Packing only reads; the generated type cannot say so. */
	union {
		const uint8_t *in;
		uint8_t *out;
	} p = {v.p};

	return (ProtobufCBinaryData){.len = v.n, .data = p.out};
}

static void put_endpoint(Rec__Endpoint *out, const struct endpoint *e)
{
	rec__endpoint__init(out);
	out->address = lend(addr_view(&e->addr));
	out->port = e->port;
}

static void put_ident(Rec__Identity *out, const struct ident *id)
{
	rec__identity__init(out);
	out->type = id->type;
	out->data = lend(blob_view(&id->data));
}

/* What is left of a deadline, at least 1 so that it differs from "none". */
static uint64_t left_ms(uint64_t at_ms, uint64_t now_ms)
{
	if (at_ms == 0)
		return 0;
	return at_ms > now_ms ? at_ms - now_ms : 1;
}

static size_t put_flight(ProtobufCBinaryData out[DATAGRAMS_MAX], const struct flight *f)
{
	size_t n = f ? MIN((size_t)f->n, (size_t)DATAGRAMS_MAX) : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = lend(flight_at(f, i));
	return n;
}

/* Everything a packed IKE SA points to while it is packed. */
struct sa_room {
	Rec__IkeSa sa;
	Rec__Endpoint local, remote;
	Rec__Identity local_id, remote_id;
	Rec__Suite suite;
	Rec__Answer answer;
	Rec__CertRef ref[IKE_CERTS_MAX], *refs[IKE_CERTS_MAX];
	Rec__Outstanding out;

	struct follow_room {
		Rec__Follow follow;
		Rec__Suite suite;
		uint32_t additional[MODEL_ADDITIONAL_MAX];
	} asked, answered;

	ProtobufCBinaryData answer_datagrams[DATAGRAMS_MAX], out_datagrams[DATAGRAMS_MAX];
	struct secret *kex;
};

static void put_suite(Rec__Suite *out, const struct ike_suite *s)
{
	rec__suite__init(out);
	out->encr = s->encr->id;
	out->key_bits = s->encr->key_bits;
	out->integ = s->integ ? s->integ->id : 0;
	out->prf = s->prf->id;
	out->dh = s->dh ? s->dh->id : 0;
}

static void put_answer(struct sa_room *r, const struct answer *a)
{
	if (!a->flight)
		return;
	rec__answer__init(&r->answer);
	r->answer.message_id = a->mid;
	r->answer.request_hash = lend(view_of_array(a->hash));
	r->answer.n_datagrams = put_flight(r->answer_datagrams, a->flight);
	r->answer.datagrams = r->answer_datagrams;
	r->sa.answer = &r->answer;
}

static Rec__Follow *put_follow(struct follow_room *r, const struct follow *f, uint64_t now_ms)
{
	Rec__Follow *out = &r->follow;

	rec__follow__init(out);
	put_suite(&r->suite, &f->suite);
	out->suite = &r->suite;
	for (uint8_t i = 0; i < f->suite.n_additional; i++)
		r->additional[i] = f->suite.additional[i];
	out->n_additional = f->suite.n_additional;
	out->additional = r->additional;
	out->at = f->at;
	out->link = lend(blob_view(&f->link));
	out->spi_local = f->spi_local;
	out->spi_remote = f->spi_remote;
	out->nonce_i = lend(blob_view(&f->ni));
	out->nonce_r = lend(blob_view(&f->nr));
	out->shared = lend(secret_view(f->shared));
	out->more = lend(secret_view(f->more));
	out->left_ms = left_ms(f->until_ms, now_ms);
	return out;
}

static int put_outstanding(struct sa_room *r, const struct exch *x)
{
	/* Not built yet: nobody has seen anything of it, a successor decides anew. */
	if (!x || !x->flight)
		return 0;
	rec__outstanding__init(&r->out);
	r->out.kind = x->kind;
	r->out.message_id = x->mid;
	r->out.n_datagrams = put_flight(r->out_datagrams, x->flight);
	r->out.datagrams = r->out_datagrams;
	r->out.nonce = lend(view_of_array(x->nonce));
	r->out.group = x->group;
	if (x->kex_saved) {
		r->out.kex = lend(secret_view(x->kex_saved));
	} else if (x->kex) {
		int rc = kex_export(x->kex, &r->kex);

		if (rc < 0)
			return rc;
		r->out.kex = lend(secret_view(r->kex));
	}
	r->out.new_spi = x->new_spi;
	r->out.old_spi = x->old_spi;
	r->out.policy_id = x->policy_id;
	r->out.worker_hint = x->resource;
	/* Before its first request is built, the answer to CREATE_CHILD_SA will come once more. */
	if (x->follow && x->follow->asked)
		r->out.follow = put_follow(&r->asked, x->follow, 0);
	r->out.rival_spi = x->rival_spi;
	r->out.dead_spi = x->dead_spi;
	r->out.rival_nonce = lend(blob_view(&x->rival_nonce));
	r->sa.outstanding = &r->out;
	return 0;
}

static void put_peer_cert(struct sa_room *r, const struct peer_cert *p)
{
	struct trail_step s;

	if (!p)
		return;
	for (size_t i = 0; i < p->n_refs && i < IKE_CERTS_MAX; i++) {
		rec__cert_ref__init(&r->ref[i]);
		r->ref[i].issuer_name_hash = lend(view_of_array(p->refs[i].issuer_name_hash));
		r->ref[i].issuer_key_hash = lend(view_of_array(p->refs[i].issuer_key_hash));
		r->ref[i].serial = lend(view_of(p->refs[i].serial, p->refs[i].serial_len));
		s = trail_at(&p->trail, i);
		r->ref[i].crl_url = (char *)(uintptr_t)s.crl_url;
		r->ref[i].ocsp_url = (char *)(uintptr_t)s.ocsp_url;
		r->ref[i].issuer = lend(s.issuer);
		r->refs[i] = &r->ref[i];
		r->sa.n_peer_chain = i + 1;
	}
	r->sa.peer_chain = r->refs;
	r->sa.peer_subject = p->subject;
	r->sa.peer_not_after_unix_ms = p->not_after_wall_ms;
}

static void put_half(Rec__IkeSa *s, const struct ike_sa *sa)
{
	const struct half *h = sa->half;

	if (!h)
		return;
	s->peer_hashes = h->peer_hashes;
	s->keys_without_ppk = lend(secret_view(h->ppk.without));
	s->int_auth = lend(blob_view(&h->int_auth));
	s->own_init = lend(blob_view(&h->own_init));
	s->peer_init = lend(blob_view(&h->peer_init));
	s->nonce_i = lend(sa->initiator ? view_of_array(h->nonce) : blob_view(&h->peer_nonce));
	s->nonce_r = lend(sa->initiator ? blob_view(&h->peer_nonce) : view_of_array(h->nonce));
}

static void put_sa(const struct ike *ike, struct sa_room *r, const struct ike_sa *sa)
{
	Rec__IkeSa *s = &r->sa;

	rec__ike_sa__init(s);
	s->version = sa->version;
	s->state = sa->state;
	s->spi_local = sa->spi_local;
	s->spi_remote = sa->spi_remote;
	s->initiator = sa->initiator;
	s->rg = sa->rg;
	if (sa->gw)
		s->gateway = sa->gw->name;
	s->peer = sa->gw && sa->gw->parent ? sa->gw->number : 0;
	s->interface_id = sa->interface_id;
	put_endpoint(&r->local, &sa->local);
	put_endpoint(&r->remote, &sa->remote);
	s->local = &r->local;
	s->remote = &r->remote;
	s->natt = sa->natt;
	s->nat_local = sa->nat_local;
	s->nat_remote = sa->nat_remote;
	if (sa->suite.encr && sa->suite.prf) {
		put_suite(&r->suite, &sa->suite);
		s->suite = &r->suite;
	}
	s->keys = lend(secret_view(sa->keys));
	put_ident(&r->local_id, &sa->local_id);
	put_ident(&r->remote_id, &sa->remote_id);
	s->local_id = &r->local_id;
	s->remote_id = &r->remote_id;
	s->auth_method = sa->auth_method;
	s->supports = sa->supports;
	s->index = sa->index;
	s->lineage = sa->lineage;
	s->has_children = sa->has_children;
	s->next_send_id = sa->next_tx;
	s->next_receive_id = sa->next_rx;
	s->successor = sa->successor;
	s->predecessor = sa->predecessor;
	s->written_unix_ms = ike->wall_ms;
	s->established_unix_ms = sa->established_wall_ms;
	s->soft_ms = sa->want_rekey ? 1 : left_ms(sa->at_soft, ike->now_ms);
	s->hard_ms = left_ms(sa->at_hard, ike->now_ms);
	s->linger_ms = left_ms(sa->at_linger, ike->now_ms);
	s->closing = sa->want_close;
	s->orphan = sa->orphan;
	s->verify = sa->want_verify;
	s->redirect = sa->want_redirect;
	s->began = sa->began;
	s->rekeys = sa->rekeys;
	s->reauths = sa->reauths;
	s->children_created = sa->children_created;
	s->children_deleted = sa->children_deleted;
	if (sa->follow)
		s->follow = put_follow(&r->answered, sa->follow, ike->now_ms);
	put_half(s, sa);
	put_peer_cert(r, sa->peer_cert);
}

static struct view pack(struct ike *ike, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *room = ike_effects_alloc(ike->fx, n);

	if (!room) {
		ike->failed = true;
		return (struct view){0};
	}
	return view_of(room, protobuf_c_message_pack(m, room));
}

struct view record_sa(struct ike *ike, const struct ike_sa *sa)
{
	struct sa_room r = {0};
	struct view packed = {0};

	put_sa(ike, &r, sa);
	put_answer(&r, &sa->answer);
	if (put_outstanding(&r, sa->out) < 0)
		ike->failed = true;
	else
		packed = pack(ike, &r.sa.base);
	secret_free(r.kex);
	return packed;
}

static size_t put_selectors(struct ike *ike, const struct tsel_set *set, Rec__Selector ***out)
{
	size_t n = set->n;
	Rec__Selector *one = ike_effects_alloc(ike->fx, n * sizeof *one);
	Rec__Selector **list = ike_effects_alloc(ike->fx, n * sizeof(Rec__Selector *));

	if (!one || !list) {
		ike->failed = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		Rec__Selector *s = &one[i];

		rec__selector__init(s);
		s->protocol = set->v[i].protocol;
		s->port_low = set->v[i].port_lo;
		s->port_high = set->v[i].port_hi;
		s->low = lend(addr_view(&set->v[i].lo));
		s->high = lend(addr_view(&set->v[i].hi));
		list[i] = s;
	}
	*out = list;
	return n;
}

struct child_room {
	Rec__ChildSa child;
	Rec__Endpoint local, remote;
	struct ike_child_install install; /* its addresses are lent */
};

static void put_outer(Rec__ChildSa *s, const struct ike_outer *o)
{
	s->df = o->df;
	s->ttl = o->ttl;
	s->copy_ttl = o->copy_ttl;
	s->tos = o->tos;
	s->fixed_tos = o->fixed_tos;
	s->copy_outer_dscp = o->copy_dscp;
	s->tunnel_mtu = o->mtu;
	s->no_too_big = o->no_too_big;
	s->udp_port = o->udp_port;
	s->udp_key = lend(o->udp_key);
}

static void put_child(struct ike *ike, struct child_room *r, const struct child *c)
{
	struct ike_child_install *i = &r->install;
	Rec__ChildSa *s = &r->child;

	child_install_fill(c, i);
	rec__child_sa__init(s);
	s->spi_in = i->spi_in;
	s->spi_out = i->spi_out;
	s->lineage = c->sa->lineage;
	s->rg = i->rg;
	s->policy_id = i->policy_id;
	s->selector_id = i->selector_id;
	s->peer = i->peer;
	s->worker_hint = i->worker_hint;
	s->own_wanted = i->own_wanted;
	s->state = c->state;
	s->initiator = c->initiator;
	s->interface_id = i->interface_id;
	put_endpoint(&r->local, &i->local);
	put_endpoint(&r->remote, &i->remote);
	s->local = &r->local;
	s->remote = &r->remote;
	s->udp_encap = i->udp_encap;
	s->encr = i->encr;
	s->key_bits = i->key_bits;
	s->integ = i->integ;
	s->dh = c->suite.dh ? c->suite.dh->id : 0;
	s->encr_key_in = lend(i->encr_key_in);
	s->encr_key_out = lend(i->encr_key_out);
	s->integ_key_in = lend(i->integ_key_in);
	s->integ_key_out = lend(i->integ_key_out);
	s->esn = i->esn;
	s->replay_window = i->replay_window;
	s->strict_replay = i->strict_replay;
	s->n_local_ts = put_selectors(ike, c->local_ts, &s->local_ts);
	s->n_remote_ts = put_selectors(ike, c->remote_ts, &s->remote_ts);
	s->outbound = c->outbound;
	put_outer(s, &i->outer);
	s->soft_bytes = i->soft_bytes;
	s->hard_bytes = i->hard_bytes;
	s->order = i->order;
	s->lease_epoch = i->lease_epoch;
	s->lease_horizon = i->lease_horizon;
	s->written_unix_ms = ike->wall_ms;
	s->established_unix_ms = c->established_wall_ms;
	s->soft_ms = c->want_rekey ? 1 : left_ms(c->at_soft, ike->now_ms);
	s->hard_ms = left_ms(c->at_hard, ike->now_ms);
	s->replaced_by = c->replaced_by;
	s->transport = c->transport;
	s->doomed = c->at_delete != 0 || c->want_delete;
}

struct view record_child(struct ike *ike, const struct child *c)
{
	struct child_room r;

	put_child(ike, &r, c);
	return pack(ike, &r.child.base);
}
