/*
 * Writes the corpora of this folder: make-ike-corpus DIRECTORY, which has corpus-record and
 * corpus-step. Records of a real pair of engines; messages from the generator of wire.
 */
#include <stdio.h>

#include "base/emit.h"
#include "tests/unit/wire/gen.h"
#include "world.h"

enum { ROOM = 4096 };

static void put(const char *dir, const char *corpus, const char *name, struct view v)
{
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/corpus-%s/%s", dir, corpus, name);
	f = fopen(path, "wb");
	if (!f || fwrite(v.p, 1, v.n, f) != v.n || fclose(f) != 0)
		abort();
}

static void put_records(const char *dir, struct pair *p, int node, const char *when)
{
	unsigned n = 0;

	for (struct pair_record *r = p->node[node].log; r; r = r->next) {
		uint8_t room[ROOM];
		struct emit e = emit_to(room, sizeof room);
		char name[64];

		emit_u8(&e, r->key[0]);
		emit_view(&e, blob_view(&r->body));
		(void)snprintf(name, sizeof name, "%s-%d-%c%u", when, node, r->key[0], n++);
		put(dir, "record", name, view_of(room, e.n));
	}
}

static void put_all_records(const char *dir)
{
	struct pair *p = world_up();

	put_records(dir, p, 0, "up");
	put_records(dir, p, 1, "up");
	pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	for (unsigned i = 0; i < 6; i++)
		(void)pair_step(p);
	put_records(dir, p, 0, "child");
	put_records(dir, p, 1, "child");
	pair_settle(p);
	pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	for (unsigned i = 0; i < 5; i++)
		(void)pair_step(p);
	put_records(dir, p, 0, "ike");
	put_records(dir, p, 1, "ike");
	pair_free(p);
}

static void put_raw(const char *dir, uint8_t kind)
{
	struct gen g = gen_of(kind + 1u);
	uint8_t room[ROOM], message[2048];
	struct emit e = emit_to(room, sizeof room);
	struct view v;
	size_t mark;
	char name[32];

	if (gen_message(&g, message, sizeof message, &v) < 0)
		return;
	emit_u8(&e, kind);
	mark = emit_len16(&e);
	emit_view(&e, v);
	emit_patch16(&e, mark, v.n);
	(void)snprintf(name, sizeof name, "raw-%u", kind);
	put(dir, "step", name, view_of(room, e.n));
}

/* One sealed message of that exchange with each payload type once, or of one type alone. */
static void put_sealed(const char *dir, uint8_t exchange, uint8_t flags, unsigned only)
{
	struct gen g = gen_of(exchange * 100u + only);
	uint8_t room[ROOM];
	struct emit e = emit_to(room, sizeof room);
	size_t message, body;
	char name[48];

	emit_u8(&e, 3);
	message = emit_len16(&e);
	emit_u8(&e, exchange);
	emit_u8(&e, flags);
	for (unsigned i = 0; i < gen_types_n; i++) {
		if (only < gen_types_n && i != only)
			continue;
		emit_u8(&e, gen_types[i]);
		body = emit_len16(&e);
		gen_payload(&g, gen_types[i], &e);
		emit_patch16(&e, body, e.n - body - 2);
	}
	emit_patch16(&e, message, e.n - message - 2);
	(void)snprintf(name, sizeof name, "sealed-%u-%u-%u", exchange, flags, only);
	if (!e.bad)
		put(dir, "step", name, view_of(room, e.n));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	put_all_records(argv[1]);
	for (uint8_t kind = 0; kind < 3; kind++)
		put_raw(argv[1], kind);
	for (uint8_t exchange = EXCHANGE_IKE_AUTH; exchange <= EXCHANGE_INFORMATIONAL; exchange++)
		for (unsigned only = 0; only <= gen_types_n; only++)
			put_sealed(argv[1], exchange, 0, only);
	put_sealed(argv[1], EXCHANGE_INFORMATIONAL, 1, gen_types_n);
	return 0;
}
