#include "node/esp.h"

#define BAD_SPI_NS (UINT64_C(100) * 1000 * 1000)
#define MOVED_NS   (UINT64_C(1000) * 1000 * 1000)

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

static void tell_bad_spi(struct worker *w, const struct pkt *p)
{
	struct note n = {.kind = NOTE_BAD_SPI, .spi = p->spi};

	if (w->now_ns - w->bad_spi_ns < BAD_SPI_NS)
		return;
	w->bad_spi_ns = w->now_ns;
	n.endpoint.from = ip_src(p->p - p->outer);
	n.endpoint.from_port = p->sport;
	n.endpoint.to = ip_dst(p->p - p->outer);
	n.endpoint.to_port = p->flags & PKT_NATT ? ESP_UDP_PORT : 0;
	(void)worker_note(w, &n);
}

static void tell_first(struct worker *w, struct sa *sa)
{
	struct note n = {.kind = NOTE_INBOUND_FIRST, .spi = sa->spi_in};

	sa_flag(sa, SA_SEEN_IN);
	/* Rule 10: the peer has it, so we may use it. */
	atomic_store_explicit(&sa->outbound, true, memory_order_release);
	(void)worker_note(w, &n);
}

/* Everything that can be refused before any cryptography. */
static bool admit(struct worker *w, struct pkt *p, struct suite_op *op)
{
	struct sa *sa = p->sa;
	uint32_t n;

	if (!sa) {
		tell_bad_spi(w, p);
		worker_drop(w, p, STAT_DROP_ESP_SPI);
		return false;
	}
	if (!esp_admit(w, p, sa))
		return false;
	n = esp_cipher_len(&sa->suite->shape, p->len);
	if (n == 0) {
		worker_drop(w, p, STAT_DROP_ESP_LENGTH);
		return false;
	}
	p->seq = replay_infer(&sa->in, load_be32(p->p + 4), sa->flags & SA_ESN);
	if (replay_check(&sa->in, p->seq) < 0) {
		count_add(&sa->n.replay_errors, 1);
		worker_drop(w, p, STAT_DROP_ESP_REPLAY);
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

/* RFC 6040 4.2, RFC 4301 5.1.2.1: congestion comes in, DSCP when the VPN says so. */
static enum counter take_tos(
	struct pkt *p, const struct sa *sa, const struct ip4 *h, uint8_t outer_tos)
{
	uint16_t was = load_be16(p->p);
	uint8_t tos;

	if (ecn_leave(h->tos, outer_tos, &tos) < 0)
		return STAT_DROP_ESP_ECN;
	if (sa_cold(sa)->outer.copy_dscp)
		tos = (uint8_t)((outer_tos & OUTER_DSCP) | (tos & OUTER_ECN));
	p->p[IP4_AT_TOS] = tos;
	store_be16(
		p->p + IP4_AT_SUM, sum_update(load_be16(p->p + IP4_AT_SUM), was, load_be16(p->p)));
	return STAT_COUNT;
}

/* Strips to the inner packet; p->p still at the ESP header. */
static enum counter strip(struct pkt *p, struct sa *sa, const struct suite_op *op, struct ip4 *h)
{
	uint8_t outer_tos = p->p[IP4_AT_TOS - (int)p->outer], next;
	uint32_t payload, front = ESP_HDR + (uint32_t)sa->suite->shape.iv;

	if (esp_trailer_get(view_of(p->p + front, op->len), &payload, &next) < 0)
		return STAT_DROP_ESP_PADDING;
	if (next == ESP_NEXT_DUMMY)
		return STAT_DROP_ESP_DUMMY;
	if (next != ESP_NEXT_IPV4)
		return STAT_DROP_ESP_NEXT;
	pkt_pull(p, front);
	pkt_cut(p, payload);
	/* Octets behind the inner packet are TFC padding (RFC 4303 2.7). */
	if (ip4_read(pkt_view(p), h) != IP4_OK)
		return STAT_DROP_ESP_INNER;
	pkt_cut(p, h->len);
	/* Alike, as they mostly are, nothing follows from them. */
	return outer_tos == h->tos ? STAT_COUNT : take_tos(p, sa, h, outer_tos);
}

static void count_error(struct sa *sa, enum counter why)
{
	if (why == STAT_DROP_ESP_SELECTOR)
		count_add(&sa->n.selector_errors, 1);
	else if (why != STAT_DROP_ESP_DUMMY)
		count_add(&sa->n.decrypt_errors, 1);
}

/* After the ICV was found good or not. */
static void finish(struct worker *w, struct pkt *p, const struct suite_op *op)
{
	struct sa *sa = p->sa;
	enum counter why;
	struct flow f;
	struct ip4 h;

	if (!op->ok) {
		count_add(&sa->n.auth_errors, 1);
		worker_drop(w, p, STAT_DROP_ESP_AUTH);
		return;
	}
	if (replay_mark(&sa->in, p->seq) < 0) { /* twice in one burst */
		count_add(&sa->n.replay_errors, 1);
		worker_drop(w, p, STAT_DROP_ESP_REPLAY);
		return;
	}
	if (__builtin_expect(!(sa->flags & SA_SEEN_IN), 0))
		tell_first(w, sa);
	if (p->flags & PKT_NATT && sa_is_natt(sa))
		tell_moved(w, sa, p);
	why = strip(p, sa, op, &h);
	if (why == STAT_COUNT) {
		f = flow_of(pkt_view(p));
		if (!selectors_match_in(&sa_cold(sa)->ts, &f))
			why = STAT_DROP_ESP_SELECTOR;
	}
	count_set(&sa->n.last_in_ns, w->now_ns);
	if (why != STAT_COUNT) {
		count_error(sa, why);
		worker_drop(w, p, why);
	} else {
		count_add(&sa->n.packets_in, 1);
		count_add(&sa->n.bytes_in, p->len);
		worker_count(w, STAT_ESP_IN);
		count_add(&w->stats[STAT_ESP_IN_BYTES], p->len);
		p->flags |= PKT_INNER;
		p->iface = atomic_load_explicit(&sa_cold(sa)->tunnel, memory_order_relaxed);
		vec_add(&w->route, p);
	}
	sa_tend(w, sa);
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
		esp_run(w, v, ops, n, false);
		for (uint32_t i = 0; i < n; i++)
			finish(w, v[i], &ops[i]);
	}
	w->esp_in.n = 0;
}
