/*
 * ESP cycles a packet, for suites, sizes and numbers of SAs: the whole way of a packet through one
 * worker, from memory to a port that throws it away, beside the bare crypto of the same packets in
 * the same process.
 *
 * "64 B" is a frame of 64 octets without FCS: 50 octets of inner packet. Receiving allocates an
 * mbuf and copies the frame into it; sending frees. Both run in many short slices, by turns,
 * because neighbours slow a shared machine for seconds at a time: the minimum is the quiet machine,
 * the median what it was like.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "esp_peer.h"
#include "esp_report.h"

#include <rte_eal.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double tsc_ghz(void)
{
	struct timespec a, b;
	uint64_t t = __rdtsc();
	double ns;

	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	} while (ns < 50e6);
	return (double)(__rdtsc() - t) / ns;
}

/* Many short slices, by turns: what slows the machine for a while slows all of them alike. */
struct slices {
	uint32_t n;
	double *whole, *bare, *peer;
};

static struct slices slices_new(uint32_t n)
{
	struct slices x = {
		n, calloc(n, sizeof(double)), calloc(n, sizeof(double)), calloc(n, sizeof(double))};

	must(x.whole && x.bare && x.peer, "memory");
	return x;
}

static void slices_free(struct slices *x)
{
	free(x->whole);
	free(x->bare);
	free(x->peer);
}

static void slices_run(struct slices *x, struct bench *b, const struct row *r, struct peer *peer)
{
	for (uint32_t i = 0; i < x->n; i++) {
		x->whole[i] = slice_whole(b, r->dir);
		x->bare[i] = slice_bare(b, r->dir, r->bytes);
		x->peer[i] = peer ? slice_peer(peer) : 0;
	}
	qsort(x->whole, x->n, sizeof(double), by_value);
	qsort(x->bare, x->n, sizeof(double), by_value);
	qsort(x->peer, x->n, sizeof(double), by_value);
}

/* The quickest slice of a run of its own. */
static void stages_run(struct bench *b, struct row *r, uint32_t n)
{
	double best = 0, v[STAGES];

	bench_watch(b);
	for (uint32_t i = 0; i < n; i++) {
		double sum = 0;

		slice_stages(b, r->dir, v);
		for (enum stage s = 0; s < STAGES; s++)
			sum += v[s];
		if (best != 0 && sum >= best)
			continue;
		best = sum;
		memcpy(r->stages, v, sizeof v);
	}
}

static void measure(struct row *r, uint32_t slices)
{
	static struct bench b;
	const struct suite *s = suite_find(r->suite->encr, r->suite->key_bits, r->suite->integ);
	struct slices x;
	struct peer *peer;

	must(s != NULL, "suite");
	x = slices_new(r->sas > SLICE ? MAX(slices * SLICE / r->sas, 8u) : slices);
	bench_init(&b, s, r->sas, r->workers);
	peer = r->sas == 1 && r->workers == 1 ? peer_new(s, r->dir, r->bytes, b.sh.pool) : NULL;
	for (uint32_t i = 0; i < r->workers; i++)
		make_frames(&b, i, r);
	slices_run(&x, &b, r, peer);
	r->min = x.whole[0];
	r->median = x.whole[x.n / 2];
	r->bare_min = x.bare[0];
	r->bare_median = x.bare[x.n / 2];
	r->peer = peer ? x.peer[0] : 0;
	r->resident = r->sas >= 10000 ? (double)b.resident / r->sas : 0;
	if (r->workers == 1)
		stages_run(&b, r, MAX(x.n / 10, 4u));
	peer_free(peer);
	bench_fini(&b);
	slices_free(&x);
}

static void eal_start(char *program)
{
	char *v[] = {program, (char *)(uintptr_t) "--no-huge", (char *)(uintptr_t) "--no-pci",
		(char *)(uintptr_t) "--no-shconf", (char *)(uintptr_t) "--no-telemetry",
		(char *)(uintptr_t) "-m", (char *)(uintptr_t) "128",
		(char *)(uintptr_t) "--lcores=0", (char *)(uintptr_t) "--log-level=error", NULL};

	must(rte_eal_init((int)ARRAY_LEN(v) - 1, v) >= 0, "DPDK");
}

static const struct kind kinds[] = {
	{"aes-128-gcm", SUITE_ENCR_AES_GCM16, 128, 0},
	{"aes-256-gcm", SUITE_ENCR_AES_GCM16, 256, 0},
	{"aes-256-cbc-sha256", SUITE_ENCR_AES_CBC, 256, SUITE_INTEG_SHA256_128},
	{"chacha20-poly1305", SUITE_ENCR_CHACHA20_POLY1305, 256, 0},
};

struct run {
	uint32_t slices;
	struct report report;
	const char *only; /* NULL, or the beginning of "suite,dir,bytes,sas" */
};

static bool is_wanted(const struct run *x, const struct row *r)
{
	char name[64];

	(void)snprintf(name, sizeof name, "%s,%s,%u,%u,", r->suite->name,
		r->dir == OUT ? "out" : "in", r->bytes, r->sas);
	return !x->only || strncmp(name, x->only, strlen(x->only)) == 0;
}

static void run_both(struct run *x, struct row r)
{
	for (int dir = OUT; dir <= IN; dir++) {
		r.dir = (enum dir)dir;
		if (!is_wanted(x, &r))
			continue;
		measure(&r, x->slices);
		report_row(&x->report, &r);
	}
}

/* Every suite and size with one SA; then many SAs with the one that matters. */
static void run_all(struct run *x, bool quick)
{
	static const uint16_t sizes[] = {64, 1400, 256, 576, IMIX};
	static const uint32_t sas[] = {1000, 10000, 100000};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < (quick ? 2 : ARRAY_LEN(sizes)); i++)
			run_both(x, (struct row){.suite = &kinds[k],
					    .bytes = sizes[i],
					    .sas = 1,
					    .workers = 1});
	for (size_t i = 0; i < ARRAY_LEN(sas); i++) {
		struct row r = {.suite = &kinds[0], .bytes = 64, .sas = sas[i], .workers = 1};

		if (!quick)
			run_both(x, r);
		r.shuffled = true;
		run_both(x, r);
	}
	for (size_t i = 0; i < 2; i++) {
		struct row r = {
			.suite = &kinds[0], .bytes = sizes[i], .sas = 100, .workers = LANES};

		run_both(x, r);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
		{"json", required_argument, NULL, 'j'}, {"csv", required_argument, NULL, 'c'},
		{"only", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	struct run x = {.slices = 1500};
	const char *json = NULL, *csv = NULL;
	bool quick = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q') {
			quick = true;
			x.slices = 300;
		} else if (c == 'j') {
			json = optarg;
		} else if (c == 'c') {
			csv = optarg;
		} else if (c == 'o') {
			x.only = optarg;
		} else {
			(void)fprintf(stderr, "usage: esp [--quick] [--json FILE] [--csv FILE] "
					      "[--only SUITE,DIR,BYTES,SAS]\n");
			return 2;
		}
	}
	eal_start(argv[0]);
	report_open(&x.report, tsc_ghz(), json, csv);
	run_all(&x, quick);
	report_close(&x.report);
	peer_end();
	(void)rte_eal_cleanup();
	return 0;
}
