/*
 * One worker forwards while another thread installs and deletes 100 000 SAs: what is the longest
 * time between two bursts?
 *
 *	bench-churn [SAS]
 *
 * Twice: with nothing else going on, and with the churn. Time on the wall shows what a neighbour or
 * the scheduler takes as well; time of the thread's own does not, and is what the tables cost.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "esp_world.h"
#include "qsbr.h"

#include <rte_eal.h>

enum { LIVE = 1000, SAS = 100000 };

#define MS UINT64_C(1000000)

struct forwarder {
	struct bench *b;
	_Atomic bool stop;
	uint64_t wall_max, cpu_max, wall_over, cpu_over, packets;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void gap(uint64_t ns, uint64_t *max, uint64_t *over)
{
	if (ns > *max)
		*max = ns;
	*over += ns > MS;
}

static void *forward(void *arg)
{
	struct forwarder *f = arg;
	struct lane *l = &f->b->lanes[0];
	uint64_t wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	while (!atomic_load(&f->stop)) {
		uint64_t w, c;

		if (l->at == l->n_frames)
			l->at = 0;
		f->packets += worker_step(l->w);
		qsbr_quiescent(f->b->sh.qsbr, 0);
		w = clock_ns(CLOCK_MONOTONIC);
		c = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		gap(w - wall, &f->wall_max, &f->wall_over);
		gap(c - cpu, &f->cpu_max, &f->cpu_over);
		wall = w;
		cpu = c;
	}
	qsbr_offline(f->b->sh.qsbr, 0);
	return NULL;
}

static void churn(struct bench *b, const struct suite *s, uint32_t n)
{
	struct sa **v = calloc(n, sizeof(struct sa *));

	must(v != NULL, "memory");
	for (uint32_t i = 0; i < n; i++)
		v[i] = bench_sa(b, s, LIVE + i);
	for (uint32_t i = 0; i < n; i++)
		must(sad_remove(&b->sh.sad, v[i]->spi_in) == v[i], "the SA");
	bench_grace(b);
	for (uint32_t i = 0; i < n; i++)
		sa_free(v[i]);
	free(v);
}

/* Runs the forwarder for as long as the churn takes, or as long as it took before. */
static uint64_t run(struct bench *b, const struct suite *s, uint32_t sas, uint64_t ns)
{
	struct forwarder f = {.b = b};
	uint64_t began = clock_ns(CLOCK_MONOTONIC), sent = b->lanes[0].w->stats[STAT_ESP_OUT];
	pthread_t thread;

	qsbr_online(b->sh.qsbr, 0);
	must(pthread_create(&thread, NULL, forward, &f) == 0, "thread");
	if (sas)
		churn(b, s, sas);
	while (clock_ns(CLOCK_MONOTONIC) - began < ns)
		;
	ns = clock_ns(CLOCK_MONOTONIC) - began;
	atomic_store(&f.stop, true);
	(void)pthread_join(thread, NULL);
	must(b->lanes[0].w->stats[STAT_ESP_OUT] - sent == f.packets, "the way of some packets");
	(void)printf(
		"%7u SAs in and out, %4.0f ms, %6.2f Mpps; longest gap %7.1f us (wall), %7.1f us "
		"(own time); above 1 ms: %lu (wall), %lu (own time)\n",
		sas, (double)ns / 1e6, (double)f.packets * 1e3 / (double)ns,
		(double)f.wall_max / 1e3, (double)f.cpu_max / 1e3, (unsigned long)f.wall_over,
		(unsigned long)f.cpu_over);
	return ns;
}

static void eal_start(char *program)
{
	char *v[] = {program, (char *)(uintptr_t) "--no-huge", (char *)(uintptr_t) "--no-pci",
		(char *)(uintptr_t) "--no-shconf", (char *)(uintptr_t) "--no-telemetry",
		(char *)(uintptr_t) "-m", (char *)(uintptr_t) "128",
		(char *)(uintptr_t) "--lcores=0@(0-1)", (char *)(uintptr_t) "--log-level=error",
		NULL};

	must(rte_eal_init((int)ARRAY_LEN(v) - 1, v) >= 0, "DPDK");
}

int main(int argc, char **argv)
{
	static const struct kind kind = {"aes-128-gcm", SUITE_ENCR_AES_GCM16, 128, 0};
	const struct suite *s = suite_find(kind.encr, kind.key_bits, kind.integ);
	struct row row = {.suite = &kind, .bytes = 64, .sas = LIVE, .workers = 1};
	uint32_t sas = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : SAS;
	static struct bench b;
	uint64_t ns;

	eal_start(argv[0]);
	bench_init(&b, s, LIVE, 1);
	b.sh.qsbr = qsbr_new(1);
	must(b.sh.qsbr != NULL, "memory");
	make_frames(&b, 0, &row);
	ns = run(&b, s, sas, 0);
	(void)run(&b, s, 0, ns);
	qsbr_free(b.sh.qsbr);
	bench_fini(&b);
	(void)rte_eal_cleanup();
	return 0;
}
