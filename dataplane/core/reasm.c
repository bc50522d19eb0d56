#include "core/reasm.h"

#include "base/err.h"

enum { UNIT = 8, NOT_ECT = 1 << 0, CE = 1 << 3 };

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t hash(uint64_t key, const struct ip4 *h, uint16_t id)
{
	uint64_t a = mix(key ^ ((uint64_t)h->src << 32 | h->dst));

	return mix(a ^ key ^ ((uint64_t)id << 8 | h->proto));
}

uint32_t reasm_worker(const struct ip4 *h, uint16_t id, uint32_t n)
{
	return (uint32_t)(hash(0, h, id) >> 40) % n;
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

static bool is_of(const struct reasm_slot *s, const struct ip4 *h, uint16_t id)
{
	return s->used && s->src == h->src && s->dst == h->dst && s->id == id &&
	       s->proto == h->proto;
}

/* An empty one, or the oldest of the set. */
static struct reasm_slot *slot_make(struct reasm *r, const struct reasm_ops *ops,
	struct reasm_slot *set, const struct ip4 *h, uint16_t id)
{
	struct reasm_slot *s = &set[0];
	uint32_t room;

	for (uint32_t i = 0; i < REASM_WAYS && s->used; i++)
		if (!set[i].used || set[i].born_ns < s->born_ns)
			s = &set[i];
	if (s->used)
		slot_free(r, ops, s);
	*s = (struct reasm_slot){.src = h->src, .dst = h->dst, .id = id, .proto = h->proto};
	s->buffer = ops->get(ops->ctx, &s->data, &room);
	if (!s->buffer)
		return NULL;
	s->room = (uint16_t)MIN(room, (uint32_t)REASM_OCTETS);
	s->used = true;
	r->n_used++;
	return s;
}

static struct reasm_slot *slot_get(struct reasm *r, const struct reasm_ops *ops,
	const struct ip4 *h, uint16_t id, uint64_t now_ns)
{
	struct reasm_slot *set = r->slots[hash(r->key, h, id) % REASM_SETS], *s;

	for (uint32_t i = 0; i < REASM_WAYS; i++)
		if (is_of(&set[i], h, id))
			return &set[i];
	s = slot_make(r, ops, set, h, id);
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

static enum reasm_verdict place(
	struct reasm_slot *s, const struct ip4 *h, const uint8_t *packet, uint32_t at, uint32_t n)
{
	uint32_t units = (n + UNIT - 1) / UNIT, there;
	bool more = h->frag & IP4_MF;

	if (at + n > s->room)
		return REASM_BIG;
	there = units_there(s, at / UNIT, units);
	if (there == units && (more || s->end == at + n) && (at || h->hdr == s->hdr))
		return REASM_COPY;
	if (there || !end_fits(s, at + n, more))
		return REASM_OVERLAP;
	memcpy(s->data + at, packet + h->hdr, n);
	for (uint32_t u = at / UNIT; u < at / UNIT + units; u++)
		s->have[u / 64] |= UINT64_C(1) << u % 64;
	if (!more)
		s->end = (uint16_t)(at + n);
	if (at == 0) {
		memcpy(s->header, packet, h->hdr);
		s->hdr = h->hdr;
	}
	s->got = (uint16_t)(s->got + n);
	s->ecn |= (uint8_t)(1u << (h->tos & 3));
	s->pieces++;
	return s->end && s->got == s->end && s->hdr ? REASM_DONE : REASM_HELD;
}

enum reasm_verdict reasm_add(struct reasm *r, const struct reasm_ops *ops, const struct ip4 *h,
	const uint8_t *packet, uint64_t now_ns, struct reasm_slot **slot)
{
	uint32_t at = (uint32_t)(h->frag & IP4_OFFSET) * UNIT, n = (uint32_t)h->len - h->hdr;
	enum reasm_verdict v;

	if (n == 0 || (h->frag & IP4_MF && n % UNIT) || at + n > UINT16_MAX - (uint32_t)h->hdr)
		return REASM_BAD;
	*slot = slot_get(r, ops, h, load_be16(packet + IP4_AT_ID), now_ns);
	if (!*slot)
		return REASM_FULL;
	if ((*slot)->dead)
		return REASM_REFUSED;
	v = place(*slot, h, packet, at, n);
	if (v == REASM_OVERLAP || v == REASM_BIG) {
		buffer_back(ops, *slot);
		(*slot)->dead = true;
	}
	return v;
}

int reasm_take(struct reasm *r, struct reasm_slot *s, uint8_t *header, uint32_t *hdr, uint32_t *n,
	void **buffer)
{
	uint8_t tos = s->header[IP4_AT_TOS];

	*buffer = s->buffer;
	*n = s->end;
	*hdr = s->hdr;
	s->buffer = NULL;
	s->used = false;
	r->n_used--;
	if (s->ecn & CE && s->ecn & NOT_ECT)
		return -ERR_VALUE;
	if (s->ecn & CE)
		tos |= 3;
	memcpy(header, s->header, s->hdr);
	header[IP4_AT_TOS] = tos;
	store_be16(header + IP4_AT_LEN, (uint16_t)(s->hdr + s->end));
	store_be16(header + IP4_AT_FRAG, 0);
	store_be16(header + IP4_AT_SUM, 0);
	store_be16(header + IP4_AT_SUM, sum_done(sum_add(0, view_of(header, s->hdr))));
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
