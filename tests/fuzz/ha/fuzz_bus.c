/*
 * Messages of another node whose seal is right: two cores in a group, one with a group of its own
 * and some records; then what one of them has sent comes again with changes, as the bus would bring
 * it.
 *
 * Input: messages, each: which of the captured ones (modulo), a length (2) and that many changes of
 * three octets: an offset (2, modulo its length, behind the header) and what stands there. An
 * offset of 65535 cuts the message at the last one; a length of 65535 takes the rest of the input
 * as its body. The counter of the header is always the next one: the seal hides nothing and opens
 * everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "ha/envelope.h"
#include "tests/unit/ha/open_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TWO = 2, KEPT = 64, QUEUE = 256, COUNTER_AT = 24, MESSAGES_MAX = 12, STEP_MS = 10 };

#define MSEC(n) ((uint64_t)(n)*1000000)

struct note {
	uint32_t from;
	struct blob octets;
};

struct bus {
	struct ha *ha[TWO];
	struct ha_effects fx[TWO];
	uint64_t now, random, counter;
	struct note queue[QUEUE];
	size_t first, last;
	struct note kept[KEPT];
	size_t n_kept, most;
	bool active, keep, dead;
};

static void random_octets(void *ctx, void *out, size_t n)
{
	struct bus *b = ctx;

	for (size_t i = 0; i < n; i++) {
		b->random = b->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		((uint8_t *)out)[i] = (uint8_t)(b->random >> 56);
	}
}

/* ---------------------------------------------------------------- the bus */

static void put(struct bus *b, uint32_t from, struct view octets)
{
	struct note *n = &b->queue[b->last++ % QUEUE];

	if (b->last - b->first > QUEUE)
		abort();
	*n = (struct note){.from = from};
	if (blob_copy(octets, &n->octets) < 0)
		abort();
	if (b->keep && b->n_kept < b->most) {
		b->kept[b->n_kept].from = from;
		if (blob_copy(octets, &b->kept[b->n_kept++].octets) < 0)
			abort();
	}
}

static void feed(struct bus *b, uint32_t n, struct ha_event *ev)
{
	uint64_t persisted = 0;

	ev->now_ns = b->now;
	if (ha_step(b->ha[n], ev, &b->fx[n]) == -ERR_NOMEM)
		abort();
	for (size_t i = 0; i < b->fx[n].n; i++) {
		const struct ha_effect *e = &b->fx[n].v[i];

		if (e->type == HA_DO_MCAST && !b->dead)
			put(b, n, e->mcast);
		else if (e->type == HA_DO_PERSIST)
			persisted = e->persist.serial;
		else if (e->type == HA_DO_ROLE)
			b->active |= e->role.role == HA_ACTIVE;
	}
	ha_effects_clear(&b->fx[n]);
	if (persisted != 0) {
		struct ha_event done = {.type = HA_EV_PERSISTED, .persisted = persisted};

		feed(b, n, &done);
	}
}

static void deliver(struct bus *b, uint32_t from, struct view octets)
{
	for (uint32_t n = 0; n < TWO; n++) {
		struct ha_event ev = {.type = HA_EV_DELIVER,
			.deliver = {.node = from, .pid = 10 + from, .octets = octets}};

		feed(b, n, &ev);
	}
}

static void run(struct bus *b, uint64_t ms)
{
	for (uint64_t end = b->now + MSEC(ms); b->now < end; b->now += MSEC(STEP_MS)) {
		for (uint32_t n = 0; n < TWO; n++) {
			struct ha_event ev = {.type = HA_EV_TICK};

			feed(b, n, &ev);
		}
		for (unsigned i = 0; i < QUEUE && b->first != b->last; i++) {
			struct note note = b->queue[b->first++ % QUEUE];

			deliver(b, note.from, blob_view(&note.octets));
			blob_fini(&note.octets);
		}
	}
}

