#include "await.h"
#include "core/ah.h"
#include "form.h"
#include "node/esp.h"

enum { AH_BURST = 32 };

/* Packets on their way through the two steps of a bundle. */
struct ah_burst {
	uint32_t n;
	struct pkt *p[AH_BURST];
	struct suite_op op[AH_BURST];
	struct ah_place place[AH_BURST];
	struct ah_muted muted[AH_BURST];
};

static uint8_t *ip_of(const struct pkt *p)
{
	return p->p - p->outer;
}

/* RFC 4302 3.4.3: what can be refused before any cryptography. */
static enum counter refuse(struct worker *w, struct pkt *p)
{
	struct sa *sa = p->sa;

	p->seq = replay_infer(&sa->in, load_be32(p->p + AH_AT_SEQ), sa->flags & SA_ESN);
	if (replay_check(&sa->in, p->seq) < 0) {
		count_add(&sa->n.replay_errors, 1);
		return p->seq == 0			? STAT_DROP_AH_NUMBER
		       : replay_is_old(&sa->in, p->seq) ? STAT_DROP_AH_OLD
							: STAT_DROP_AH_REPLAY;
	}
	if (!seqno_in_allows(&sa->out, p->seq)) {
		sa_tend(w, sa);
		return STAT_DROP_AH_HORIZON;
	}
	/* the high half of an ESN lies behind the packet for a moment */
	return sa->flags & SA_ESN && p->tail < AH_ESN_HIGH ? STAT_DROP_NO_BUFFER : STAT_COUNT;
}

static enum counter mute(const struct pkt *p, struct ah_place *place, struct ah_muted *m)
{
	static const enum counter why[] = {
		[AH_OK] = STAT_COUNT,
		[AH_FAULT_SHORT] = STAT_DROP_AH_SHORT,
		[AH_FAULT_LENGTH] = STAT_DROP_AH_LENGTH,
		[AH_FAULT_HEADERS] = STAT_DROP_AH_HEADERS,
	};
	struct view packet = view_of(ip_of(p), p->len + p->outer);
	enum ah_fault fault = ah_find(packet, p->sa->suite->shape.icv, place);

	if (fault == AH_OK)
		fault = place->at == p->outer ? ah_mute(ip_of(p), place, false, m)
					      : AH_FAULT_HEADERS;
	return why[fault];
}

static void admit(struct worker *w, struct pkt *p, struct ah_burst *b)
{
	struct suite_op *op = &b->op[b->n];
	struct sa *sa = sad_find(&w->sh->sad, p->spi);
	enum counter why;

	p->sa = sa;
	if (!sa || !suite_is_ah(sa->suite)) {
		sa_unknown(w, p, STAT_DROP_AH_SPI);
		return;
	}
	if (__builtin_expect(w->await.n != 0, 0) && await_hold(w, p))
		return;
	if (!esp_admit(w, p, sa))
		return;
	why = refuse(w, p);
	if (why == STAT_COUNT)
		why = mute(p, &b->place[b->n], &b->muted[b->n]);
	if (why != STAT_COUNT) {
		worker_drop(w, p, why);
		return;
	}
	*op = (struct suite_op){.key = sa->key_in,
		.esp = ip_of(p),
		.len = p->len + p->outer,
		.seq = p->seq,
		.esn = sa->flags & SA_ESN};
	b->p[b->n++] = p;
}

/* p at what AH carried; p->outer counts along. */
static void pull(struct pkt *p, uint32_t n)
{
	pkt_pull(p, n);
	p->outer += n;
}

/* The ESP of a bundle: only here, behind the AH of its own SA, and with its own SPI. */
static bool admit_inner(
	struct worker *w, struct pkt *p, const struct ah_place *a, struct suite_op *op)
{
	const struct sa_form *f = p->sa->form;
	uint32_t n = a->next == IP_ESP ? esp_cipher_len(&f->esp->shape, p->len) : 0;

	if (n == 0 || load_be32(p->p) != f->aux_in) {
		sa_reject(w, p, STAT_DROP_AH_BUNDLE);
		return false;
	}
	*op = (struct suite_op){.key = f->key_in, .esp = p->p, .len = n, .seq = p->seq};
	return true;
}

static void accept_inner(
	struct worker *w, struct pkt *p, const struct ah_place *a, const struct suite_op *op)
{
	uint32_t payload, front = ESP_HDR + (uint32_t)p->sa->form->esp->shape.iv;
	struct opened o = {.hdr = a->at};

	if (!op->ok || esp_trailer_get(view_of(p->p + front, op->len), &payload, &o.next) < 0) {
		sa_reject(w, p, STAT_DROP_ESP_PADDING);
		return;
	}
	pull(p, front);
	pkt_cut(p, payload);
	o.outer = p->outer;
	sa_accept(w, p, &o);
}

/* Those that were found good and carry ESP are left in the burst. */
static void finish(struct worker *w, struct ah_burst *b)
{
	uint32_t n = b->n;

	b->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct ah_place a = b->place[i];
		struct pkt *p = b->p[i];
		bool ok = b->op[i].ok &&
			  view_equal_ct(ah_icv(&b->muted[i], &a), view_of(b->op[i].icv, a.icv));

		ah_unmute(ip_of(p), &b->muted[i]);
		if (!ok) {
			count_add(&p->sa->n.auth_errors, 1);
			worker_drop(w, p, STAT_DROP_AH_AUTH);
			continue;
		}
		if (!sa_mark(w, p))
			continue;
		pull(p, a.len);
		if (p->sa->flags & SA_FORMED && p->sa->form->esp) {
			if (admit_inner(w, p, &a, &b->op[b->n])) {
				b->place[b->n] = a;
				b->p[b->n++] = p;
			}
			continue;
		}
		sa_accept(w, p, &(struct opened){a.next, a.at, p->outer});
	}
}

void node_ah_in(struct worker *w)
{
	const struct suite *inner[AH_BURST];
	struct ah_burst b UNINITIALIZED;

	for (uint32_t at = 0; at < w->ah_in.n;) {
		b.n = 0;
		while (at < w->ah_in.n && b.n < AH_BURST)
			admit(w, w->ah_in.v[at++], &b);
		if (__builtin_expect(w->sh->test_hang, 0) && b.n)
			worker_test_hang(w, HANG_IN);
		esp_run(w, b.p, b.op, b.n, false);
		finish(w, &b);
		for (uint32_t i = 0; i < b.n; i++)
			inner[i] = b.p[i]->sa->form->esp;
		suites_run(w, inner, b.op, b.n, false);
		for (uint32_t i = 0; i < b.n; i++)
			accept_inner(w, b.p[i], &b.place[i], &b.op[i]);
	}
	w->ah_in.n = 0;
}
