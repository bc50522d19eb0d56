#include <stdlib.h>

#include "base/emit.h"
#include "base/err.h"
#include "ike/record.h"
#include "pair.h"
#include "record.pb-c.h"
#include "wire/message.h"

struct seen {
	UT_hash_handle hh;
	uint8_t key[32];
	size_t n;
	uint8_t octets[4096];
};

static void seen_once(
	struct seen **table, const uint8_t key[32], struct view octets, const char *what)
{
	struct seen *s;

	HASH_FIND(hh, *table, key, 32, s);
	if (s) {
		if (!view_equal(view_of(s->octets, s->n), octets))
			fail_msg("%s", what);
		return;
	}
	s = calloc(1, sizeof *s);
	assert_non_null(s);
	memcpy(s->key, key, 32);
	memcpy(s->octets, octets.p, octets.n);
	s->n = octets.n;
	HASH_ADD(hh, *table, key, 32, s);
}

static void table_free(struct seen **table)
{
	struct seen *s, *next;

	HASH_ITER(hh, *table, s, next)
	{
		HASH_DELETE(hh, *table, s);
		free(s);
	}
}

static bool datagram_in(const ProtobufCBinaryData *v, size_t n, struct view octets)
{
	for (size_t i = 0; i < n; i++)
		if (view_equal(view_of(v[i].data, v[i].len), octets))
			return true;
	return false;
}

/* I1: the log that is committed holds the very octets. */
static bool in_log(struct pair_node *node, uint64_t spi_local, struct view octets)
{
	uint8_t key[IKE_RECORD_KEY_MAX];
	struct view k = record_key_sa(spi_local, key);
	bool found = false;

	for (struct pair_record *r = node->log; r; r = r->next) {
		Rec__IkeSa *s;

		if (!view_equal(view_of(r->key, r->key_n), k))
			continue;
		s = rec__ike_sa__unpack(NULL, r->body.n, r->body.p);
		assert_non_null(s);
		if (s->answer)
			found |= datagram_in(s->answer->datagrams, s->answer->n_datagrams, octets);
		if (s->outstanding)
			found |= datagram_in(
				s->outstanding->datagrams, s->outstanding->n_datagrams, octets);
		rec__ike_sa__free_unpacked(s, NULL);
	}
	return found;
}

/* Nothing of a peer that is not authenticated is replicated (I9). */
static bool is_refused(struct pair_node *node, uint64_t spi_local)
{
	struct ike_sa *sa = sa_find(node->ike, spi_local);

	return sa && sa->state == SA_REFUSED;
}

/* Of an SKF payload, the fragment number and the total come before the IV (RFC 7383 2.5). */
static struct view fragment_of(const struct ike_header *h, struct view octets)
{
	size_t n = h->next == PLD_SKF ? 4 : 0;

	return view_of(octets.p + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN, n);
}

void pair_watch(struct pair *p, int n, struct view octets)
{
	struct pair_node *node = &p->node[n];
	struct ike_header h;
	struct emit e;
	uint8_t key[32] = {0};
	uint64_t own;

	if (p->unchecked)
		return;
	assert_int_equal(ike_header_parse(octets, &h), 0);
	if (h.exchange == EXCHANGE_IKE_SA_INIT || h.exchange == EXCHANGE_IKE_SESSION_RESUME)
		return;
	own = ike_header_is_from_initiator(&h) ? h.spi_i : h.spi_r;
	e = emit_to(key, sizeof key);
	emit_be64(&e, h.spi_i);
	emit_be64(&e, h.spi_r);
	emit_be32(&e, h.mid);
	emit_u8(&e, h.flags);
	emit_view(&e, fragment_of(&h, octets));
	seen_once(&p->messages, key, octets, "I2: another message with the same ID");
	e = emit_to(key, sizeof key);
	emit_be64(&e, h.spi_i);
	emit_be64(&e, h.spi_r);
	emit_u8(&e, ike_header_is_from_initiator(&h));
	emit_bytes(
		&e, octets.p + IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + fragment_of(&h, octets).n, 8);
	seen_once(&p->ivs, key, octets, "I3: an IV was used twice");
	if (h.exchange == EXCHANGE_IKE_INTERMEDIATE)
		return; /* of strangers */
	if (!is_refused(node, own) && !in_log(node, own, octets))
		fail_msg(
			"I1: sent before it was committed (exchange %u, ID %u)", h.exchange, h.mid);
}

void pair_watch_end(struct pair *p)
{
	table_free(&p->messages);
	table_free(&p->ivs);
}
