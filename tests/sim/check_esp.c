/* Packets: numbers (I4, I5) and IVs (I3), and SAs that must be there (I10). */
#include <stdlib.h>
#include <string.h>

#include "check_in.h"
#include "record.pb-c.h"
#include "records.h"

enum { SPANS = 256, BITS = 65536, LATE_MS = 50 };

struct span { /* of sequence numbers one node sent without a gap */
	uint32_t node;
	uint64_t first, last;
};

struct sa_info {
	UT_hash_handle hh;
	uint32_t spi, rg;
	bool skip; /* owners contradicted each other */
	struct span span[SPANS];
	size_t n_spans;
	uint8_t *ever, *reign; /* accepted inbound, bitmaps */
	size_t bits;
	uint64_t floor; /* nothing at or below may be accepted a second time */
};

static struct sa_info *sa_info(struct world *w, uint32_t spi, uint32_t rg)
{
	struct check_state *s = w->check->s;
	struct sa_info *sa;

	HASH_FIND(hh, s->esp, &spi, sizeof spi, sa);
	if (sa)
		return sa;
	sa = calloc(1, sizeof *sa);
	if (!sa)
		abort();
	sa->spi = spi;
	sa->rg = rg;
	sa->skip = info(w, rg)->tainted;
	HASH_ADD(hh, s->esp, spi, sizeof sa->spi, sa);
	return sa;
}

void esp_is_tainted(struct world *w, uint32_t rg)
{
	struct sa_info *sa;

	for (sa = w->check->s->esp; sa; sa = sa->hh.next)
		sa->skip |= sa->rg == rg;
}

void esp_new_reign(struct world *w, uint32_t n, uint32_t rg)
{
	struct sa_info *sa;

	for (sa = w->check->s->esp; sa; sa = sa->hh.next) {
		uint8_t key[LEASE_KEY_LEN];
		struct sa_lease body;
		struct ha_record rec;

		if (sa->rg != rg)
			continue;
		if (sa->reign)
			memset(sa->reign, 0, sa->bits / 8);
		sa->floor = 0;
		lease_key(sa->spi, key);
		if (!ha_record_find(w->node[n]->ha, rg, HA_CLASS_LEASE, view_of_array(key), &rec))
			continue;
		memcpy(&body, rec.body.p, sizeof body);
		sa->floor = body.lease.in_top;
	}
}

static void sa_info_free(struct check_state *s, struct sa_info *sa)
{
	HASH_DELETE(hh, s->esp, sa);
	free(sa->ever);
	free(sa->reign);
	free(sa);
}

void esp_is_another(struct world *w, struct view key)
{
	struct sa_info *sa = NULL;
	uint32_t spi;

	if (record_is_child(key, &spi))
		HASH_FIND(hh, w->check->s->esp, &spi, sizeof spi, sa);
	if (sa)
		sa_info_free(w->check->s, sa);
}

void esp_fini(struct check_state *s)
{
	struct sa_info *sa, *next;

	map_foreach (s->esp, sa, next)
		sa_info_free(s, sa);
}

/* ---------------------------------------------------------------- out */

void check_sent(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq, uint64_t iv)
{
	struct sa_info *sa = sa_info(w, spi, rg);
	struct span *mine = NULL;

	if (iv <= w->check->s->last_iv[n])
		world_violate(w, "I3 n%u uses an IV again: %llx", n, (unsigned long long)iv);
	w->check->s->last_iv[n] = iv;
	for (size_t i = 0; i < sa->n_spans; i++) {
		struct span *s = &sa->span[i];

		if (seq >= s->first && seq <= s->last && !sa->skip)
			world_violate(w, "I4 SA %08x: n%u sends number %llu again, after n%u", spi,
				n, (unsigned long long)seq, s->node);
		if (s->node == n && s->last + 1 == seq)
			mine = s;
	}
	if (mine)
		mine->last = seq;
	else if (sa->n_spans < SPANS)
		sa->span[sa->n_spans++] = (struct span){n, seq, seq};
}

/* ---------------------------------------------------------------- in */

static void make_room(struct sa_info *sa, uint64_t seq)
{
	size_t bits = (seq / BITS + 1) * BITS;

	if (seq < sa->bits)
		return;
	sa->ever = realloc(sa->ever, bits / 8);
	sa->reign = realloc(sa->reign, bits / 8);
	if (!sa->ever || !sa->reign)
		abort();
	memset(sa->ever + sa->bits / 8, 0, (bits - sa->bits) / 8);
	memset(sa->reign + sa->bits / 8, 0, (bits - sa->bits) / 8);
	sa->bits = bits;
}

void check_received(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq)
{
	struct sa_info *sa = sa_info(w, spi, rg);
	uint8_t bit = (uint8_t)(1u << seq % 8);

	make_room(sa, seq);
	if (!sa->skip && (sa->reign[seq / 8] & bit))
		world_violate(w, "I5 SA %08x: n%u accepts number %llu twice", spi, n,
			(unsigned long long)seq);
	else if (!sa->skip && (sa->ever[seq / 8] & bit) && seq <= sa->floor)
		world_violate(w, "I5 SA %08x: n%u accepts number %llu again, below %llu", spi, n,
			(unsigned long long)seq, (unsigned long long)sa->floor);
	sa->ever[seq / 8] |= bit;
	sa->reign[seq / 8] |= bit;
}

/* The peer asked for it, and sends with it: so it was answered, and had to be there. What we asked
 * for ourselves the peer may use as soon as it has answered; here it is there a little later. */
static bool may_be_late(const struct world *w, const struct fact *f)
{
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, f->body.n, f->body.p);
	bool ours = s && s->initiator;

	if (s)
		rec__child_sa__free_unpacked(s, NULL);
	return ours && w->now - f->since_ns < MSEC(LATE_MS);
}

void check_no_sa(struct world *w, uint32_t n, uint32_t rg, uint32_t spi)
{
	uint8_t key[5] = {'C'};
	const struct fact *f;

	if (info(w, rg)->tainted)
		return;
	lease_key(spi, key + 1);
	f = fact_find(w, rg, view_of_array(key));
	if (f && !f->dead && !may_be_late(w, f) &&
		!*table_at(&w->check->s->ends, digest_of(rg, view_of_array(key))))
		world_violate(
			w, "I10 n%u acts and knows nothing of SA %08x, which its peer has", n, spi);
}
