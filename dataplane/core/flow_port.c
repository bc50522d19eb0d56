#include "core/flow_port.h"

#include "core/ip4.h"

enum { IP6_HDR_LEN = 40, IP6_AT_NEXT = 6, IP6_AT_SRC = 8, WORDS_MAX = 5 };

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

uint64_t flow_hash(const uint64_t key[2], const uint64_t *words, uint32_t n)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};

	for (uint32_t i = 0; i < n; i++) {
		v[3] ^= words[i];
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Protocol and ports, with the length of all words in the top octet. */
static uint64_t last_word(uint64_t n, uint8_t proto, struct view l4, bool fragment)
{
	uint64_t word = n << 56 | (uint64_t)proto << 32;

	if (fragment || l4.n < 4)
		return word;
	switch (proto) {
	case IP_TCP:
	case IP_UDP:
	case 132: /* SCTP */
		return word | load_be32(l4.p);
	default:
		return word;
	}
}

static uint32_t words_of(struct view packet, uint64_t w[WORDS_MAX])
{
	const uint8_t *p = packet.p;
	uint32_t hdr = (p[0] & 15u) * 4;

	if (p[0] >> 4 == 4) {
		w[0] = load_be64(p + IP4_AT_SRC);
		w[1] = last_word(2, p[IP4_AT_PROTO], view_of(p + hdr, packet.n - hdr),
			(load_be16(p + IP4_AT_FRAG) & (IP4_MF | IP4_OFFSET)) != 0);
		return 2;
	}
	for (uint32_t i = 0; i < 4; i++)
		w[i] = load_be64(p + IP6_AT_SRC + 8 * i);
	w[4] = last_word(
		5, p[IP6_AT_NEXT], view_of(p + IP6_HDR_LEN, packet.n - IP6_HDR_LEN), false);
	return WORDS_MAX;
}

uint16_t flow_port(const uint64_t key[2], struct view packet)
{
	uint64_t words[WORDS_MAX];
	uint16_t port = (uint16_t)flow_hash(key, words, words_of(packet, words));

	return port < FLOW_PORT_FIRST ? port + FLOW_PORT_FIRST : port;
}

uint32_t flow_label(const uint64_t key[2], struct view packet)
{
	uint64_t words[WORDS_MAX];

	return (uint32_t)(flow_hash(key, words, words_of(packet, words)) >> 44) | 1;
}
