#include "ike/tx.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/rx.h"
#include "ike/schedule.h"
#include "ike/v2/mobike.h"
#include "wire/natt.h"
#include "wire/pld_notify.h"

#define IV_COUNTER_BITS 40
#define IP4_HEADER	20U
#define IP6_HEADER	40U
#define UDP_HEADER	8U

struct sk_shape tx_shape(const struct ike_suite *s)
{
	return (struct sk_shape){.iv_len = s->encr->iv_len,
		.icv_len = s->integ ? s->integ->icv_len : s->encr->icv_len,
		.block = s->encr->block};
}

void tx_open(struct ike *ike, const struct ike_sa *sa, struct writer *w, uint8_t exchange,
	bool response, uint32_t mid)
{
	struct ike_header h = {
		.spi_i = sa_spi_i(sa),
		.spi_r = sa_spi_r(sa),
		.exchange = exchange,
		.flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) |
				   (response ? IKE_FLAG_RESPONSE : 0)),
		.mid = mid,
	};

	writer_begin(w, ike->room_out, sizeof ike->room_out, &h);
	sk_open(w, tx_shape(&sa->suite));
}

/*
 * AEAD: node | incarnation | counter, never the same twice (architecture rule 6). CBC:
 * unpredictable (RFC 7296 3.14).
 */
static int iv_write(struct ike *ike, const struct ike_suite *s, uint8_t *iv)
{
	struct emit e = emit_to(iv, s->encr->iv_len);

	if (!alg_is_aead(s->encr)) {
		env_random(&ike->cfg.env, iv, s->encr->iv_len);
		return 0;
	}
	if (ike->iv_counter >> IV_COUNTER_BITS)
		return -ERR_LIMIT;
	emit_be64(&e, (uint64_t)ike->cfg.iv_node << 56 |
			      (uint64_t)ike->cfg.incarnation << IV_COUNTER_BITS |
			      ike->iv_counter++);
	return e.bad ? -ERR_SPACE : 0;
}

static int envelope_seal(struct ike *ike, const struct ike_sa *sa, const struct sk_out *env)
{
	struct aead aead;
	int rc = keymat_ike_aead(&sa->suite, sa->keys, sa->initiator, &aead);

	if (rc == 0)
		rc = iv_write(ike, &sa->suite, env->iv);
	if (rc < 0)
		return rc;
	return aead_seal(ike->cfg.crypto, &aead,
		&(struct aead_io){.aad = env->aad,
			.iv = env->iv,
			.in = env->text,
			.out = env->text,
			.n = env->text_n},
		env->icv);
}

/* Octets of an IKE message that go into one datagram; 0: as many as there are. RFC 7383 2.5.1
 * counts the IP packet (FRG-004). */
static size_t datagram_max(const struct ike_sa *sa)
{
	const struct model_gateway *m = sa->gw ? sa->gw->model : NULL;
	size_t around = (sa->remote.addr.family == 6 ? IP6_HEADER : IP4_HEADER) + UDP_HEADER +
			(sa->natt ? NON_ESP_MARKER_LEN : 0);

	if (!m || !m->fragmentation || !(sa->supports & SA_FRAGMENTATION))
		return 0;
	return m->fragment_size - around;
}

struct split {
	struct ike_header h;
	struct view inner;
	uint8_t first;
	size_t max, chunk;
	uint16_t total;
};

/* Each fragment is a message of its own, with an IV of its own (architecture rule 6). */
static int fragments_seal(struct ike *ike, const struct ike_sa *sa, const struct split *s,
	uint8_t *room, struct flight **out)
{
	struct view all[FRAGMENTS_MAX];

	for (uint16_t i = 0; i < s->total; i++) {
		struct emit e = emit_to(room + i * s->max, s->max);
		size_t at = i * s->chunk;
		const struct skf_part part = {.frag = (uint16_t)(i + 1),
			.frag_of = s->total,
			.inner_first = s->first,
			.chunk = view_of(s->inner.p + at, MIN(s->chunk, s->inner.n - at))};
		struct sk_out env;
		int rc = skf_build(&e, &s->h, tx_shape(&sa->suite), &part, &env);

		if (rc == 0)
			rc = envelope_seal(ike, sa, &env);
		if (rc < 0)
			return rc;
		all[i] = env.message;
	}
	*out = flight_of(all, s->total);
	return *out ? 0 : -ERR_NOMEM;
}

