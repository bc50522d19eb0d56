#include "await.h"
#include "node/esp.h"

#define MOVED_NS (UINT64_C(1000) * 1000 * 1000)

/* RFC 7296 2.23 and architecture rule 9: tells, and moves nothing. */
static void tell_moved(struct worker *w, struct sa *sa, const struct pkt *p)
{
	const struct sa_cold *c = sa_cold(sa);
	struct note n = {.kind = NOTE_ENDPOINT_MOVED, .spi = sa->spi_in};

	n.endpoint.from = ip_src(p->p - p->outer);
	if (ipaddr_equal(n.endpoint.from, ipaddr_of(&c->remote.addr)) && p->sport == c->remote.port)
		return;
	/* An inherited window does not know which number was the highest: wait to be past it. */
	if (p->seq != sa->in.top ||
		(sa->out.lease.epoch < sa->out.epoch && p->seq < sa->out.lease.in_horizon) ||
		w->now_ns - sa->n.moved_ns < MOVED_NS)
		return;
	n.endpoint.from_port = p->sport;
	if (worker_note(w, &n))
		sa->n.moved_ns = w->now_ns;
}

/* Everything that can be refused before any cryptography. */
static bool admit(struct worker *w, struct pkt *p, struct suite_op *op)
{
	struct sa *sa = p->sa;
	uint32_t n;

	if (!sa || suite_is_ah(sa->suite)) {
		sa_unknown(w, p, STAT_DROP_ESP_SPI);
		return false;
	}
	if (__builtin_expect(w->await.n != 0, 0) && await_hold(w, p))
		return false;
	if (!esp_admit(w, p, sa))
		return false;
	n = esp_cipher_len(&sa->suite->shape, p->len);
	if (n == 0) {
		worker_drop(w, p,
			esp_is_short(&sa->suite->shape, p->len) ? STAT_DROP_ESP_LENGTH
								: STAT_DROP_ESP_BLOCK);
		return false;
	}
	p->seq = replay_infer(&sa->in, load_be32(p->p + 4), sa->flags & SA_ESN);
	if (replay_check(&sa->in, p->seq) < 0) {
		count_add(&sa->n.replay_errors, 1);
		worker_drop(w, p,
			p->seq == 0			 ? STAT_DROP_ESP_NUMBER
			: replay_is_old(&sa->in, p->seq) ? STAT_DROP_ESP_OLD
							 : STAT_DROP_ESP_REPLAY);
		return false;
	}
	if (!seqno_in_allows(&sa->out, p->seq)) {
		sa_tend(w, sa);
		worker_drop(w, p, STAT_DROP_ESP_HORIZON);
		return false;
	}
	op->key = sa->key_in;
	op->esp = p->p;
	op->len = n;
	op->salt = sa->salt_in;
	op->seq = p->seq;
	op->esn = sa->flags & SA_ESN;
	return true;
}

/* After the ICV was found good or not. */
static void finish(struct worker *w, struct pkt *p, const struct suite_op *op)
{
	uint32_t payload, front = ESP_HDR + (uint32_t)p->sa->suite->shape.iv;
	struct opened o = {.outer = p->outer, .hdr = (uint16_t)p->outer};
	int rc;

	if (!op->ok) {
		count_add(&p->sa->n.auth_errors, 1);
		worker_drop(w, p, STAT_DROP_ESP_AUTH);
		return;
	}
	if (!sa_mark(w, p))
		return;
	if (p->flags & PKT_NATT && sa_is_natt(p->sa))
		tell_moved(w, p->sa, p);
	rc = esp_trailer_get(view_of(p->p + front, op->len), &payload, &o.next);
	if (rc < 0) {
		sa_reject(w, p,
			rc == -ERR_TRUNCATED ? STAT_DROP_ESP_PAD_LENGTH : STAT_DROP_ESP_PADDING);
		return;
	}
	pkt_pull(p, front);
	pkt_cut(p, payload);
	o.outer += front;
	sa_accept(w, p, &o);
}

/* Finds the SAs of a burst and fetches what they lead to, one step for all before the next: the
 * memory of one arrives while the others are looked at. */
static void find(const struct worker *w, struct pkt **v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i && v[i]->spi == v[i - 1]->spi) {
			v[i]->sa = v[i - 1]->sa;
			continue;
		}
		v[i]->sa = sad_find(&w->sh->sad, v[i]->spi);
		if (v[i]->sa)
			sa_fetch_in(v[i]->sa);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct sa *sa = v[i]->sa;

		if (!sa || (i && sa == v[i - 1]->sa))
			continue;
		if (sa->in.window && v[i]->len >= ESP_HDR)
			__builtin_prefetch(
				&sa->in.words[load_be32(v[i]->p + 4) / 64 & sa->in.mask]);
		sa_fetch_cold(sa);
		sa_fetch_key(sa, sa->key_in, v[i]->len);
	}
}

void node_esp_in(struct worker *w)
{
	struct suite_op ops[PKT_BURST] UNINITIALIZED;
	struct pkt *v[PKT_BURST] UNINITIALIZED;

	for (uint32_t at = 0; at < w->esp_in.n; at += PKT_BURST) {
		uint32_t n = 0, end = MIN(at + PKT_BURST, w->esp_in.n);

		find(w, &w->esp_in.v[at], end - at);
		for (uint32_t i = at; i < end; i++) {
			v[n] = w->esp_in.v[i];
			if (admit(w, v[n], &ops[n]))
				n++;
		}
		if (__builtin_expect(w->sh->test_hang, 0) && n)
			worker_test_hang(w, HANG_IN);
		esp_run(w, v, ops, n, false);
		for (uint32_t i = 0; i < n; i++)
			finish(w, v[i], &ops[i]);
	}
	w->esp_in.n = 0;
}
