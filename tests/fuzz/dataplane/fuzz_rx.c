/*
 * The whole receive path without a port: frames into a node with a live SA, any octets.
 *
 * Input: { kind(1) length(1) octets }*; its last octet also says what the SA is like: suite, window
 * (off too), numbers that begin before 2^32 under a lease of an earlier owner, the outer family;
 * the first one whether numbers are extended and whether UDP hides many paths. Kinds: a frame of
 * either port as it is; an IP packet behind a right Ethernet header; an ESP payload behind right
 * outer headers; a plaintext sealed with the right key, so that what lies behind authentication is
 * reached; a fabric frame. Properties: every packet ends (sent, punted, queued for a MAC, or
 * dropped with one counter), no packet leaks, the window never takes a number twice, no two packets
 * leave with one number.
 */
#include <assert.h>
#include <stdlib.h>

#include "ends.h"
#include "core/fabric.h"
#include "node/neighbour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_MAX = 512 };

struct input {
	const uint8_t *p;
	size_t n;
};

static size_t build(struct way *y, uint8_t kind, struct input body, uint8_t *f, uint64_t *seq)
{
	size_t at;

	switch (kind & 7) {
	case 0:
	case 1: /* as it is */
		memcpy(f, body.p, body.n);
		return body.n;
	case 2: /* an IP packet */
		at = way_headers(f, 0, 0, 0, 0) - IP4_HDR;
		memcpy(f + at, body.p, body.n);
		return at + body.n;
	case 3: /* behind right outer headers: ESP, UDP, ICMP */
		at = way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT,
			(uint8_t[]){IP_ESP, IP_UDP, IP_ICMP, 99}[kind >> 3 & 3], body.n);
		memcpy(f + at, body.p, body.n);
		return at + body.n;
	case 4:
	case 5: /* authentic */
		*seq += 1 + (kind >> 4);
		body.n -= body.n % y->sa->suite->shape.align;
		return way_seal(y, *seq, view_of(body.p, body.n), kind & 8, f);
	case 6: /* towards the tunnel */
		at = way_headers(f, WAY_HOST, WAY_FAR, 17, body.n);
		memcpy(f + at, body.p, body.n);
		return at + body.n;
	default:
		at = way_headers(f, 0, 0, 0, 0) - IP4_HDR;
		store_be16(f + 12, ETH_FABRIC);
		memcpy(f + at, body.p, body.n);
		return at + body.n;
	}
}

enum {
	/* of the first octet */
	STATE_ESN = 0x80,
	STATE_PATHS = 0x20,
	/* of the last one */
	STATE_OUTER6 = 0x80,
	STATE_MOVED = 0x40,
	STATE_STRICT = 0x20,
};

#define MOVED_TO ((UINT64_C(1) << 32) - 40)

static struct way_sa sa_like(uint8_t first, uint8_t state)
{
	static const uint16_t kinds[][3] = {{SUITE_ENCR_AES_GCM16, 128, 0},
		{SUITE_ENCR_AES_GCM16, 256, 0}, {SUITE_ENCR_CHACHA20_POLY1305, 256, 0},
		{SUITE_ENCR_AES_CBC, 256, SUITE_INTEG_SHA256_128},
		{SUITE_ENCR_3DES, 192, SUITE_INTEG_SHA1_96},
		{SUITE_ENCR_DES, 64, SUITE_INTEG_MD5_96},
		{SUITE_ENCR_NULL, 0, SUITE_INTEG_SHA512_256}, {SUITE_ENCR_AES_GCM16, 192, 0}};
	static const uint16_t windows[] = {64, 0, 1024, 128};
	const uint16_t *k = kinds[state & 7];
	uint64_t base = state & STATE_MOVED ? MOVED_TO : 0;

	return (struct way_sa){
		.suite = suite_find(k[0], k[1], k[2]),
		.window = windows[state >> 3 & 3],
		.flags = (first & STATE_ESN ? SA_ESN : 0) | (first & STATE_PATHS ? SA_UDP : 0),
		.strict = state & STATE_STRICT,
		.lease = {0, base + 4096, base, base + 4096},
	};
}

static void check_numbers(const struct way *y)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < y->n_sent[0]; i++) {
		const struct pkt *p = y->sent[0][i];
		uint32_t at = ETH_HDR + IP4_HDR;
		uint32_t seq;

		if (p->len < at + 8 || p->p[ETH_HDR + IP4_AT_PROTO] != IP_ESP ||
			load_be32(p->p + at) != WAY_SPI_OUT ||
			load_be32(p->p + ETH_HDR + IP4_AT_SRC) != (uint32_t)WAY_GW_OUT)
			continue;
		seq = load_be32(p->p + at + 4);
		assert((int32_t)(seq - last) > 0 || last == 0);
		last = seq;
	}
}

/* Some inputs meet multipath UDP encapsulation: heard at 4565, and sent with. */
static struct way *node_for(uint8_t first, uint8_t last, const struct way_sa *like)
{
	struct way *y = way_new_sa(like);

	if (last & STATE_OUTER6)
		way_outer6(y);
	if (first & STATE_PATHS) {
		sa_cold(y->sa)->outer = (struct outer_options){
			.df = OUTER_DF_COPY, .copy_dscp = true, .mtu = 400, .udp_port = 4565};
		sa_template(y->sa, WAY_SPI_OUT);
		atomic_load(&y->sh.net)->udp_ports[4565 / 64] |= UINT64_C(1) << 4565 % 64;
	}
	return y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct way_sa like = sa_like(size ? data[0] : 0, size ? data[size - 1] : 0);
	struct way *y = node_for(size ? data[0] : 0, size ? data[size - 1] : 0, &like);
	uint64_t seq = like.lease.in_top, received = 0, punted = 0;

	while (in.n >= 2) {
		uint8_t kind = in.p[0], f[FRAME_MAX + 128];
		struct input body = {in.p + 2, MIN((size_t)in.p[1], in.n - 2)};
		uint64_t accepted = y->sa->n.packets_in;
		size_t n = build(y, kind, body, f, &seq);

		way_receive(y, (kind & 7) == 1 || (kind & 7) == 6,
			way_packet(f, n, kind & 64 ? 64 : 0));
		assert(y->sa->n.packets_in - accepted <= 1);
		assert(ends_of(y, &punted, pending_count(y->w->pending)) ==
			begins_of(y, ++received));
		in.p = body.p + body.n;
		in.n = size - (size_t)(in.p - data);
	}
	check_numbers(y);
	way_free(y);
	assert(way_alive() == 0);
	return 0;
}
