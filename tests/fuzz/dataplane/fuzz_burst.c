/*
 * Bursts for several SAs at once, with ESP in fragments that overlap and lie.
 *
 * Input: { kind(1) length(1) octets }*. Of the kind: bits 0..2 what it is, 3..4 which SA, 5..6 by
 * how much its number rises, 7: the burst ends behind it. Kinds: an authentic packet around the
 * octets; the same SA's last packet again; ESP to the SA that is not authentic; a piece of the SA's
 * last packet as a fragment, at the place and of the length the octets say; towards the tunnel; any
 * fragment; a new authentic packet that is not sent, for pieces; any SPI.
 * Properties, after each burst: every packet ended with one counter; each SA accepted no more
 * packets than were sealed for it; with a lie in an authentic packet none. At the end nothing is
 * alive. fuzz_rx has one SA, and headers of any kind.
 */
#include <assert.h>

#include "ends.h"
#include "node/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAS = 4, PACKET_MAX = 512, LAST = 0x80 };

struct flowing {
	struct sa *sa;
	uint64_t seq, sealed; /* sealed: how many numbers */
	uint8_t last[PACKET_MAX];
	size_t n_last;
	uint16_t id; /* of its fragments */
};

struct burst {
	struct pkt *v[PKT_BURST];
	uint32_t n;
};

struct body {
	const uint8_t *p;
	size_t n;
};

static void add(struct burst *b, const uint8_t *frame, size_t n, uint16_t port)
{
	struct pkt *p = way_packet(frame, n, 64);

	p->kind = PKT_FRAME;
	p->port = port;
	b->v[b->n++] = p;
}

static void seal(struct way *y, struct flowing *f, struct body b, uint32_t step)
{
	uint8_t plain[PACKET_MAX] = {0};
	size_t n = MIN(b.n, (size_t)200) + IP4_HDR + 2, align = f->sa->suite->shape.align;

	/* a packet that may come out; its payload is the input's, the last octets are padding */
	n += (align - n % align) % align;
	ip4_put(plain,
		&(struct ip4_make){WAY_FAR, WAY_HOST, (uint16_t)(n - 2), f->id, 0, IP_UDP, 9, 0});
	if (b.n)
		memcpy(plain + IP4_HDR, b.p, MIN(b.n, n - IP4_HDR - 2));
	plain[n - 1] = ESP_NEXT_IPV4;
	f->seq += 1 + step;
	f->sealed++;
	f->id++;
	f->n_last = way_seal_sa(y, f->sa, f->seq, view_of(plain, n), false, f->last);
}

