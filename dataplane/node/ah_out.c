/*
 * Outbound, whatever is not ESP in a tunnel: AH, bundles, transport mode.
 */
#include "core/ah.h"
#include "core/transport.h"
#include "form.h"
#include "node/esp.h"

enum { OUT_BURST = 32 };

/* One packet: what goes where. */
struct plan {
	bool ip6, esn;
	const struct suite *esp; /* NULL: no ESP */
	uint32_t front;		 /* transport: octets of the header that stays */
	uint32_t hdr;		 /* octets of the outer IP header */
	uint32_t ah;		 /* octets of AH, 0: none */
	uint32_t payload;
	uint8_t next; /* of the payload */
	uint64_t iv;
};

struct out_burst {
	uint32_t n;
	struct pkt *p[OUT_BURST];
	struct plan plan[OUT_BURST];
	struct suite_op op[OUT_BURST];
	struct ah_place place[OUT_BURST];
	struct ah_muted muted[OUT_BURST];
};

/* False: transport mode cannot take it. */
static bool plan_of(const struct pkt *p, struct plan *out)
{
	const struct sa *sa = p->sa;
	struct plan a = {.esn = sa->flags & SA_ESN, .payload = p->len};

	a.esp = suite_is_ah(sa->suite) ? sa->form->esp : sa->suite;
	if (sa->form->transport) {
		a.front = a.hdr = transport_front(pkt_view(p), &a.next);
		if (a.front == 0)
			return false;
		a.payload -= a.front;
		a.ip6 = !ip_is_v4(p->p);
	} else {
		a.hdr = sa->overhead;
		a.ip6 = !ip_is_v4(sa->tmpl);
		a.next = ip_is_v4(p->p) ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6;
	}
	if (suite_is_ah(sa->suite))
		a.ah = ah_size(sa->suite->shape.icv, a.ip6);
	*out = a;
	return true;
}

static uint32_t esp_front(const struct plan *a)
{
	return a->esp ? ESP_HDR + (uint32_t)a->esp->shape.iv : 0;
}

static bool fits(struct worker *w, struct pkt *p, const struct plan *a, uint32_t mtu,
	struct cut_queue *pieces)
{
	struct sa *sa = p->sa;
	uint32_t way = atomic_load_explicit(&sa->mtu, memory_order_relaxed);
	bool within = sa->form->transport || p->tunnel_mtu == 0 || p->len <= p->tunnel_mtu;

	mtu = MIN(mtu, way);
	if (a->hdr + form_size(sa, a->payload, a->ip6) <= mtu && within)
		return true;
	path_mtu_age(w, sa);
	if (!sa->form->transport && sa_is_least(p))
		return true;
	if (!sa->form->transport) {
		sa_too_big(w, p, sa, form_payload_max(sa, mtu - a->hdr, a->ip6), pieces);
		return false;
	}
	answer_too_big(w, p, a->hdr + form_payload_max(sa, mtu - a->hdr, a->ip6));
	worker_drop(w, p, STAT_DROP_IP_TOO_BIG);
	return false;
}

static bool has_room(const struct pkt *p, const struct plan *a)
{
	uint32_t front = ETH_HDR + a->hdr - a->front + a->ah + esp_front(a), back = AH_ESN_HIGH;

	if (a->esp)
		back += a->esp->shape.align + (uint32_t)ESP_TRAILER + a->esp->shape.icv;
	return p->head >= front && p->tail >= back;
}

static bool number(struct worker *w, struct pkt *p, struct plan *a)
{
	bool ah = suite_is_ah(p->sa->suite);

	return sa_number(w, p, a->esp, ah ? STAT_AH_OUT_BYTES : STAT_ESP_OUT_BYTES, &a->iv);
}

static void put_esp(
	struct worker *w, const struct pkt *p, const struct plan *a, struct suite_op *op)
{
	const struct sa *sa = p->sa;
	bool inner = suite_is_ah(sa->suite);
	uint8_t *esp = p->p + a->hdr + a->ah;

	store_be32(esp, inner ? sa->form->aux_out : sa->form->spi_out);
	store_be32(esp + 4, (uint32_t)p->seq);
	if (suite_is_aead(a->esp))
		store_be64(esp + ESP_HDR, a->iv);
	else
		suite_random_iv(w->engine, a->esp, esp + ESP_HDR);
	*op = (struct suite_op){
		.key = inner ? sa->form->key_out : sa->key_out,
		.esp = esp,
		.len = a->payload + esp_pad(&a->esp->shape, a->payload) + ESP_TRAILER,
		.salt = sa->salt_out,
		.seq = p->seq,
		.esn = a->esn && !inner,
	};
}

