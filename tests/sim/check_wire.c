/* IKE messages of the cluster (I1, I2, I3, I6), and what its peers notice (I8). */
#include <stdlib.h>
#include <string.h>

#include "base/emit.h"
#include "check_in.h"
#include "ike/record.h"
#include "inside.h"
#include "peer.h"
#include "theme.h"
#include "wire/message.h"

/* Direction and place of a message of an IKE SA. */
struct spot {
	uint64_t sa;   /* both SPIs */
	uint64_t side; /* and who sends */
	uint64_t message;
	uint64_t spi_local;
	struct ike_header h;
};

/* Of an SKF payload, the fragment number and the total come before the IV (RFC 7383 2.5). */
static struct view fragment_of(const struct ike_header *h, struct view octets)
{
	size_t n = h->next == PLD_SKF ? 4 : 0;

	return view_of(octets.p + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN, n);
}

static struct spot spot_of(const struct ike_header *h, struct view octets)
{
	struct spot s = {.h = *h, .spi_local = h->spi_r};
	uint8_t room[32];
	struct emit e = emit_to(room, sizeof room);

	if (ike_header_is_from_initiator(h))
		s.spi_local = h->spi_i;
	emit_be64(&e, h->spi_i);
	emit_be64(&e, h->spi_r);
	s.sa = digest_of(1, view_of(room, e.n));
	emit_u8(&e, ike_header_is_from_initiator(h));
	s.side = digest_of(2, view_of(room, e.n));
	emit_u8(&e, ike_header_is_response(h));
	emit_be32(&e, h->mid);
	emit_view(&e, fragment_of(h, octets));
	s.message = digest_of(3, view_of(room, e.n));
	return s;
}

/* An IKE SA that lived while owners contradicted each other proves nothing. */
static bool is_void(struct world *w, uint32_t rg, const struct spot *s)
{
	uint64_t *first = table_at(&w->check->s->sas, s->sa);
	const struct rg_info *r = info(w, rg);

	if (*first == 0)
		*first = r->tainted ? UINT64_MAX : r->taints + 1;
	return r->tainted || *first != r->taints + 1;
}

/* The very octets are in the committed record, or were when they were first said. */
static void is_committed(
	struct world *w, uint32_t n, uint32_t rg, const struct spot *s, struct view octets)
{
	uint64_t *said = table_at(&w->check->s->said, digest_of(4, octets));
	uint8_t room[IKE_RECORD_KEY_MAX];
	const struct fact *f;

	if (*said)
		return;
	f = fact_find(w, rg, record_key_sa(s->spi_local, room));
	if (!f || !f->body.n || !memmem(f->body.p, f->body.n, octets.p, octets.n))
		world_violate(w, "I1 n%u says what is not committed (exchange %u, message %u)", n,
			s->h.exchange, s->h.mid);
	*said = 1;
}

static void is_same(struct world *w, uint32_t n, const struct spot *s, struct view octets)
{
	uint64_t *was = table_at(&w->check->s->messages, s->message), is = digest_of(5, octets);

	if (*was && *was != is)
		world_violate(w, "I2 n%u says something else with message %u (exchange %u)", n,
			s->h.mid, s->h.exchange);
	*was = is;
}

static void is_next(struct world *w, uint32_t n, const struct spot *s)
{
	uint64_t *next = table_at(&w->check->s->mids, s->side);

	if (ike_header_is_response(&s->h))
		return;
	if (s->h.mid > *next && (*next || s->h.exchange != EXCHANGE_IKE_AUTH))
		world_violate(w, "I6 n%u asks with message %u after %llu", n, s->h.mid,
			(unsigned long long)*next);
	if (s->h.mid >= *next)
		*next = s->h.mid + UINT64_C(1);
}

static void is_fresh(struct world *w, uint32_t n, const struct spot *s, struct view octets)
{
	const uint8_t *iv =
		octets.p + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + fragment_of(&s->h, octets).n;
	uint64_t key = digest_of(s->side, view_of(iv, 8));
	uint64_t *was = table_at(&w->check->s->ivs, key), is = digest_of(6, octets);

	if (*was && *was != is)
		world_violate(w, "I3 n%u uses an IV of an IKE SA again (exchange %u, message %u)",
			n, s->h.exchange, s->h.mid);
	*was = is;
}

void check_message(struct world *w, uint32_t n, uint32_t rg, struct view octets)
{
	struct ike_header h;
	struct spot s;

	if (ike_header_parse(octets, &h) < 0) {
		world_violate(w, "n%u sends what is no message", n);
		return;
	}
	if (h.exchange == EXCHANGE_IKE_SA_INIT || h.exchange == EXCHANGE_IKE_SESSION_RESUME)
		return;
	s = spot_of(&h, octets);
	is_fresh(w, n, &s, octets);
	if (is_void(w, rg, &s))
		return;
	is_same(w, n, &s, octets);
	if (h.exchange == EXCHANGE_IKE_INTERMEDIATE)
		return; /* not replicated, as IKE_SA_INIT */
	/* A refusal is kept by whom it came from, for strangers cost the others nothing (I9). */
	if (inside_is_refused(w->node[n]->engine.ike, s.spi_local))
		return;
	is_next(w, n, &s);
	is_committed(w, n, rg, &s, octets);
}

/* ---------------------------------------------------------------- peers */

void check_peer(struct world *w, struct peer *a)
{
	bool excused = a->excused_ns != 0, sa = inside_has_sa(a->ike),
	     tunnels = inside_has_tunnels(a->ike);

	if (sa && tunnels) {
		if (a->excused_ns && w->now >= a->excused_ns)
			a->excused_ns = 0;
		if (!a->up || excused || theme_excuses(w, a)) {
			a->begun = inside_begun(a->ike) + inside_pending(a->ike);
			a->dead = inside_dead(a->ike);
		}
		a->up = !a->leaving;
	}
	if (!a->up || check_is_tainted(w, a->rg) || theme_excuses(w, a))
		return;
	/* One that carries nothing is closed when it should authenticate anew. */
	if (!sa && !(excused && w->reauth))
		world_violate(w, "I8 peer %u lost its IKE SA", a->p);
	if (inside_dead(a->ike) > a->dead)
		world_violate(w, "I8 peer %u declared the cluster dead", a->p);
	if (excused)
		return;
	if (!tunnels)
		world_violate(w, "I8 peer %u lost its tunnel", a->p);
	if (inside_begun(a->ike) > a->begun && !w->reauth)
		world_violate(w, "I8 peer %u sees a new IKE SA begin", a->p);
}
