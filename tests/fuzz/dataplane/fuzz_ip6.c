/*
 * IPv6 headers of any octets: the walk stays inside, what it says fits the packet, and what it
 * accepts is read alike again. Fragments go through reassembly, which never writes out of bounds.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/reasm.h"
#include "core/spd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *get(void *ctx, uint8_t **data, uint32_t *room)
{
	(void)ctx;
	*room = 1024;
	*data = malloc(*room);
	return *data;
}

static void put(void *ctx, void *buffer, uint32_t pieces)
{
	(void)ctx;
	(void)pieces;
	free(buffer);
}

static const struct reasm_ops ops = {get, put, NULL};

static void gather(struct reasm *r, const struct ip6 *h, const uint8_t *p)
{
	struct fragment f = fragment_of6(h, p);
	uint8_t header[REASM_HDR];
	struct reasm_slot *s;
	uint32_t hdr, n;
	void *buffer;

	if (reasm_add(r, &ops, &f, 1, &s) != REASM_DONE)
		return;
	if (reasm_take(r, s, header, &hdr, &n, &buffer) == 0) {
		assert(hdr >= IP6_HDR && hdr <= REASM_HDR);
		assert(load_be16(header + IP6_AT_LEN) == hdr - IP6_HDR + n);
	}
	free(buffer);
}

static void one(struct reasm *r, struct view v)
{
	struct ip6 h, again;

	if (ip6_read(v, &h) != IP6_OK)
		return;
	assert(h.len <= v.n && h.hdr >= IP6_HDR && h.hdr <= h.len);
	assert(h.hdr <= IP6_HDR + IP6_EXT_OCTETS_MAX && h.proto_at < h.hdr);
	assert(v.p[h.proto_at] == h.proto);
	assert(!h.frag_at || (h.frag_at + IP6_FRAG_HDR <= h.hdr && h.naming_at < h.frag_at));
	assert(h.option_at < h.hdr && h.routing_at < h.hdr);
	assert(ip6_read(view_of(v.p, h.len), &again) == IP6_OK);
	assert(memcmp(&h, &again, sizeof h) == 0);
	(void)flow_of6(v, &h);
	if (ip6_is_fragment(&h))
		gather(r, &h, v.p);
}

/* { length(1) octets }* */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reasm *r = malloc(sizeof *r);
	size_t at = 0;

	if (!r)
		abort();
	reasm_init(r, 1);
	while (at < size) {
		size_t n = MIN((size_t)data[at], size - at - 1);
		uint8_t *copy = malloc(n ? n : 1); /* exactly as long as it says */

		if (!copy)
			abort();
		memcpy(copy, data + at + 1, n);
		one(r, view_of(copy, n));
		free(copy);
		at += 1 + n;
	}
	reasm_expire(r, &ops, 0, true);
	free(r);
	return 0;
}