static void start(struct bus *b, uint32_t n)
{
	struct ha_config c = {.node = n,
		.cluster_id = 1,
		.nodes = 3,
		.two_node = true,
		.n_rg = 1,
		.token_ms = 300,
		.consensus_ms = 100,
		.seal = open_seal(),
		.env = {random_octets, b}};
	struct ha_event ev = {.type = HA_EV_DATAPLANE, .dataplane = {.up = true, .incarnation = 1}};

	c.rg[0].priority[0] = 200;
	c.rg[0].priority[1] = 100;
	ha_effects_init(&b->fx[n]);
	if (ha_new(&c, (struct view){0}, b->now, &b->ha[n]) < 0)
		abort();
	feed(b, n, &ev);
}

static void meet(struct bus *b)
{
	const struct ha_member both[TWO] = {{0, 10}, {1, 11}};

	for (uint32_t n = 0; n < TWO; n++) {
		struct ha_event ev = {.type = HA_EV_VIEW,
			.view = {.ring_seq = 4,
				.ring_nodes = 3,
				.members = both,
				.joined = both,
				.n_members = TWO,
				.n_joined = TWO}};

		feed(b, n, &ev);
	}
}

static void propose(struct bus *b, uint8_t key)
{
	const struct ha_item item = {
		HA_CLASS_RECORD, false, view_of(&key, 1), view_of_literal("what is in a record")};
	struct ha_event ev = {
		.type = HA_EV_PROPOSE, .propose = {.ticket = key, .items = &item, .n = 1}};

	feed(b, 0, &ev);
	run(b, 30);
}

static void world_new(struct bus *b)
{
	*b = (struct bus){.now = MSEC(5000), .keep = true, .most = KEPT / 2};
	start(b, 0);
	start(b, 1);
	meet(b);
	run(b, 2500);
	if (!b->active)
		abort();
	b->most = KEPT;
	for (uint8_t key = 1; key < 5; key++)
		propose(b, key);
	b->keep = false;
	b->counter = UINT64_C(1) << 40;
}

static void world_free(struct bus *b)
{
	b->dead = true;
	for (; b->first != b->last; b->first++)
		blob_fini(&b->queue[b->first % QUEUE].octets);
	for (size_t i = 0; i < b->n_kept; i++)
		blob_fini(&b->kept[i].octets);
	for (uint32_t n = 0; n < TWO; n++) {
		ha_free(b->ha[n]);
		ha_effects_fini(&b->fx[n]);
	}
}

/* ---------------------------------------------------------------- changes */

static void change(uint8_t *p, size_t *n, struct cur *c)
{
	size_t changes = cur_be16(c), at = HA_ENVELOPE_HEAD;

	if (changes == 0xffff) {
		struct view body = cur_take(c, MIN(cur_left(c), (size_t)HA_MESSAGE_MAX / 2));

		if (body.n != 0)
			memcpy(p + HA_ENVELOPE_HEAD, body.p, body.n);
		*n = HA_ENVELOPE_HEAD + body.n + HA_ENVELOPE_TAG;
		return;
	}
	for (size_t i = 0; i < changes && cur_left(c) != 0; i++) {
		size_t offset = cur_be16(c), span = *n - HA_ENVELOPE_HEAD;
		uint8_t octet = cur_u8(c);

		if (offset == 0xffff) {
			*n = MAX(at, (size_t)HA_ENVELOPE_HEAD + HA_ENVELOPE_TAG);
			continue;
		}
		at = HA_ENVELOPE_HEAD + offset % span;
		p[at] = octet;
	}
}

static void replay(struct bus *b, struct cur *c)
{
	const struct note *from = &b->kept[cur_u8(c) % b->n_kept];
	uint8_t *room = malloc(HA_MESSAGE_MAX + HA_ENVELOPE_HEAD);
	size_t n = from->octets.n;
	struct emit e;

	if (!room)
		abort();
	memcpy(room, from->octets.p, n);
	change(room, &n, c);
	e = emit_to(room + COUNTER_AT, 8);
	emit_be64(&e, b->counter++);
	deliver(b, from->from, view_of(room, n));
	free(room);
	run(b, 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(view_of(data, size));
	struct bus *b = malloc(sizeof *b);

	if (!b)
		abort();
	world_new(b);
	for (unsigned i = 0; i < MESSAGES_MAX && cur_left(&c) != 0; i++)
		replay(b, &c);
	run(b, 3000);
	world_free(b);
	free(b);
	return 0;
}
