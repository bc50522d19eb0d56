/*
 * One worker forwards while another thread installs and deletes 100 000 SAs: what is the longest
 * time between two bursts?
 *
 *	bench-churn [SAS]
 *
 * Twice: with nothing else going on, and with the churn. Time on the wall shows what a neighbour or
 * the scheduler takes as well; time of the thread's own does not, but interrupts and what a
 * hypervisor steals are in it. Beside each longest gap stands what the kernel did in it: page
 *faults and switches of the thread. A gap without either, in which the thread ran all the time, and
 *that is there only with the churn, would be what the tables cost.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "esp_world.h"
#include "qsbr.h"

#include <rte_eal.h>

enum { LIVE = 1000, SAS = 100000 };

#define MS UINT64_C(1000000)

/* At one moment, of one thread. */
struct moment {
	uint64_t wall, cpu; /* ns */
	uint64_t faults;    /* without input and output */
	uint64_t preempted, slept;
};

/* The longest one, by one clock. */
struct gap {
	uint64_t ns, over;   /* over: how many above 1 ms .. */
	uint64_t over_alone; /* .. in which the thread met neither fault nor switch */
	uint64_t faults, switches;
};

struct forwarder {
	struct bench *b;
	_Atomic bool stop;
	struct gap wall, cpu;
	struct moment all; /* in the whole run */
	uint64_t packets;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct moment moment_now(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_THREAD, &u);
	return (struct moment){
		.wall = clock_ns(CLOCK_MONOTONIC),
		.cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID),
		.faults = (uint64_t)u.ru_minflt + (uint64_t)u.ru_majflt,
		.preempted = (uint64_t)u.ru_nivcsw,
		.slept = (uint64_t)u.ru_nvcsw,
	};
}

static struct moment since(const struct moment *now, const struct moment *then)
{
	return (struct moment){now->wall - then->wall, now->cpu - then->cpu,
		now->faults - then->faults, now->preempted - then->preempted,
		now->slept - then->slept};
}

static void gap_take(struct gap *g, uint64_t ns, const struct moment *d)
{
	uint64_t switches = d->preempted + d->slept;

	g->over += ns > MS;
	g->over_alone += ns > MS && d->faults + switches == 0;
	if (ns <= g->ns)
		return;
	g->ns = ns;
	g->faults = d->faults;
	g->switches = switches;
}

static void *forward(void *arg)
{
	struct forwarder *f = arg;
	struct lane *l = &f->b->lanes[0];
	struct moment first, then;

	while (l->at < l->n_frames) /* its stack and the buffers are new yet */
		f->packets += worker_step(l->w);
	qsbr_quiescent(f->b->sh.qsbr, 0);
	first = then = moment_now();
	while (!atomic_load(&f->stop)) {
		struct moment now, d;

		if (l->at == l->n_frames)
			l->at = 0;
		f->packets += worker_step(l->w);
		qsbr_quiescent(f->b->sh.qsbr, 0);
		now = moment_now();
		d = since(&now, &then);
		gap_take(&f->wall, d.wall, &d);
		gap_take(&f->cpu, d.cpu, &d);
		then = now;
	}
	f->all = since(&then, &first);
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

static void gap_print(const char *clock, const struct gap *g)
{
	(void)printf(
		"        %-8s longest gap %8.1f us (%lu faults, %lu switches); above 1 ms: %lu, "
		"without either: %lu\n",
		clock, (double)g->ns / 1e3, (unsigned long)g->faults, (unsigned long)g->switches,
		(unsigned long)g->over, (unsigned long)g->over_alone);
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
	(void)printf("%7u SAs in and out, %4.0f ms, %6.2f Mpps; in all %lu faults, preempted %lu, "
		     "slept %lu\n",
		sas, (double)ns / 1e6, (double)f.packets * 1e3 / (double)ns,
		(unsigned long)f.all.faults, (unsigned long)f.all.preempted,
		(unsigned long)f.all.slept);
	gap_print("wall", &f.wall);
	gap_print("own time", &f.cpu);
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
