/*
 * What nobody can do without in an IKEv2 set-up, and what our own steps of it take: the CPU time of
 * the bare operations of the library, in a thread of their own. The floor beneath the rows of
 * tests/bench/ike.
 *
 *     ike_floor [JSON-FILE]
 *
 * A responder makes a key pair and a secret; with certificates it also checks the signature of the
 * peer and the one on a certificate that it sees for the first time, and signs. Of each operation
 * the least of many is taken: this machine is shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/crypto/forge.h"
#include "base/err.h"
#include "crypto/kex.h"
#include "crypto/path.h"
#include "crypto/sign.h"

enum { ROUNDS = 300, TAKEN = ROUNDS / 20 };

static uint64_t cpu_ns(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ike_floor: %s\n", what);
	exit(1);
}

/* What one kind of authentication is measured with. */
struct scene {
	struct crypto *crypto;
	struct forge_ca root, sub, leaf;
	struct sign_key *key;
	struct kex *peer;
	struct sign_alg alg;
	struct blob octets, signature;
	struct cert *fresh; /* of the last reading */
};

typedef void step_fn(struct scene *s);

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double cost_us(struct scene *s, step_fn *step)
{
	uint64_t took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t began = cpu_ns();

		step(s);
		took[i] = cpu_ns() - began;
	}
	qsort(took, ROUNDS, sizeof took[0], by_size);
	return (double)took[TAKEN] / 1000;
}

/* ---------------------------------------------------------------- the library's */

static void exchange(struct scene *s)
{
	auto_secret shared = NULL;
	auto_kex k = NULL;

	must(kex_respond(s->crypto, 31, kex_public(s->peer), &k, &shared) == 0, "x25519");
}

static void sign(struct scene *s)
{
	blob_fini(&s->signature);
	must(sign_make(s->crypto, s->key, s->alg.scheme, blob_view(&s->octets), &s->signature) == 0,
		"signing");
}

static void check(struct scene *s)
{
	must(sign_check(s->crypto, s->leaf.cert->key, &s->alg, blob_view(&s->octets),
		     blob_view(&s->signature)) == 0,
		"checking");
}

/* ---------------------------------------------------------------- our steps */

static void read_cert(struct scene *s)
{
	cert_unref(take_ptr(s->fresh));
	must(cert_parse(s->leaf.cert->der, &s->fresh) == 0, "reading");
}

static void build_path(struct scene *s)
{
	const struct cert *others[] = {s->sub.cert}, *anchors[] = {s->root.cert};
	const struct path_terms terms = {.at_s = FORGE_NOW};
	struct path path = {0};
	const char *why;

	must(path_build(s->fresh, (struct path_set){others, 1}, (struct path_set){anchors, 1},
		     &terms, &path, &why) == 0,
		"path");
	path_fini(&path);
}

/* A certificate that nobody has seen, up to the anchor. */
static void judge(struct scene *s)
{
	read_cert(s);
	build_path(s);
}

/* ---------------------------------------------------------------- runs */

static void scene_make(struct scene *s, struct crypto *c, bool rsa)
{
	const struct forge_ext ca[] = {{"basicConstraints", "critical,CA:TRUE"},
		{"keyUsage", "critical,keyCertSign,cRLSign"}, {"subjectKeyIdentifier", "hash"}};
	struct forge_cert f = {.subject = "CN=root", .key_type = rsa ? FORGE_RSA2048 : FORGE_P256};
	uint8_t octets[700] = {1};

	*s = (struct scene){.crypto = c};
	s->alg.scheme = rsa ? SIGN_RSA_SHA256 : SIGN_ECDSA_SHA256;
	memcpy(f.ext, ca, sizeof ca);
	s->root = forge_issue(&f, NULL);
	f.subject = "CN=sub";
	f.ext[3] = (struct forge_ext){"authorityKeyIdentifier", "keyid"};
	s->sub = forge_issue(&f, &s->root);
	f.subject = "CN=leaf";
	f.ext[0] = (struct forge_ext){"subjectAltName", "IP:192.0.2.7"};
	f.ext[1] = (struct forge_ext){"keyUsage", "critical,digitalSignature"};
	s->leaf = forge_issue(&f, &s->sub);
	must(sign_key_wrap(s->leaf.key, &s->key) == 0 && kex_generate(c, 31, &s->peer) == 0 &&
			blob_copy(view_of_array(octets), &s->octets) == 0,
		"memory");
}

static void scene_fini(struct scene *s)
{
	cert_unref(s->fresh);
	blob_fini(&s->octets);
	blob_fini(&s->signature);
	kex_free(s->peer);
	sign_key_free(s->key);
	forge_ca_free(&s->leaf);
	forge_ca_free(&s->sub);
	forge_ca_free(&s->root);
}

static void row(FILE *json, const char *auth, double floor_us, double chain_us)
{
	if (json)
		fprintf(json,
			"{\"suite\":\"ike\",\"daemon\":\"floor\",\"auth\":\"%s\",\"kex\":"
			"\"x25519\",\"floor_us\":%.1f,\"chain_us\":%.1f}\n",
			auth, floor_us, chain_us);
}

static void run(struct crypto *c, bool rsa, FILE *json)
{
	const char *auth = rsa ? "rsa" : "ecdsa";
	struct scene s;
	double kex, made, checked, judged;

	scene_make(&s, c, rsa);
	kex = cost_us(&s, exchange);
	made = cost_us(&s, sign);
	checked = cost_us(&s, check);
	judged = cost_us(&s, judge);
	printf("%-8s %8.1f %8.1f %8.1f %8.1f %10.1f %10.1f\n", auth, kex, made, checked,
		kex + made + 2 * checked, cost_us(&s, read_cert), judged);
	if (!rsa)
		row(json, "psk", kex, 0);
	row(json, auth, kex + made + 2 * checked, judged);
	scene_fini(&s);
}

int main(int argc, char **argv)
{
	FILE *json = argc > 1 ? fopen(argv[1], "w") : NULL;
	struct crypto *c = NULL;

	must(argc <= 2 && (argc == 1 || json) && crypto_new(&c) == 0,
		"usage: ike_floor [JSON-FILE]");
	printf("%-8s %8s %8s %8s %8s %10s %10s\n", "us", "exchange", "sign", "check", "floor",
		"read cert", "chain");
	run(c, false, json);
	run(c, true, json);
	crypto_free(c);
	return json ? fclose(json) : 0;
}