/* What is in the envelope, in fragments (RFC 7383 2.5). */
static int split_seal(struct ike *ike, const struct ike_sa *sa, const struct sk_out *env,
	size_t max, struct flight **out)
{
	size_t n = env->text_n - 1 - env->text[env->text_n - 1];
	struct split s = {.inner = view_of(env->text, n),
		.first = env->aad.p[env->aad.n - PAYLOAD_HEADER_LEN],
		.max = max,
		.chunk = skf_chunk_max(tx_shape(&sa->suite), max)};
	uint8_t *room;
	size_t total;
	int rc;

	if (s.chunk == 0 || ike_header_parse(env->message, &s.h) < 0)
		return -ERR_VALUE;
	total = (n + s.chunk - 1) / s.chunk;
	if (total > FRAGMENTS_MAX) {
		ike->stats.tx_too_large++;
		sa_warn(ike, sa, "ike.message.too-large",
			"octets=%zu fragments=%zu reason=\"a message has at most %d fragments\"", n,
			total, FRAGMENTS_MAX);
		return -ERR_LIMIT;
	}
	s.total = (uint16_t)total;
	room = malloc(total * max);
	if (!room)
		return -ERR_NOMEM;
	rc = fragments_seal(ike, sa, &s, room, out);
	free(room);
	/* The whole was not encrypted where it is. */
	secret_wipe(env->text, env->text_n);
	ike->stats.tx_fragmented += rc == 0;
	return rc;
}

int tx_seal(struct ike *ike, const struct ike_sa *sa, struct writer *w, struct flight **out)
{
	size_t max = datagram_max(sa);
	struct sk_out env;
	int rc = sk_close(w, &env);

	if (rc < 0)
		return rc;
	if (max && env.message.n > max)
		return split_seal(ike, sa, &env, max, out);
	rc = envelope_seal(ike, sa, &env);
	if (rc < 0)
		return rc;
	*out = flight_of(&env.message, 1);
	return *out ? 0 : -ERR_NOMEM;
}

void tx_notify(struct writer *w, uint16_t type, struct view data)
{
	struct pld_notify n = {.type = type, .data = data};

	writer_open(w, PLD_NOTIFY);
	pld_notify_emit(&w->e, &n);
	writer_close(w);
}

/* By another way than the SA's. */
struct tx_way {
	uint32_t interface_id;
	bool natt;
	struct endpoint local, remote;
};

static void tx_send_to(
	struct ike *ike, struct ike_sa *sa, const struct flight *f, const struct tx_way *way);

/* ---------------------------------------------------------------- answers */

void tx_answer_open(struct ike *ike, const struct ike_sa *sa, struct writer *w, const struct rx *rx)
{
	tx_open(ike, sa, w, rx->exchange, true, rx->mid);
}

void tx_answer_keep(struct ike_sa *sa, uint32_t mid, const uint8_t hash[16], struct flight *f)
{
	flight_free(sa->answer.flight);
	sa->answer.flight = f;
	sa->answer.mid = mid;
	sa->answer.released = false;
	sa->answer.elsewhere = false;
	memcpy(sa->answer.hash, hash, sizeof sa->answer.hash);
}

static int answer_seal(struct ike *ike, struct ike_sa *sa, struct writer *w, const struct rx *rx)
{
	struct flight *f;
	int rc = tx_seal(ike, sa, w, &f);

	if (rc < 0)
		return rc;
	tx_answer_keep(sa, rx->mid, rx->hash, f);
	mobike_answer_way(sa, rx);
	sa->next_rx = rx->mid + 1;
	return 0;
}

int tx_answer_close(struct ike *ike, struct ike_sa *sa, struct writer *w, const struct rx *rx)
{
	int rc = answer_seal(ike, sa, w, rx);

	if (rc == 0)
		txn_answer(ike, sa);
	return rc;
}

int tx_answer_now(struct ike *ike, struct ike_sa *sa, struct writer *w, const struct rx *rx)
{
	int rc = answer_seal(ike, sa, w, rx);

	if (rc < 0)
		return rc;
	sa->answer.released = true;
	ike->stats.tx_messages++;
	tx_send(ike, sa, sa->answer.flight);
	return 0;
}

int tx_answer_notify(struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t type)
{
	struct writer w;

	tx_answer_open(ike, sa, &w, rx);
	tx_notify(&w, type, (struct view){0});
	return tx_answer_close(ike, sa, &w, rx);
}

int tx_answer_group(struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint16_t group)
{
	uint8_t wanted[2] = {(uint8_t)(group >> 8), (uint8_t)group};
	struct writer w;

	tx_answer_open(ike, sa, &w, rx);
	tx_notify(&w, N_INVALID_KE_PAYLOAD, view_of_array(wanted));
	return tx_answer_close(ike, sa, &w, rx);
}

void tx_answer_release(struct ike *ike, struct ike_sa *sa, uint32_t mid)
{
	struct answer *a = &sa->answer;

	if (!a->flight || a->mid != mid || a->released)
		return;
	a->released = true;
	ike->stats.tx_messages++;
	if (a->elsewhere)
		tx_send_to(ike, sa, a->flight,
			&(struct tx_way){a->interface_id, a->natt, a->local, a->remote});
	else
		tx_send(ike, sa, a->flight);
	sched_work(ike, sa);
}

/* ---------------------------------------------------------------- requests */

void tx_request_open(struct ike *ike, struct ike_sa *sa, struct writer *w, uint8_t exchange)
{
	sa->out->mid = sa->next_tx;
	tx_open(ike, sa, w, exchange, false, sa->out->mid);
}

