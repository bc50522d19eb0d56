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
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "core/ip4.h"
#include "core/spi.h"
#include "node/neighbour.h"
#include "pool.h"
#include "qsbr.h"
#include "worker.h"

#include <rte_eal.h>

enum {
	SLICE = 2048, /* packets, or as many as there are SAs */
	FRAME_MAX = 1600,
	IMIX = 0, /* 7 : 4 : 1 of 64, 576 and 1400 octets */
	GW_OUT = (int)0xc0000201,
	PEER = (int)0xc0000209,
	GW_IN = 0x0a010001,
	HOST = 0x0a01000a,
	FAR_NET = 0x0b000000, /* each SA has 16 addresses of it */
	PER_SA = 16,
	BUCKET_BITS = 10,
};

enum dir { OUT, IN };

struct frame {
	uint32_t len;
	uint8_t *b;
};

struct kind {
	const char *name;
	uint32_t encr, key_bits, integ;
};

struct row {
	const struct kind *suite;
	enum dir dir;
	uint32_t bytes, sas, workers;
	bool shuffled;
	double min, median, bare_min, bare_median;
};

enum { LANES = 2 };

/* A worker and what its receiving port gives it, over and over. */
struct lane {
	struct worker *w;
	uint8_t *room; /* of the frames */
	struct frame *frames;
	uint32_t n_frames, at;
};

struct bench {
	struct shared sh;
	uint32_t n_lanes;
	struct lane lanes[LANES];
	struct port ports[2];
	struct sa **sas;
	uint32_t n_sas;
	struct policy_sas *policies;
	uint16_t rx_port;
};

static struct bench *current;

static uint16_t rx_memory(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct bench *b = current;
	struct lane *l = &b->lanes[queue];
	uint16_t k;

	if (p->index != b->rx_port)
		return 0;
	n = n > 32 ? 32 : n; /* a burst as drivers give them */
	for (k = 0; k < n && l->at < l->n_frames; k++, l->at++) {
		const struct frame *f = &l->frames[l->at];

		v[k] = pkt_alloc(b->sh.pool);
		if (!v[k])
			abort();
		v[k]->port = p->index;
		memcpy(pkt_append(v[k], f->len), f->b, f->len);
	}
	return k;
}

static uint16_t tx_null(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	(void)p;
	(void)queue;
	pkt_free_bulk(v, n);
	return n;
}

static const struct port_ops ops = {rx_memory, tx_null};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "esp: %s failed\n", what);
	exit(1);
}

static void add_iface(struct net *n, uint16_t slot, enum iface_kind kind, uint32_t addr)
{
	struct iface *i = calloc(1, sizeof *i);

	must(i != NULL, "memory");
	i->id = slot + 1u;
	i->slot = slot;
	i->kind = kind;
	i->port = kind == IFACE_TUNNEL ? PORT_NONE : slot;
	i->mtu = kind == IFACE_TUNNEL ? 0 : 1600;
	memcpy(i->mac, "\x02\0\0\0\0\1", 6);
	if (addr)
		i->addrs[i->n_addrs++] = prefix_v4(addr, 16);
	must(net_add_iface(n, i) == 0, "interface");
}

/* What SA i carries. */
static struct selector far_of(uint32_t i)
{
	uint32_t low = FAR_NET + i * PER_SA;

	return selector_v4(low, low + PER_SA - 1);
}

static struct selector near(void)
{
	return selector_v4(0x0a010000, 0x0a01ffff);
}

static struct policy *make_policy(struct bench *b, uint32_t i)
{
	struct policy *p = calloc(1, sizeof *p);
	struct sa_set *set = calloc(1, sizeof *set + sizeof(struct sa *));

	must(p && set, "memory");
	p->selectors = calloc(2, sizeof *p->selectors);
	must(p->selectors != NULL, "memory");
	p->selectors[0] = near();
	p->selectors[1] = far_of(i);
	p->ts = (struct selectors){p->selectors, p->selectors + 1, 1, 1};
	set->n = 1;
	atomic_store(&b->policies[i].set, set);
	p->sas = &b->policies[i];
	return p;
}

static struct net *make_net(struct bench *b)
{
	struct net *n = net_new();

