/*
 * IKE_AUTH of a peer with certificates, decrypted, from its payloads to the verdict and the answer:
 * a good request is changed as the input says, sealed with the keys that belong to it, and
 * delivered.
 *
 * Input: an octet of which bit 0 says that PKCS#7 is allowed; then changes, each an octet of what
 * and one of which payload (modulo their number): 0  its body is: length (2), octets     3  octets
 * of it: offset (2), number (1), octets 1  it is left out                      4  only so many of
 * its octets: length (2) 2  before it: type, length (2), octets 5  it is there twice
 */
#include <string.h>

#include "base/cursor.h"
#include "ike/engine.h"
#include "ike/tx.h"
#include "tests/unit/ike/pair_story.h"
#include "wire/sk.h"
#include "wire/writer.h"
#include "world.h"

#define LINES METHOD("certificates") CERT_LINES "set security ike gateway G fragmentation disable\n"
#define PKCS7 LINES "set security ike policy IP certificate peer-certificate-type pkcs7\n"

enum { PARTS_MAX = 40, BODY_MAX = 2048, CHANGES_MAX = 12 };

/* What lives as long as the program: making keys is slow. */
struct ground {
	struct pair_ca ca;
	struct pair_cert *a, *b;
};

static struct ground *ground(void)
{
	static struct ground g;

	if (!g.a) {
		pair_ca_init(&g.ca);
		g.a = pair_cert_new(&g.ca, PAIR_P256, "CN=a", "DNS:a.example, IP:192.0.2.1");
		g.b = pair_cert_new(&g.ca, PAIR_P256, "CN=b", "DNS:b.example, IP:192.0.2.2");
	}
	return &g;
}

struct part {
	uint8_t type;
	size_t n;
	uint8_t body[BODY_MAX];
};

struct request {
	struct part v[PARTS_MAX];
	size_t n;
};

/* ---------------------------------------------------------------- the good one */

static struct packet kept;

static bool keep_auth(struct pair *p, struct packet *k)
{
	bool auth = k->node == 0 && packet_header(k).exchange == EXCHANGE_IKE_AUTH;

	(void)p;
	if (auth)
		kept = *k;
	return !auth;
}

static struct pair *half_open(bool pkcs7)
{
	struct pair *p = pair_new();
	struct pair_side a = side_a, b = side_b;

	p->unchecked = true;
	p->node[0].cert = ground()->a;
	p->node[1].cert = ground()->b;
	a.extra = LINES;
	b.extra = pkcs7 ? PKCS7 : LINES;
	pair_start(p, 0, &a);
	pair_start(p, 1, &b);
	p->wire = keep_auth;
	kept.n = 0;
	pair_acquire(p, 0);
	pair_settle(p);
	if (kept.n == 0 || pair_sas(p, 1, SA_HALF_OPEN) != 1)
		abort();
	return p;
}

static void part_set(struct request *r, size_t i, uint8_t type, struct view body)
{
	struct part *at = &r->v[i];

	at->type = type;
	at->n = MIN(body.n, (size_t)BODY_MAX);
	if (at->n != 0)
		memcpy(at->body, body.p, at->n);
}

/* Opens what node 0 has sent with its own keys. */
static void request_read(struct pair *p, struct request *r)
{
	struct ike *ike = p->node[0].ike;
	const struct ike_sa *sa = ike->sas;
	uint8_t plain[sizeof kept.octets];
	struct aead aead;
	struct message m;
	struct sk_in in;
	struct chain chain;
	struct view inner;

	if (message_parse(view_of(kept.octets, kept.n), &m) < 0 ||
		sk_parse(&m, tx_shape(&sa->suite), &in) < 0 ||
		keymat_ike_aead(&sa->suite, sa->keys, sa->initiator, &aead) < 0 ||
		aead_open(p->crypto, &aead,
			&(struct aead_io){.aad = in.aad,
				.iv = in.iv.p,
				.in = in.text.p,
				.out = plain,
				.n = in.text.n},
			in.icv.p) < 0 ||
		sk_unpad(view_of(plain, in.text.n), &inner) < 0 ||
		chain_parse_inner(in.inner_first, inner, &chain) < 0)
		abort();
	for (r->n = 0; r->n < chain.n; r->n++)
		part_set(r, r->n, chain.at[r->n].type, chain.at[r->n].body);
}

/* ---------------------------------------------------------------- changes */

static void insert(struct request *r, size_t i, uint8_t type, struct view body)
{
	if (r->n == PARTS_MAX)
		return;
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof r->v[0]);
	r->n++;
	part_set(r, i, type, body);
}

static void overwrite(struct part *at, size_t offset, struct view octets)
{
	for (size_t i = 0; i < octets.n && at->n != 0; i++)
		at->body[(offset + i) % at->n] = octets.p[i];
}

static void change(struct request *r, struct cur *c)
{
	uint8_t what = cur_u8(c) % 6;
	size_t i = cur_u8(c) % r->n, offset;
	struct part *at = &r->v[i];
	uint8_t type;

	switch (what) {
	case 0:
		part_set(r, i, at->type, cur_take(c, cur_be16(c)));
		break;
	case 1:
		memmove(at, at + 1, (r->n - i - 1) * sizeof *at);
		r->n--;
		break;
	case 2:
		type = cur_u8(c);
		insert(r, i, type, cur_take(c, cur_be16(c)));
		break;
	case 3:
		offset = cur_be16(c);
		overwrite(at, offset, cur_take(c, cur_u8(c)));
		break;
	case 4:
		at->n = MIN(at->n, (size_t)cur_be16(c));
		break;
	default:
		if (r->n < PARTS_MAX) {
			insert(r, i, at->type, (struct view){0});
			r->v[i] = r->v[i + 1];
		}
		break;
	}
}

static void send(struct pair *p, const struct request *r)
{
	struct ike *ike = p->node[0].ike;
	struct ike_sa *sa = ike->sas;
	struct flight *f = NULL;
	struct writer w;

	tx_open(ike, sa, &w, EXCHANGE_IKE_AUTH, false, 1);
	for (size_t i = 0; i < r->n; i++)
		writer_add(&w, r->v[i].type, view_of(r->v[i].body, r->v[i].n));
	if (tx_seal(ike, sa, &w, &f) < 0)
		return; /* too large: not for one datagram */
	for (size_t i = 0; i < f->n; i++)
		world_deliver(p, flight_at(f, i));
	flight_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(view_of(data, size));
	struct pair *p = half_open(cur_u8(&c) & 1);
	static struct request r;

	request_read(p, &r);
	for (unsigned i = 0; i < CHANGES_MAX && r.n != 0 && cur_left(&c) != 0; i++)
		change(&r, &c);
	send(p, &r);
	world_live(p);
	pair_free(p);
	return 0;
}