int tx_request_close(struct ike *ike, struct ike_sa *sa, struct writer *w)
{
	int rc = tx_seal(ike, sa, w, &sa->out->flight);

	if (rc < 0)
		return rc;
	sa->next_tx++;
	txn_request(ike, sa);
	return 0;
}

/* The answer makes the child at the other end: what is sent with it may overtake the answer. */
static void expect(struct ike *ike, const struct ike_sa *sa)
{
	const struct exch *x = sa->out;
	struct ike_effect *e;

	if (x->new_spi == 0 ||
		(x->kind != EXCH_AUTH && x->kind != EXCH_CHILD && x->kind != EXCH_CHILD_REKEY))
		return;
	e = ike_effects_add(ike->fx, IKE_FX_EXPECT);
	if (e)
		e->expect = (struct ike_fx_expect){(uint32_t)x->new_spi, sa->remote.addr};
}

void tx_request_release(struct ike *ike, struct ike_sa *sa, uint32_t mid)
{
	struct exch *x = sa->out;

	if (!x || !x->flight || x->mid != mid || x->released)
		return;
	x->released = true;
	x->first_ms = ike->now_ms;
	x->tries = 0;
	ike->stats.tx_messages++;
	expect(ike, sa);
	tx_send(ike, sa, x->flight);
	sa->at_retransmit = ike->now_ms + sched_retransmit_ms(sa);
	sa_rearm(ike, sa);
}

int tx_request_again(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;

	sa->at_retransmit = 0;
	if (x && x->answer && x->kind == EXCH_AUTH)
		return -ERR_LIMIT; /* nobody could say whether the peer is to be trusted */
	if (!x || !x->released || x->answer)
		return 0;
	x->tries++;
	if (sched_gives_up(sa))
		return -ERR_LIMIT;
	ike->stats.tx_retransmits++;
	expect(ike, sa);
	tx_send(ike, sa, x->flight);
	sa->at_retransmit = ike->now_ms + sched_retransmit_ms(sa);
	sa_rearm(ike, sa);
	return 0;
}

/* ---------------------------------------------------------------- sending */

static void count_sent(struct ike_sa *sa, const struct flight *f)
{
	sa->count.out_packets += f->n;
	sa->count.out_fragments += f->n > 1 ? f->n : 0;
	sa->count.out_bytes += flight_octets(f);
}

static struct ike_fx_send *send_add(struct ike *ike, const struct flight *f)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_SEND);
	struct view *v = ike_effects_alloc(ike->fx, f->n * sizeof *v);

	if (!e || !v)
		return NULL;
	for (size_t i = 0; i < f->n; i++)
		v[i] = ike_effects_copy(ike->fx, flight_at(f, i));
	e->send.datagrams = v;
	e->send.n = f->n;
	return &e->send;
}

void tx_send(struct ike *ike, struct ike_sa *sa, const struct flight *f)
{
	struct ike_fx_send *s = send_add(ike, f);

	if (!s)
		return;
	s->interface_id = sa->interface_id;
	s->rg = sa->rg;
	s->local = sa->local;
	s->remote = sa->remote;
	s->natt = sa->natt;
	sa->last_tx_ms = ike->now_ms;
	count_sent(sa, f);
}

static void tx_send_to(
	struct ike *ike, struct ike_sa *sa, const struct flight *f, const struct tx_way *way)
{
	struct ike_fx_send *s = send_add(ike, f);

	if (!s)
		return;
	s->interface_id = way->interface_id;
	s->rg = sa->rg;
	s->local = way->local;
	s->remote = way->remote;
	s->natt = way->natt;
	count_sent(sa, f);
}

void tx_answer_again(struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg)
{
	const struct tx_way way = {dg->interface_id, dg->natt, dg->local, dg->remote};

	ike->stats.rx_duplicate++;
	sched_answered_again(ike, sa);
	tx_send_to(ike, sa, sa->answer.flight, &way);
}

void tx_keepalive(struct ike *ike, struct ike_sa *sa)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_SEND);

	if (!e)
		return;
	ike->stats.tx_keepalives++;
	e->send = (struct ike_fx_send){.interface_id = sa->interface_id,
		.rg = sa->rg,
		.local = sa->local,
		.remote = sa->remote,
		.natt = true,
		.keepalive = true};
}

void tx_stateless(
	struct ike *ike, uint32_t rg, const struct ike_ev_datagram *to, struct view octets)
{
	struct ike_effect *e = ike_effects_add(ike->fx, IKE_FX_SEND);
	struct view *v = ike_effects_alloc(ike->fx, sizeof *v);

	if (!e || !v)
		return;
	*v = ike_effects_copy(ike->fx, octets);
	e->send = (struct ike_fx_send){.interface_id = to->interface_id,
		.rg = rg,
		.local = to->local,
		.remote = to->remote,
		.natt = to->natt,
		.datagrams = v,
		.n = 1};
}