	must(n != NULL, "memory");
	n->bucket_bits = BUCKET_BITS;
	n->iv_node = 1;
	add_iface(n, 0, IFACE_PHYSICAL, (uint32_t)GW_OUT);
	add_iface(n, 1, IFACE_PHYSICAL, GW_IN);
	add_iface(n, 2, IFACE_TUNNEL, 0);
	must(net_add_route(n, &n->fib[0], prefix_v4(FAR_NET, 8),
		     &(struct hop){.kind = HOP_TUNNEL, .iface = 2}) == 0,
		"route");
	for (uint32_t i = 0; i < b->n_sas; i++)
		must(net_add_policy(n, 2, make_policy(b, i)) == 0, "policy");
	must(net_finish(n) == 0, "policies");
	return n;
}

static struct sa *make_sa(struct bench *b, const struct suite *suite, uint32_t i)
{
	uint8_t key[96];
	struct sa *sa = sa_new(&b->sh.sad.memory, suite, 1024);
	struct sa_cold *c = sa_cold_new(2);
	struct lease lease = {0, UINT64_C(1) << 31, 0, UINT64_MAX};
	struct sad_table *retired;

	must(sa && c, "memory");
	for (uint32_t k = 0; k < sizeof key; k++)
		key[k] = (uint8_t)(i * 7 + k);
	c->selectors[0] = near();
	c->selectors[1] = far_of(i);
	c->ts = (struct selectors){c->selectors, c->selectors + 1, 1, 1};
	c->local = (struct endpoint){addr_of_v4((uint32_t)GW_OUT), 0};
	c->remote = (struct endpoint){addr_of_v4((uint32_t)PEER), 0};
	/* as drawn at random, without the same twice */
	sa->spi_in = spi_make(1, i, BUCKET_BITS, i / (1 << BUCKET_BITS) * 40503u + 5);
	sa->bucket = (uint16_t)spi_bucket(sa->spi_in, BUCKET_BITS);
	atomic_store(&sa->cold, c);
	atomic_store(&sa->outbound, true);
	sa_key(sa, b->lanes[0].w->engine,
		&(struct sa_keys){view_of(key, suite->key_len), view_of(key, suite->key_len),
			view_of(key, suite->integ_len), view_of(key, suite->integ_len)});
	sa_template(sa, 0x10000 + i);
	seqno_init(&sa->out, false, false, &lease);
	must(sad_add(&b->sh.sad, sa, &retired) == 0, "SA");
	free(retired);
	return sa;
}

static void fixed_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x5a, n);
}

static const struct env env = {fixed_random, NULL};

static void bench_init(struct bench *b, const struct suite *suite, uint32_t n_sas, uint32_t workers)
{
	static struct rg_view always = {.role = RG_ROLE_ACTIVE, .owner = RG_OWNER_NONE};

	memset(b, 0, sizeof *b);
	current = b;
	atomic_store(&always.deadline_ns, RG_FOREVER);
	for (uint32_t i = 0; i < RG_MAX; i++)
		atomic_store(&b->sh.rgs[i].view, &always);
	b->sh.env = &env;
	must(sad_init(&b->sh.sad) == 0, "SAD");
	iv_pool_init(&b->sh.ivs, 1);
	b->sh.pool = pool_new("bench", 8192);
	b->sh.neighbours = neighbours_new();
	must(b->sh.pool && b->sh.neighbours, "memory");
	b->n_sas = n_sas;
	b->policies = calloc(n_sas, sizeof *b->policies);
	must(b->policies != NULL, "memory");
	atomic_store(&b->sh.net, make_net(b));
	for (uint16_t i = 0; i < 2; i++) {
		b->ports[i].ops = &ops;
		b->ports[i].index = i;
		memcpy(b->ports[i].mac, "\x02\0\0\0\0\1", 6);
		b->sh.ports[i] = &b->ports[i];
		b->ports[i].n_rx = (uint16_t)workers;
		for (uint8_t q = 0; q < workers; q++)
			atomic_store(&b->ports[i].rx_worker[q], q);
	}
	b->sh.n_ports = 2;
	b->n_lanes = b->sh.n_workers = workers;
	for (uint32_t i = 0; i < workers; i++) {
		b->lanes[i].w = b->sh.workers[i] = worker_new(&b->sh, i);
		must(b->lanes[i].w != NULL, "worker");
		b->lanes[i].w->net = atomic_load(&b->sh.net);
	}
	for (uint32_t i = 0; i < 1 << BUCKET_BITS; i++)
		atomic_store(&b->sh.bucket_worker[i], (uint8_t)(i % workers));
	b->sas = calloc(n_sas, sizeof(struct sa *));
	must(b->sas != NULL, "memory");
	for (uint32_t i = 0; i < n_sas; i++) {
		b->sas[i] = make_sa(b, suite, i);
		atomic_load(&b->policies[i].set)->v[0] = b->sas[i];
	}
	neighbour_learn(b->lanes[0].w, b->lanes[0].w->net->ifaces[0], ipaddr_v4((uint32_t)PEER),
		(const uint8_t *)"\x02\0\0\0\0\x09", true);
	neighbour_learn(b->lanes[0].w, b->lanes[0].w->net->ifaces[1], ipaddr_v4(HOST),
		(const uint8_t *)"\x02\0\0\0\0\x0a", true);
}