static void put_fragment(uint8_t *frame, size_t n, uint16_t id, uint16_t frag, uint8_t tos)
{
	(void)way_headers(frame, 0, 0, 0, 0);
	ip4_put(frame + ETH_HDR, &(struct ip4_make){(uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT,
					 (uint16_t)(n - ETH_HDR), id, frag, IP_ESP, 64, tos});
}

/* Octets: where in units of eight, how many units (0: to the end), what is a lie. */
static void piece(struct burst *out, struct flowing *f, struct body b)
{
	size_t front = ETH_HDR + IP4_HDR, data = f->n_last > front ? f->n_last - front : 0, at, n;
	uint8_t frame[PACKET_MAX], lie = b.n > 2 ? b.p[2] : 0;
	bool more;

	if (b.n < 2 || data == 0)
		return;
	at = b.p[0] * (size_t)8 % data & ~(size_t)7;
	n = data - at;
	more = b.p[1] != 0 && b.p[1] * (size_t)8 < n;
	n = more ? b.p[1] * (size_t)8 : n;
	memcpy(frame + front, f->last + front + at, n);
	put_fragment(frame, front + n, f->id,
		(uint16_t)(at / 8 | (more != (lie & 1) ? (unsigned)IP4_MF : 0)), lie >> 1 & 3);
	frame[front + lie % n] ^= lie & 8;
	add(out, frame, front + n, 0);
}

static void towards(struct burst *out, struct flowing *f, struct body b, bool esp)
{
	uint8_t frame[PACKET_MAX];
	size_t at = esp ? way_headers(frame, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, IP_ESP, b.n)
			: way_headers(frame, WAY_HOST, WAY_FAR, IP_UDP, b.n);

	if (b.n)
		memcpy(frame + at, b.p, b.n);
	if (f && b.n >= 4)
		store_be32(frame + at, f->sa->spi_in);
	add(out, frame, at + b.n, esp ? 0 : 1);
}

static void any_fragment(struct burst *out, struct body b)
{
	uint8_t frame[PACKET_MAX];
	size_t front = ETH_HDR + IP4_HDR;

	if (b.n < 4)
		return;
	memcpy(frame + front, b.p + 4, b.n - 4);
	put_fragment(frame, front + b.n - 4, b.p[0] & 3,
		(uint16_t)(load_be16(b.p + 1) & (IP4_MF | IP4_OFFSET)), b.p[3] & 3);
	add(out, frame, front + b.n - 4, 0);
}

static void take(struct way *y, struct flowing *f, struct burst *out, uint8_t kind, struct body b)
{
	switch (kind & 7) {
	case 0:
	case 6:
		seal(y, f, b, kind >> 5 & 3);
		if ((kind & 7) == 0)
			add(out, f->last, f->n_last, 0);
		return;
	case 1:
		if (f->n_last)
			add(out, f->last, f->n_last, 0);
		return;
	case 2:
		towards(out, f, b, true);
		return;
	case 3:
		piece(out, f, b);
		return;
	case 4:
		towards(out, NULL, b, false);
		return;
	case 5:
		any_fragment(out, b);
		return;
	default:
		towards(out, NULL, b, true);
		return;
	}
}

static struct way *world(struct flowing f[SAS])
{
	const struct suite *cbc = suite_find(SUITE_ENCR_AES_CBC, 128, SUITE_INTEG_SHA1_96);
	const struct suite *gcm = suite_find(SUITE_ENCR_AES_GCM16, 256, 0);
	struct lease lease = {0, UINT64_C(1) << 20, 0, UINT64_MAX};
	struct way *y = way_new(0);

	f[0].sa = y->sa;
	f[1].sa = way_add_sa(y, WAY_SPI_IN + 1, &(struct way_sa){cbc, 128, 0, false, lease});
	f[2].sa = way_add_sa(y, WAY_SPI_IN + 2, &(struct way_sa){gcm, 1024, SA_ESN, false, lease});
	f[3].sa =
		way_add_sa(y, WAY_SPI_IN + 3, &(struct way_sa){y->sa->suite, 64, 0, false, lease});
	for (uint16_t i = 0; i < SAS; i++)
		f[i].id = (uint16_t)(i * 1000); /* apart from those of any_fragment(), but one */
	return y;
}

static void check(const struct flowing f[SAS])
{
	for (uint32_t i = 0; i < SAS; i++) {
		const struct sa_counters *n = &f[i].sa->n;

		assert(n->packets_in + n->selector_errors + n->decrypt_errors <= f[i].sealed);
		assert(f[i].sa->in.top <= f[i].seq);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flowing f[SAS];
	uint64_t received = 0, punted = 0;
	struct burst b = {.n = 0};
	struct way *y;

	memset(f, 0, sizeof f);
	y = world(f);
	for (size_t i = 0; size - i >= 2;) {
		struct body body = {data + i + 2, MIN((size_t)data[i + 1], size - i - 2)};
		uint8_t kind = data[i];

		take(y, &f[kind >> 3 & 3], &b, kind, body);
		i += 2 + body.n;
		if (b.n < PKT_BURST && !(kind & LAST) && size - i >= 2)
			continue;
		received += b.n;
		worker_burst(y->w, b.v, b.n);
		b.n = 0;
		assert(ends_of(y, &punted, pending_count(y->w->pending)) == begins_of(y, received));
		check(f);
		way_forget(y);
	}
	way_free(y);
	assert(way_alive() == 0);
	return 0;
}
