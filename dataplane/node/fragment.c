#include "node/fragment.h"

#include <stdlib.h>

#include "core/cut.h"
#include "node/node.h"

/* ---------------------------------------------------------------- gathering */

/* How long the whole is going to be, its first fragment does not tell. */
static void *buffer_get(void *ctx, uint8_t **data, uint32_t *room)
{
	struct worker *w = ctx;
	struct pkt *p = w->sh->large ? pkt_alloc(w->sh->large) : NULL;

	if (!p)
		p = pkt_alloc(w->sh->pool);
	if (!p)
		return NULL;
	*data = p->p;
	*room = p->tail;
	return p;
}

static void buffer_put(void *ctx, void *buffer, uint32_t pieces)
{
	struct worker *w = ctx;

	count_add(&w->stats[STAT_DROP_FRAGMENT_INCOMPLETE], pieces);
	pkt_free(buffer);
}

static struct reasm_ops ops_of(struct worker *w)
{
	return (struct reasm_ops){buffer_get, buffer_put, w};
}

struct reasm *gather_new(const struct env *env)
{
	struct reasm *r = malloc(sizeof *r);

	if (r)
		reasm_init(r, env_random64(env));
	return r;
}

void gather_free(struct worker *w)
{
	struct reasm_ops ops = ops_of(w);

	if (w->reasm)
		reasm_expire(w->reasm, &ops, 0, true);
	free(w->reasm);
}

void gather_tick(struct worker *w)
{
	struct reasm_ops ops = ops_of(w);

	reasm_expire(w->reasm, &ops, w->now_ns, false);
}

static void whole_local(struct worker *w, struct pkt *p, const struct iface *own)
{
	struct ip4 h4;
	struct ip6 h;

	if (ip_is_v4(p->p) && ip4_read(pkt_view(p), &h4) == IP4_OK)
		node_local(w, p, &h4, own);
	else if (ip6_read(pkt_view(p), &h) != IP6_OK)
		worker_drop(w, p, STAT_DROP_FRAGMENT);
	else if (h.proto == IP_ICMP6 && nd_is(p->p[h.hdr])) /* RFC 6980 5 */
		worker_drop(w, p, STAT_DROP_ND_OTHER);
	else
		node_local6(w, p, &h, own);
}

/* It goes on as if it had come whole, by the way of its last fragment. */
static void whole(
	struct worker *w, struct reasm_slot *s, const struct pkt *last, const struct iface *own)
{
	uint8_t header[REASM_HDR];
	uint32_t hdr, n;
	void *buffer;
	struct pkt *p;
	int rc = reasm_take(w->reasm, s, header, &hdr, &n, &buffer);

	p = buffer;
	(void)pkt_append(p, n);
	worker_count(w, STAT_FRAGMENTS_JOINED);
	if (rc < 0 || p->head < hdr) {
		worker_drop(w, p, rc < 0 ? STAT_DROP_FRAGMENT_ECN : STAT_DROP_NO_ROOM);
		return;
	}
	memcpy(pkt_push(p, hdr), header, hdr);
	p->kind = PKT_FRAME;
	p->flags = last->flags & (uint8_t)~PKT_STEERED;
	p->iface = last->iface;
	p->port = last->port;
	whole_local(w, p, own);
}

/* The worker to which all fragments of one packet go. */
static uint32_t gatherer(const struct worker *w, const struct fragment *f)
{
	uint32_t slot = reasm_worker(f, GATHER_SLOTS);

	return atomic_load_explicit(&w->sh->gather_worker[slot], memory_order_relaxed);
}

void node_gather(struct worker *w, struct pkt *p, const struct fragment *f, const struct iface *own)
{
	static const enum counter why[] = {
		[REASM_COPY] = STAT_DROP_FRAGMENT_COPY,
		[REASM_BAD] = STAT_DROP_FRAGMENT,
		[REASM_BEYOND] = STAT_DROP_FRAGMENT_BEYOND,
		[REASM_OVERLAP] = STAT_DROP_FRAGMENT_OVERLAP,
		[REASM_REFUSED] = STAT_DROP_FRAGMENT_REFUSED,
		[REASM_BIG] = STAT_DROP_FRAGMENT_BIG,
		[REASM_FULL] = STAT_DROP_NO_BUFFER,
	};

	uint32_t to = gatherer(w, f);
	struct reasm_ops ops = ops_of(w);
	struct reasm_slot *slot;
	enum reasm_verdict v;

	/* the others may have come to other workers */
	if (to != w->id && !(p->flags & PKT_STEERED)) {
		p->flags |= PKT_STEERED;
		p->kind = PKT_FRAGMENT;
		worker_hand(w, to, p);
		return;
	}
	v = reasm_add(w->reasm, &ops, f, w->now_ns, &slot);
	if (v != REASM_HELD && v != REASM_DONE) {
		worker_drop(w, p, why[v]);
		return;
	}
	worker_count(w, STAT_FRAGMENTS_IN);
	if (v == REASM_DONE)
		whole(w, slot, p, own);
	pkt_free(p);
}

/* ---------------------------------------------------------------- cutting */

/* Of either family. */
struct cutter {
	struct ip4_cut v4;
	struct ip6_cut v6;
	bool is_v4;
};

static int cutter_init(struct worker *w, struct cutter *c, const struct pkt *p, uint32_t mtu)
{
	mtu = MIN(mtu, w->sh->pool_octets);
	c->is_v4 = ip_is_v4(p->p);
	if (c->is_v4)
		return ip4_cut_init(&c->v4, pkt_view(p), mtu);
	/* RFC 7739: not to be guessed from another one */
	return ip6_cut_init(&c->v6, pkt_view(p), mtu,
		(uint32_t)((w->reasm->key | 1) * ++w->frag_id) ^ (uint32_t)(w->reasm->key >> 32));
}

static struct pkt *piece_of(struct worker *w, const struct pkt *p, struct cutter *c)
{
	struct pkt *q = pkt_alloc(w->sh->pool);
	uint32_t n;

	if (!q)
		return NULL;
	n = c->is_v4 ? ip4_cut_next(&c->v4, q->p) : ip6_cut_next(&c->v6, q->p);
	(void)pkt_append(q, n);
	q->kind = p->kind;
	q->flags = p->flags;
	q->iface = p->iface;
	q->port = p->port;
	q->spi = p->spi;
	q->sa = p->sa;
	return q;
}

static bool is_done(const struct cutter *c)
{
	return c->is_v4 ? c->v4.at >= c->v4.packet.n - c->v4.hdr
			: c->v6.at >= c->v6.packet.n - IP6_HDR;
}

uint32_t cut_packet(struct worker *w, struct pkt *p, uint32_t mtu, struct pkt **out)
{
	struct cutter c;
	uint32_t n = 0;

	if (cutter_init(w, &c, p, mtu) < 0) {
		worker_drop(w, p, STAT_DROP_IP_NEEDS_FRAGMENT);
		return 0;
	}
	while (!is_done(&c) && (out[n] = piece_of(w, p, &c)) != NULL)
		n++;
	if (!is_done(&c)) {
		pkt_free_bulk(out, n);
		worker_drop(w, p, STAT_DROP_NO_BUFFER);
		return 0;
	}
	count_add(&w->stats[STAT_FRAGMENTS_OUT], n);
	pkt_free(p);
	return n;
}