static void bench_fini(struct bench *b)
{
	for (uint32_t i = 0; i < b->n_lanes; i++) {
		worker_free(b->lanes[i].w);
		free(b->lanes[i].frames);
		free(b->lanes[i].room);
	}
	sad_fini(&b->sh.sad);
	net_free(atomic_load(&b->sh.net));
	neighbours_free(b->sh.neighbours);
	pool_free(b->sh.pool);
	for (uint32_t i = 0; i < b->n_sas; i++)
		free(atomic_load(&b->policies[i].set));
	free(b->policies);
	free(b->sas);
}

static void put_eth(uint8_t *f)
{
	memcpy(f, "\x02\0\0\0\0\1\x02\0\0\0\0\x0a\x08\0", 14);
}

/* Frame sizes of the mixture in turn. */
static uint32_t size_of(uint32_t bytes, uint32_t i)
{
	static const uint16_t mix[] = {64, 576, 64, 64, 576, 64, 1400, 64, 576, 64, 64, 576};

	return bytes == IMIX ? mix[i % ARRAY_LEN(mix)] : bytes;
}

static void frame_clear(const struct bench *b, struct frame *f, uint32_t sa, uint32_t inner)
{
	(void)b;
	put_eth(f->b);
	ip4_put(f->b + 14, &(struct ip4_make){HOST, FAR_NET + sa * PER_SA + 3, (uint16_t)inner, 1,
				   0, IP_UDP, 64, 0});
	f->len = 14 + inner;
}

static void frame_sealed(
	const struct bench *b, struct frame *f, uint32_t i, uint32_t seq, uint32_t inner)
{
	struct sa *sa = b->sas[i];
	const struct esp_shape *shape = &sa->suite->shape;
	uint32_t pad = esp_pad(shape, inner), cipher = inner + pad + ESP_TRAILER;
	uint32_t front = ESP_HDR + (uint32_t)shape->iv;
	struct suite_op op = {.key = sa->key_in, .len = cipher};
	uint8_t *p = f->b;

	put_eth(p);
	f->len = 14 + IP4_HDR + esp_size(shape, inner);
	ip4_put(p + 14, &(struct ip4_make){(uint32_t)PEER, (uint32_t)GW_OUT,
				(uint16_t)(f->len - 14), 1, 0, IP_ESP, 64, 0});
	p += 14 + IP4_HDR;
	store_be32(p, sa->spi_in);
	store_be32(p + 4, seq);
	store_be64(p + 8, seq);
	ip4_put(p + front, &(struct ip4_make){FAR_NET + i * PER_SA + 3, HOST, (uint16_t)inner, 1, 0,
				   IP_UDP, 64, 0});
	esp_trailer_put(p + front + inner, pad, ESP_NEXT_IPV4);
	op.esp = p;
	op.salt = sa->salt_in;
	op.seq = seq;
	sa->suite->seal(sa->suite, b->lanes[0].w->engine, &op, 1);
}

static void shuffle(uint32_t *v, uint32_t n)
{
	uint64_t rng = 1;

	for (uint32_t i = n; i > 1; i--) {
		uint32_t k, t;

		rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		k = (uint32_t)(rng >> 33) % i;
		t = v[k];
		v[k] = v[i - 1];
		v[i - 1] = t;
	}
}

/* The frames of a slice: clear ones, or sealed ones with rising numbers, every SA of the lane alike
 * often. */
