/*
 * Writes the seeds of the corpora beside this file, from the generator of the property tests:
 *
 *   make-wire-corpus DIR
 *
 * Run by hand when a format changes; what it writes is committed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/wire/gen.h"

#define SEED	   7
#define SEEDS_EACH 6

static uint8_t room[65536];

static void seed_write(const char *dir, const char *name, unsigned i, struct view v)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/corpus-%s", dir, name);
	(void)mkdir(path, 0777);
	(void)snprintf(path, sizeof path, "%s/corpus-%s/seed-%u", dir, name, i);
	f = fopen(path, "wb");
	if (!f || fwrite(v.p, 1, v.n, f) != v.n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void payload_seeds(struct gen *g, const char *dir, const char *name, uint8_t type)
{
	for (unsigned i = 0; i < SEEDS_EACH; i++) {
		struct emit e = emit_to(room, sizeof room);

		gen_payload(g, type, &e);
		seed_write(dir, name, i, view_of(e.p, e.n));
	}
}

static void message_seeds(struct gen *g, const char *dir)
{
	for (unsigned i = 0; i < SEEDS_EACH; i++) {
		struct sk_shape gcm = {8, 16, 1}, cbc = {16, 16, 16};
		struct skf_part part = {1, 2, PLD_VENDOR, view_of_literal("\0\0\0\x06hi")};
		struct ike_header h;
		struct emit e = emit_to(room, sizeof room);
		struct sk_out out = {0};
		struct view v = {0};

		if (gen_message(g, room, sizeof room, &v) == 0)
			seed_write(dir, "message", i, v);
		if (gen_sk_message(g, room, sizeof room, i % 2 ? gcm : cbc, &out) == 0)
			seed_write(dir, "message", SEEDS_EACH + i, out.message);
		gen_header(g, &h);
		if (skf_build(&e, &h, gcm, &part, &out) == 0)
			seed_write(dir, "message", 2 * SEEDS_EACH + i, out.message);
	}
}

/* Without the header: its next-payload octet comes first, and a pad length last. */
static void chain_seeds(struct gen *g, const char *dir)
{
	for (unsigned i = 0; i < SEEDS_EACH; i++) {
		struct view v = {0};

		if (gen_message(g, room, sizeof room - 1, &v) < 0)
			continue;
		room[IKE_HEADER_LEN - 1] = room[16];
		room[v.n] = 0;
		seed_write(dir, "chain", i,
			view_of(room + IKE_HEADER_LEN - 1, v.n - IKE_HEADER_LEN + 2));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint8_t type;
	} rows[] = {
		{"sa", PLD_SA},
		{"ke", PLD_KE},
		{"id", PLD_IDI},
		{"cert", PLD_CERT},
		{"certreq", PLD_CERTREQ},
		{"auth", PLD_AUTH},
		{"nonce", PLD_NONCE},
		{"notify", PLD_NOTIFY},
		{"delete", PLD_DELETE},
		{"vendor", PLD_VENDOR},
		{"ts", PLD_TSI},
		{"cp", PLD_CP},
		{"eap", PLD_EAP},
	};
	struct gen g = gen_of(SEED);

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		payload_seeds(&g, argv[1], rows[i].name, rows[i].type);
	message_seeds(&g, argv[1]);
	chain_seeds(&g, argv[1]);
	return 0;
}
