#include "core/reasm.h"

#include "base/err.h"

enum { UNIT = 8, NOT_ECT = 1 << 0, CE = 1 << 3 };

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t hash(uint64_t key, const struct fragment *f)
{
	uint64_t a = mix(key ^ f->src.lo);

	a = mix(a ^ f->dst.lo);
	a = mix(a ^ f->src.hi);
	a = mix(a ^ f->dst.hi);
	return mix(a ^ key ^ ((uint64_t)f->id << 8 | f->proto));
}

uint32_t reasm_worker(const struct fragment *f, uint32_t n)
{
	return (uint32_t)(hash(0, f) >> 40) % n;
}

struct fragment fragment_of4(const struct ip4 *h, const uint8_t *packet)
{
	return (struct fragment){
		.src = ipaddr_v4(h->src),
		.dst = ipaddr_v4(h->dst),
		.id = load_be16(packet + IP4_AT_ID),
		.at = (uint32_t)(h->frag & IP4_OFFSET) * UNIT,
		.header = view_of(packet, h->hdr),
		.data = view_of(packet + h->hdr, (size_t)h->len - h->hdr),
		.proto = h->proto,
		.tos = h->tos,
		.more = h->frag & IP4_MF,
	};
}

struct fragment fragment_of6(const struct ip6 *h, const uint8_t *packet)
{
	uint32_t front = h->frag_at + (uint32_t)IP6_FRAG_HDR;

	return (struct fragment){
		.src = h->src,
		.dst = h->dst,
		.id = h->frag_id,
		.at = h->frag & IP6_OFFSET,
		.header = view_of(packet, h->frag_at),
		.data = view_of(packet + front, h->len - front),
		.naming_at = h->naming_at,
		.next = packet[h->frag_at],
		.tos = h->tos,
		.more = h->frag & IP6_MF,
	};
}

void reasm_init(struct reasm *r, uint64_t key)
{
	memset(r, 0, sizeof *r);
	r->key = key;
}

/* ---------------------------------------------------------------- slots */

static void buffer_back(const struct reasm_ops *ops, struct reasm_slot *s)
{
	if (s->buffer)
		ops->put(ops->ctx, s->buffer, s->pieces);
	s->buffer = NULL;
}

static void slot_free(struct reasm *r, const struct reasm_ops *ops, struct reasm_slot *s)
{
	buffer_back(ops, s);
	s->used = false;
	r->n_used--;
}

static bool is_of(const struct reasm_slot *s, const struct fragment *f)
{
	return s->used && ipaddr_equal(s->src, f->src) && ipaddr_equal(s->dst, f->dst) &&
	       s->id == f->id && s->proto == f->proto;
}

/* An empty one, or the oldest of the set. */
static struct reasm_slot *slot_make(struct reasm *r, const struct reasm_ops *ops,
	struct reasm_slot *set, const struct fragment *f)
{
	struct reasm_slot *s = &set[0];
	uint32_t room;

	for (uint32_t i = 0; i < REASM_WAYS && s->used; i++)
		if (!set[i].used || set[i].born_ns < s->born_ns)
			s = &set[i];
	if (s->used)
		slot_free(r, ops, s);
	*s = (struct reasm_slot){.src = f->src, .dst = f->dst, .id = f->id, .proto = f->proto};
	s->buffer = ops->get(ops->ctx, &s->data, &room);
	if (!s->buffer)
		return NULL;
	s->room = (uint16_t)MIN(room, (uint32_t)REASM_OCTETS);
	s->used = true;
	r->n_used++;
	return s;
}

static struct reasm_slot *slot_get(
	struct reasm *r, const struct reasm_ops *ops, const struct fragment *f, uint64_t now_ns)
{
	struct reasm_slot *set = r->slots[hash(r->key, f) % REASM_SETS], *s;

	for (uint32_t i = 0; i < REASM_WAYS; i++)
		if (is_of(&set[i], f))
			return &set[i];
	s = slot_make(r, ops, set, f);
	if (s)
		s->born_ns = now_ns;
	return s;
}

/* ---------------------------------------------------------------- pieces */

/* How many of these units are there already? */
static uint32_t units_there(const struct reasm_slot *s, uint32_t from, uint32_t n)
{
	uint32_t there = 0;

	for (uint32_t u = from; u < from + n; u++)
		there += s->have[u / 64] >> u % 64 & 1;
	return there;
}