static void make_frames(struct bench *b, uint32_t lane, const struct row *row)
{
	uint32_t n = b->n_sas / b->n_lanes, rounds = (SLICE + n - 1) / n, stride, i = 0;
	uint32_t *order = calloc(n, sizeof *order);
	struct lane *l = &b->lanes[lane];

	stride = ((row->bytes == IMIX ? (uint32_t)FRAME_MAX : row->bytes + 100) + 63) & ~63u;
	l->n_frames = rounds * n;
	l->frames = calloc(l->n_frames, sizeof *l->frames);
	l->room = aligned_alloc(64, (size_t)l->n_frames * stride);
	must(order && l->frames && l->room, "memory");
	memset(l->room, 0, (size_t)l->n_frames * stride);
	for (uint32_t k = 0; k < n; k++)
		order[k] = k * b->n_lanes + lane;
	if (row->shuffled)
		shuffle(order, n);
	b->rx_port = row->dir == OUT;
	for (uint32_t r = 0; r < rounds; r++)
		for (uint32_t k = 0; k < n; k++, i++) {
			struct frame *f = &l->frames[i];
			uint32_t inner = size_of(row->bytes, i) - 14;

			f->b = l->room + (size_t)i * stride;
			if (row->dir == OUT)
				frame_clear(b, f, order[k], inner);
			else
				frame_sealed(b, f, order[k], r + 1, inner);
		}
	free(order);
}

/* The same numbers come again in each slice. */
static void forget_windows(struct bench *b)
{
	for (uint32_t i = 0; i < b->n_sas; i++) {
		struct replay *r = &b->sas[i]->in;

		memset(r->words, 0, (r->mask + 1) * sizeof r->words[0]);
		r->top = 0;
	}
}

struct lane_run {
	struct lane *lane;
	enum counter done;
	pthread_barrier_t *start;
	double cycles; /* a packet */
};

static void *lane_slice(void *arg)
{
	struct lane_run *x = arg;
	struct lane *l = x->lane;
	uint64_t done = l->w->stats[x->done], t;

	l->at = 0;
	if (x->start)
		(void)pthread_barrier_wait(x->start);
	t = __rdtsc();
	while (l->at < l->n_frames)
		(void)worker_step(l->w);
	t = __rdtsc() - t;
	must(l->w->stats[x->done] - done == l->n_frames, "the way of some packets");
	x->cycles = (double)t / l->n_frames;
	return NULL;
}

/* The slowest worker's cycles a packet, all of them running at once. */
static double slice_whole(struct bench *b, enum dir dir)
{
	struct lane_run x[LANES];
	pthread_t thread[LANES];
	pthread_barrier_t start;
	double worst = 0;

	forget_windows(b);
	must(pthread_barrier_init(&start, NULL, b->n_lanes) == 0, "barrier");
	for (uint32_t i = 0; i < b->n_lanes; i++) {
		x[i] = (struct lane_run){&b->lanes[i], dir == OUT ? STAT_ESP_OUT : STAT_ESP_IN,
			b->n_lanes > 1 ? &start : NULL, 0};
		if (i)
			must(pthread_create(&thread[i], NULL, lane_slice, &x[i]) == 0, "thread");
	}
	(void)lane_slice(&x[0]);
	for (uint32_t i = 1; i < b->n_lanes; i++)
		(void)pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < b->n_lanes; i++)
		worst = MAX(worst, x[i].cycles);
	(void)pthread_barrier_destroy(&start);
	return worst;
}

/* Only the cipher, over 32 buffers in turn, as much ciphertext as the packets have. */
static double slice_bare(struct bench *b, enum dir dir, uint32_t bytes)
{
	static uint8_t room[32][FRAME_MAX + 64];
	const struct sa *sa = b->sas[0];
	struct suite_op v[32] = {0};
	uint64_t t;

	for (uint32_t i = 0; i < 32; i++) {
		uint32_t inner = size_of(bytes, i) - 14;

		v[i].key = sa->key_in;
		v[i].esp = room[i];
		v[i].len = inner + esp_pad(&sa->suite->shape, inner) + ESP_TRAILER;
	}
	t = __rdtsc();
	for (uint32_t k = 0; k < SLICE / 32; k++) {
		for (uint32_t i = 0; i < 32; i++)
			room[i][15]++;
		if (dir == OUT)
			sa->suite->seal(sa->suite, b->lanes[0].w->engine, v, 32);
		else
			sa->suite->open(sa->suite, b->lanes[0].w->engine, v, 32);
	}
	return (double)(__rdtsc() - t) / SLICE;
}

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

