/*
 * SAs come and go by the hundred thousand while a worker forwards: it waits for nobody, asks nobody
 * for memory, loses no packet of an SA that stays, and never meets one that was freed (the address
 * sanitizer would tell). Counts, not time: what bench-churn measures.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "fakeway.h"
#include "qsbr.h"

enum {
	SAS = 100000,
	ALIVE = 4096, /* of those that come and go */
	BATCH = 1000, /* freed together */
	OWN = 8,      /* packets of the SA that stays, each way in each turn */
	STRANGE = 16, /* packets to those that come and go, or went */
	SPI_FIRST = 0x02000000,
	SPI_SPACE = 30000, /* they come again */
	TABLES = 32,
	PATIENCE_S = 60,
};

/* ---------------------------------------------------------------- what the worker may not do */

static _Thread_local bool at_work;
static uint64_t n_memory, n_locks; /* of the forwarding thread */

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
int __real_pthread_mutex_lock(pthread_mutex_t *m);
void __real_pkt_free(struct pkt *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
void __wrap_pkt_free(struct pkt *p);

void *__wrap_malloc(size_t n)
{
	n_memory += at_work;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t k, size_t n)
{
	n_memory += at_work;
	return __real_calloc(k, n);
}

void *__wrap_realloc(void *p, size_t n)
{
	n_memory += at_work;
	return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	n_memory += at_work;
	return __real_aligned_alloc(align, n);
}

void __wrap_free(void *p)
{
	n_memory += at_work;
	__real_free(p);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	n_locks += at_work;
	return __real_pthread_mutex_lock(m);
}

/* Packets are on the heap here only; elsewhere they come from a pool. */
static struct pkt *dropped[2 * OWN + STRANGE];
static uint32_t n_dropped;

void __wrap_pkt_free(struct pkt *p)
{
	if (at_work)
		dropped[n_dropped++] = p;
	else
		__real_pkt_free(p);
}

/* ---------------------------------------------------------------- the worker */

struct forwarder {
	struct way *y;
	_Atomic bool stop;
	_Atomic uint32_t latest; /* how many came so far */
	_Atomic uint64_t turns;
	uint64_t rng;
};

static uint32_t draw(struct forwarder *f, uint32_t n)
{
	f->rng = f->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(f->rng >> 33) % n;
}

static struct pkt *frame(const uint8_t *f, size_t n, uint16_t port)
{
	struct pkt *p = way_packet(f, n, 64);

	p->kind = PKT_FRAME;
	p->port = port;
	return p;
}

static struct pkt *from_peer(struct way *y, uint64_t seq)
{
	uint8_t plain[52] = {0}, f[256];

	ip4_put(plain, &(struct ip4_make){WAY_FAR, WAY_HOST, 50, 1, 0, IP_UDP, 9, 0});
	plain[51] = ESP_NEXT_IPV4;
	return frame(f, way_seal(y, seq, view_of_array(plain), false, f), 0);
}

static struct pkt *from_host(void)
{
	uint8_t f[128] = {0};
	size_t at = way_headers(f, WAY_HOST, WAY_FAR, IP_UDP, 40);

	return frame(f, at + 40, 1);
}

/* To one of the latest, or to one that went a while ago; not authentic. */
static struct pkt *to_some(struct forwarder *w)
{
	uint32_t latest = atomic_load(&w->latest), back = draw(w, ALIVE + BATCH);
	uint8_t f[128] = {0};
	size_t at = way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, IP_ESP, 60);

	store_be32(f + at, SPI_FIRST + (latest > back ? latest - back : 0) % SPI_SPACE);
	store_be32(f + at + 4, 1 + draw(w, 1000));
	return frame(f, at + 60, 0);
}

static void turn(struct forwarder *f, uint64_t nth)
{
	struct pkt *v[2 * OWN + STRANGE];
	uint32_t n = 0;

	for (uint32_t i = 0; i < OWN; i++) {
		v[n++] = from_peer(f->y, nth * OWN + i + 1);
		v[n++] = from_host();
		for (uint32_t k = 0; k < STRANGE / OWN; k++)
			v[n++] = to_some(f);
	}
	at_work = true;
	worker_burst(f->y->w, v, n);
	qsbr_quiescent(f->y->sh.qsbr, 0);
	at_work = false;
	way_forget(f->y);
	while (n_dropped)
		pkt_free(dropped[--n_dropped]);
}