/* Writes everything but ciphertext and ICVs. */
static void build(struct worker *w, struct pkt *p, const struct plan *a, struct suite_op *op)
{
	const struct sa *sa = p->sa;
	struct view inner = pkt_view(p);
	uint8_t *o;

	if (a->esp) {
		uint32_t pad = esp_pad(&a->esp->shape, a->payload);

		esp_trailer_put(pkt_append(p, pad + ESP_TRAILER + a->esp->shape.icv), pad, a->next);
	}
	o = pkt_push(p, a->hdr - a->front + a->ah + esp_front(a));
	if (a->front) {
		memmove(o, inner.p, a->front);
		transport_close(o, a->front, a->ah ? IP_AH : IP_ESP, p->len);
	} else {
		sa_outer_put(w, o, sa, inner, p->len);
	}
	if (a->ah)
		ah_put(o + a->hdr, sa->form->spi_out, (uint32_t)p->seq, a->esp ? IP_ESP : a->next,
			a->ah);
	if (a->esp)
		put_esp(w, p, a, op);
}

/* Everything that can be refused before a number is used. */
static void admit(struct worker *w, struct pkt *p, struct out_burst *b, struct cut_queue *pieces)
{
	struct plan *a = &b->plan[b->n];
	const struct iface *iface;
	const struct hop *hop;

	if (!esp_admit(w, p, p->sa))
		return;
	hop = sa_route(w, p->sa);
	iface = hop ? net_iface(w->net, hop->iface) : NULL;
	if (!iface) {
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
		return;
	}
	if (!plan_of(p, a)) {
		worker_drop(w, p, STAT_DROP_TRANSPORT);
		return;
	}
	if (!fits(w, p, a, iface->mtu, pieces))
		return;
	if (!has_room(p, a)) {
		worker_drop(w, p, STAT_DROP_NO_BUFFER);
		return;
	}
	if (!number(w, p, a))
		return;
	p->hop = (uint32_t)(hop - w->net->hops);
	build(w, p, a, &b->op[b->n]);
	b->p[b->n++] = p;
}

static void seal_esp(struct worker *w, struct out_burst *b)
{
	const struct suite *suites[OUT_BURST];
	struct suite_op ops[OUT_BURST] UNINITIALIZED;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (!b->plan[i].esp)
			continue;
		suites[n] = b->plan[i].esp;
		ops[n++] = b->op[i];
	}
	suites_run(w, suites, ops, n, true);
}

/* RFC 4302 3.3: over everything that is there now; so it comes last. */
static void sign_ah(struct worker *w, struct out_burst *b)
{
	const struct suite *suites[OUT_BURST];
	uint32_t of[OUT_BURST], n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct pkt *p = b->p[i];

		if (!b->plan[i].ah)
			continue;
		if (ah_find(pkt_view(p), p->sa->suite->shape.icv, &b->place[n]) != AH_OK ||
			ah_mute(p->p, &b->place[n], true, &b->muted[n]) != AH_OK) {
			worker_drop(w, p, STAT_DROP_AH_HEADERS); /* options of transport mode */
			b->p[i] = NULL;
			continue;
		}
		b->op[n] = (struct suite_op){.key = p->sa->key_out,
			.esp = p->p,
			.len = p->len,
			.seq = p->seq,
			.esn = b->plan[i].esn};
		suites[n] = p->sa->suite;
		of[n++] = i;
	}
	suites_run(w, suites, b->op, n, true);
	for (uint32_t k = 0; k < n; k++) {
		uint8_t *ip = b->p[of[k]]->p;

		ah_unmute(ip, &b->muted[k]);
		memcpy(ip + b->place[k].at + AH_HDR, b->op[k].icv, b->place[k].icv);
	}
}

static struct pkt *next(struct worker *w, uint32_t *at, struct cut_queue *pieces)
{
	if (pieces->at < pieces->n)
		return pieces->v[pieces->at++];
	return *at < w->ah_out.n ? w->ah_out.v[(*at)++] : NULL;
}

void node_ah_out(struct worker *w)
{
	struct out_burst b UNINITIALIZED;
	struct cut_queue pieces UNINITIALIZED;
	struct pkt *p = NULL;
	uint32_t at = 0;

	pieces.n = pieces.at = 0;
	do {
		b.n = 0;
		while (b.n < OUT_BURST && (p = next(w, &at, &pieces)) != NULL)
			admit(w, p, &b, &pieces);
		seal_esp(w, &b);
		sign_ah(w, &b);
		for (uint32_t i = 0; i < b.n; i++) {
			if (!b.p[i])
				continue;
			worker_count(
				w, suite_is_ah(b.p[i]->sa->suite) ? STAT_AH_OUT : STAT_ESP_OUT);
			sa_leave(w, b.p[i]);
		}
	} while (p);
	w->ah_out.n = 0;
}