static void measure(struct row *r, uint32_t slices)
{
	static struct bench b;
	const struct suite *s = suite_find(r->suite->encr, r->suite->key_bits, r->suite->integ);
	double *whole = calloc(slices, sizeof *whole), *bare = calloc(slices, sizeof *bare);

	must(whole && bare && s, "memory");
	if (r->sas > SLICE)
		slices = MAX(slices * SLICE / r->sas, 8u);
	bench_init(&b, s, r->sas, r->workers);
	for (uint32_t i = 0; i < r->workers; i++)
		make_frames(&b, i, r);
	for (uint32_t i = 0; i < slices; i++) {
		whole[i] = slice_whole(&b, r->dir);
		bare[i] = slice_bare(&b, r->dir, r->bytes);
	}
	qsort(whole, slices, sizeof *whole, by_value);
	qsort(bare, slices, sizeof *bare, by_value);
	r->min = whole[0];
	r->median = whole[slices / 2];
	r->bare_min = bare[0];
	r->bare_median = bare[slices / 2];
	bench_fini(&b);
	free(whole);
	free(bare);
}

static void row_json(FILE *f, const struct row *r, double ghz, bool first)
{
	(void)fprintf(f,
		"%s  {\"suite\": \"%s\", \"dir\": \"%s\", \"bytes\": %s%.0u%s, \"sas\": %u, "
		"\"order\": \"%s\", \"workers\": %u, \"cycles\": %.1f, \"median_cycles\": %.1f, "
		"\"mpps\": %.3f, \"bare_cycles\": %.1f, \"bare_median_cycles\": %.1f, "
		"\"ratio\": %.3f, \"peer_cycles\": null}",
		first ? "" : ",\n", r->suite->name, r->dir == OUT ? "out" : "in",
		r->bytes == IMIX ? "\"imix" : "", r->bytes, r->bytes == IMIX ? "\"" : "", r->sas,
		r->shuffled ? "shuffled" : "in order", r->workers, r->min, r->median,
		ghz * 1e3 / r->min * r->workers, r->bare_min, r->bare_median, r->min / r->bare_min);
}

static void row_text(const struct row *r, double ghz)
{
	char size[16] = "imix";

	if (r->bytes != IMIX)
		(void)snprintf(size, sizeof size, "%u B", r->bytes);
	(void)printf("%-19s %-4s %6s %6u SA x%u %-8s %7.1f %7.1f  %7.1f %7.1f  %5.2f  %6.2f Mpps\n",
		r->suite->name, r->dir == OUT ? "out" : "in", size, r->sas, r->workers,
		r->shuffled ? "shuffled" : "", r->min, r->median, r->bare_min, r->bare_median,
		r->min / r->bare_min, ghz * 1e3 / r->min * r->workers);
	(void)fflush(stdout);
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
	double ghz;
	FILE *json;
	bool any;
};

static void run_both(struct run *x, struct row r)
{
	for (int dir = OUT; dir <= IN; dir++) {
		r.dir = (enum dir)dir;
		measure(&r, x->slices);
		row_text(&r, x->ghz);
		if (x->json)
			row_json(x->json, &r, x->ghz, !x->any);
		x->any = true;
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
		{"json", required_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct run x = {.slices = 1500};
	bool quick = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q') {
			quick = true;
			x.slices = 300;
		} else if (c == 'j') {
			x.json = fopen(optarg, "w");
			must(x.json != NULL, optarg);
		} else {
			(void)fprintf(stderr, "usage: esp [--quick] [--json FILE]\n");
			return 2;
		}
	}
	eal_start(argv[0]);
	x.ghz = tsc_ghz();
	(void)printf(
		"memory to a null port, replay window 1024, TSC %.2f GHz; cycles a "
		"packet: minimum and median of up to %u slices\n"
		"suite               dir    size        SAs               whole  median     bare  "
		"median  ratio\n",
		x.ghz, x.slices);
	if (x.json)
		(void)fprintf(x.json, "[\n");
	run_all(&x, quick);
	if (x.json) {
		(void)fprintf(x.json, "\n]\n");
		(void)fclose(x.json);
	}
	(void)rte_eal_cleanup();
	return 0;
}