/* Where the packet ends, and nothing lies beyond. */
static bool end_fits(const struct reasm_slot *s, uint32_t to, bool more)
{
	if (s->end)
		return more ? to < s->end : to == s->end;
	return more ||
	       units_there(s, (to + UNIT - 1) / UNIT, REASM_UNITS - (to + UNIT - 1) / UNIT) == 0;
}

/* RFC 8200 4.5: the first one's header, without the fragment header. */
static void keep_header(struct reasm_slot *s, const struct fragment *f)
{
	memcpy(s->header, f->header.p, f->header.n);
	s->hdr = (uint16_t)f->header.n;
	if (f->naming_at)
		s->header[f->naming_at] = f->next;
}

static enum reasm_verdict place(struct reasm_slot *s, const struct fragment *f)
{
	uint32_t n = (uint32_t)f->data.n, units = (n + UNIT - 1) / UNIT, there;

	if (f->at + n > s->room)
		return REASM_BIG;
	there = units_there(s, f->at / UNIT, units);
	if (there == units && (f->more || s->end == f->at + n) && (f->at || f->header.n == s->hdr))
		return REASM_COPY;
	if (there || !end_fits(s, f->at + n, f->more))
		return REASM_OVERLAP;
	memcpy(s->data + f->at, f->data.p, n);
	for (uint32_t u = f->at / UNIT; u < f->at / UNIT + units; u++)
		s->have[u / 64] |= UINT64_C(1) << u % 64;
	if (!f->more)
		s->end = (uint16_t)(f->at + n);
	if (f->at == 0)
		keep_header(s, f);
	s->got = (uint16_t)(s->got + n);
	s->ecn |= (uint8_t)(1u << (f->tos & 3));
	s->pieces++;
	return s->end && s->got == s->end && s->hdr ? REASM_DONE : REASM_HELD;
}

enum reasm_verdict reasm_add(struct reasm *r, const struct reasm_ops *ops, const struct fragment *f,
	uint64_t now_ns, struct reasm_slot **slot)
{
	uint32_t n = (uint32_t)f->data.n;
	enum reasm_verdict v;

	if (n == 0 || (f->more && n % UNIT) || f->header.n > REASM_HDR)
		return REASM_BAD;
	if (f->at + n > UINT16_MAX - (uint32_t)f->header.n)
		return REASM_BEYOND;
	*slot = slot_get(r, ops, f, now_ns);
	if (!*slot)
		return REASM_FULL;
	if ((*slot)->dead)
		return REASM_REFUSED;
	v = place(*slot, f);
	if (v == REASM_OVERLAP || v == REASM_BIG) {
		buffer_back(ops, *slot);
		(*slot)->dead = true;
	}
	return v;
}

/* The header says what has become of the packet. */
static void header_finish(const struct reasm_slot *s, uint8_t *header)
{
	uint8_t ce = s->ecn & CE ? 3 : 0;

	memcpy(header, s->header, s->hdr);
	if (!ip_is_v4(header)) {
		ip6_tos_put(header, ip6_tos(header) | ce);
		store_be16(header + IP6_AT_LEN, (uint16_t)(s->hdr - IP6_HDR + s->end));
		return;
	}
	header[IP4_AT_TOS] |= ce;
	store_be16(header + IP4_AT_LEN, (uint16_t)(s->hdr + s->end));
	store_be16(header + IP4_AT_FRAG, 0);
	store_be16(header + IP4_AT_SUM, 0);
	store_be16(header + IP4_AT_SUM, sum_done(sum_add(0, view_of(header, s->hdr))));
}

int reasm_take(struct reasm *r, struct reasm_slot *s, uint8_t *header, uint32_t *hdr, uint32_t *n,
	void **buffer)
{
	*buffer = s->buffer;
	*n = s->end;
	*hdr = s->hdr;
	s->buffer = NULL;
	s->used = false;
	r->n_used--;
	if (s->ecn & CE && s->ecn & NOT_ECT)
		return -ERR_VALUE;
	header_finish(s, header);
	return 0;
}

void reasm_expire(struct reasm *r, const struct reasm_ops *ops, uint64_t now_ns, bool all)
{
	for (uint32_t i = 0; i < REASM_SETS && r->n_used; i++)
		for (uint32_t k = 0; k < REASM_WAYS; k++) {
			struct reasm_slot *s = &r->slots[i][k];

			if (s->used && (all || now_ns - s->born_ns >= REASM_NS))
				slot_free(r, ops, s);
		}
}
