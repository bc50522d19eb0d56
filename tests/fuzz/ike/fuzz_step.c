/*
 * Datagrams from a peer into an engine that has one established and one half-open IKE SA.
 *
 * Input: messages, each a kind, a length (2 octets) and that many octets. Kind 0: a datagram as it
 * is; 1 and 2: the same with the SPIs of the established or the half-open IKE SA. Kind 3: exchange,
 * flags, then payloads (type, length of 2 octets, body), which are sealed with the keys of the
 * established SA: it reaches what lies behind the encryption. Kind 4: one fragment (RFC 7383) of
 * the next request, sealed likewise: number and total (an octet each), type of the first payload,
 * then its share of the inner octets.
 */
#include "base/cursor.h"
#include "base/emit.h"
#include "ike/tx.h"
#include "wire/writer.h"
#include "world.h"

enum { MESSAGES_MAX = 16, DATAGRAM_MAX = 3000 };

/* As the peer would have sent it. Its own engine lends keys and room and does not step. */
static struct flight *seal(struct pair *p, struct view in)
{
	struct ike *ike = p->node[0].ike;
	struct ike_sa *sa = pair_sa(p, 0);
	struct cur c = cur_of(in);
	struct flight *f = NULL;
	uint8_t exchange = cur_u8(&c), flags = cur_u8(&c);
	struct writer w;

	if (!sa)
		return NULL;
	tx_open(ike, sa, &w, exchange, flags & 1, flags & 1 ? sa->next_rx : sa->next_tx++);
	while (cur_ok(&c) && cur_left(&c) != 0) {
		uint8_t type = cur_u8(&c);
		struct view body = cur_take(&c, cur_be16(&c));

		if (cur_ok(&c))
			writer_add(&w, type, body);
	}
	return tx_seal(ike, sa, &w, &f) == 0 ? f : NULL;
}

static void deliver_sealed(struct pair *p, struct view octets)
{
	struct flight *f = seal(p, octets);

	for (size_t i = 0; f && i < f->n; i++)
		world_deliver(p, flight_at(f, i));
	flight_free(f);
}

static int fragment_seal(struct pair *p, const struct ike_sa *sa, const struct sk_out *env)
{
	static uint64_t number; /* each IV once */
	struct aead aead;

	memcpy(env->iv, &number, sizeof number);
	number++;
	if (keymat_ike_aead(&sa->suite, sa->keys, sa->initiator, &aead) < 0)
		return -1;
	return aead_seal(p->crypto, &aead,
		&(struct aead_io){.aad = env->aad,
			.iv = env->iv,
			.in = env->text,
			.out = env->text,
			.n = env->text_n},
		env->icv);
}

static void deliver_fragment(struct pair *p, struct view octets)
{
	const struct ike_sa *sa = pair_sa(p, 0), *at = pair_sa(p, 1);
	uint8_t room[DATAGRAM_MAX];
	struct emit e = emit_to(room, sizeof room);
	struct cur c = cur_of(octets);
	struct skf_part part = {.frag = cur_u8(&c), .frag_of = cur_u8(&c)};
	struct ike_header h = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
	struct sk_out env;

	part.inner_first = cur_u8(&c);
	part.chunk = cur_take(&c, cur_left(&c));
	if (!sa || !at || !cur_ok(&c))
		return;
	h.spi_i = sa_spi_i(sa);
	h.spi_r = sa_spi_r(sa);
	h.mid = at->next_rx;
	if (skf_build(&e, &h, tx_shape(&sa->suite), &part, &env) == 0 &&
		fragment_seal(p, sa, &env) == 0)
		world_deliver(p, env.message);
}

static const struct ike_sa *half_open(struct pair *p)
{
	struct ike_sa *sa, *next;

	map_foreach (p->node[1].ike->sas, sa, next)
		if (sa->state == SA_HALF_OPEN)
			return sa;
	return NULL;
}

static void deliver_named(struct pair *p, const struct ike_sa *sa, struct view octets)
{
	uint8_t room[DATAGRAM_MAX];
	struct emit e = emit_to(room, sizeof room);

	if (!sa || octets.n < 16 || octets.n > sizeof room)
		return;
	emit_be64(&e, sa_spi_i(sa));
	emit_be64(&e, sa_spi_r(sa));
	emit_bytes(&e, octets.p + 16, octets.n - 16);
	world_deliver(p, view_of(room, e.n));
}

static void deliver(struct pair *p, uint8_t kind, struct view octets)
{
	switch (kind % 5) {
	case 1:
		deliver_named(p, pair_sa(p, 1), octets);
		break;
	case 2:
		deliver_named(p, half_open(p), octets);
		break;
	case 3:
		deliver_sealed(p, octets);
		break;
	case 4:
		deliver_fragment(p, octets);
		break;
	default:
		world_deliver(p, octets);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair *p = world_up();
	struct cur c = cur_of(view_of(data, size));

	for (unsigned i = 0; i < MESSAGES_MAX && cur_left(&c) != 0; i++) {
		uint8_t kind = cur_u8(&c);
		struct view octets = cur_take(&c, cur_be16(&c));

		if (!cur_ok(&c))
			break;
		deliver(p, kind, octets);
	}
	world_live(p);
	pair_free(p);
	return 0;
}