static void *forward(void *arg)
{
	struct forwarder *f = arg;

	for (uint64_t i = 0; !atomic_load(&f->stop); i++) {
		turn(f, i);
		atomic_store(&f->turns, i + 1);
	}
	qsbr_offline(f->y->sh.qsbr, 0);
	return NULL;
}

/* ---------------------------------------------------------------- the API thread */

struct trash {
	struct sa *sas[BATCH];
	struct sad_table *tables[TABLES];
	uint32_t n_sas, n_tables;
};

static void grace(struct way *y)
{
	uint64_t token = qsbr_token(y->sh.qsbr);
	time_t end = time(NULL) + PATIENCE_S;

	while (!qsbr_passed(y->sh.qsbr, token, 0)) {
		if (time(NULL) > end)
			fail_msg("no grace period within %d s", PATIENCE_S);
		(void)sched_yield();
	}
}

static void trash_empty(struct way *y, struct trash *t)
{
	grace(y);
	while (t->n_sas)
		sa_free(t->sas[--t->n_sas]);
	while (t->n_tables)
		free(t->tables[--t->n_tables]);
}

static uint32_t spi_of(uint32_t i)
{
	return SPI_FIRST + i % SPI_SPACE;
}

static void come(struct way *y, struct suite_engine *e, uint32_t i, struct trash *t)
{
	static const uint8_t key[20] = {9, 8, 7};
	const struct suite *s = suite_find(SUITE_ENCR_AES_GCM16, 128, 0);
	struct sa *sa = sa_new(&y->sh.sad.memory, s, 64);
	struct sad_table *retired;

	assert_non_null(sa);
	sa->spi_in = spi_of(i);
	atomic_store(&sa->cold, sa_cold_new(0));
	assert_non_null(sa_cold(sa));
	sa_key(sa, e,
		&(struct sa_keys){.encr_in = view_of_array(key), .encr_out = view_of_array(key)});
	seqno_init(&sa->out, false, false, &(struct lease){0, 1000, 0, UINT64_MAX});
	assert_int_equal(sad_add(&y->sh.sad, sa, &retired), 0);
	if (!retired)
		return;
	assert_in_range(t->n_tables, 0, TABLES - 1);
	t->tables[t->n_tables++] = retired;
}

static uint32_t churn(struct forwarder *f, struct suite_engine *e)
{
	static struct trash t;
	struct way *y = f->y;
	uint32_t graces = 0;

	for (uint32_t i = 0; i < SAS + ALIVE; i++) {
		if (i < SAS) {
			come(y, e, i, &t);
			atomic_store(&f->latest, i);
		}
		if (i < ALIVE)
			continue;
		t.sas[t.n_sas] = sad_remove(&y->sh.sad, spi_of(i - ALIVE));
		assert_non_null(t.sas[t.n_sas]);
		if (++t.n_sas == BATCH) {
			trash_empty(y, &t);
			graces++;
		}
	}
	trash_empty(y, &t);
	return graces;
}

static void churn_costs_the_worker_nothing(void **state)
{
	struct forwarder f = {.y = way_new(0), .rng = 3};
	const uint64_t *c = f.y->w->stats;
	struct suite_engine *e = suite_engine_new(f.y->sh.env);
	pthread_t thread;
	uint64_t turns;

	(void)state;
	assert_non_null(e);
	f.y->sh.qsbr = qsbr_new(1);
	assert_non_null(f.y->sh.qsbr);
	qsbr_online(f.y->sh.qsbr, 0);
	assert_int_equal(pthread_create(&thread, NULL, forward, &f), 0);
	assert_int_equal(churn(&f, e), SAS / BATCH);
	atomic_store(&f.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	turns = atomic_load(&f.turns);
	assert_true(turns > SAS / BATCH); /* each grace period ends with one */
	assert_int_equal(c[STAT_ESP_IN], turns * OWN);
	assert_int_equal(c[STAT_ESP_OUT], turns * OWN);
	assert_int_equal(c[STAT_TX_PACKETS], 2 * turns * OWN);
	assert_int_equal(c[STAT_DROP_ESP_SPI] + c[STAT_DROP_ESP_AUTH], turns * STRANGE);
	assert_true(c[STAT_DROP_ESP_SPI] > 0 && c[STAT_DROP_ESP_AUTH] > 0);
	assert_int_equal(n_memory, 0);
	assert_int_equal(n_locks, 0);
	qsbr_free(f.y->sh.qsbr);
	f.y->sh.qsbr = NULL;
	suite_engine_free(e);
	way_free(f.y);
	assert_int_equal(way_alive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(churn_costs_the_worker_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
