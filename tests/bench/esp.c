/*
 * ESP cycles a packet: the whole way of a packet through one worker, from memory to a port that
 * throws it away, beside the bare crypto of the same packets in the same process.
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
#include <x86intrin.h>

#include "core/ip4.h"
#include "core/spi.h"
#include "node/neighbour.h"
#include "pool.h"
#include "qsbr.h"
#include "worker.h"

#include <rte_eal.h>

enum {
	SLICE = 2048, /* packets */
	FRAME_MAX = 1600,
	GW_OUT = (int)0xc0000201,
	PEER = (int)0xc0000209,
	GW_IN = 0x0a010001,
	HOST = 0x0a01000a,
	FAR_NET = 0x0a020000,
};

enum dir { OUT, IN };

struct frame {
	uint32_t len;
	uint8_t b[FRAME_MAX];
};

struct bench {
	struct shared sh;
	struct worker *w;
	struct port ports[2];
	struct sa **sas;
	uint32_t n_sas;
	struct sa_set *set;
	struct policy_sas policy;
	/* what the receiving port gives, over and over */
	struct frame *frames;
	uint32_t n_frames, at;
	uint16_t rx_port;
};

static struct bench *current;

static uint16_t rx_memory(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct bench *b = current;
	uint16_t k;

	(void)queue;
	if (p->index != b->rx_port)
		return 0;
	n = n > 32 ? 32 : n; /* a burst as drivers give them */
	for (k = 0; k < n && b->at < b->n_frames; k++, b->at++) {
		const struct frame *f = &b->frames[b->at];

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
		i->addrs[i->n_addrs++] = (struct iface_addr){addr, 16};
	must(net_add_iface(n, i) == 0, "interface");
}

static struct net *make_net(struct bench *b)
{
	struct net *n = net_new();
	struct policy *p = calloc(1, sizeof *p);

	must(n && p, "memory");
	n->bucket_bits = 8;
	n->iv_node = 1;
	add_iface(n, 0, IFACE_PHYSICAL, (uint32_t)GW_OUT);
	add_iface(n, 1, IFACE_PHYSICAL, GW_IN);
	add_iface(n, 2, IFACE_TUNNEL, 0);
	must(net_add_route(n, (struct iface_addr){FAR_NET, 16}, &(struct hop){HOP_TUNNEL, 2, 0}) ==
			0,
		"route");
	p->selectors = calloc(2, sizeof *p->selectors);
	must(p->selectors != NULL, "memory");
	p->selectors[0] = (struct selector){0x0a010000, 0x0a01ffff, 0, UINT16_MAX, 0};
	p->selectors[1] = (struct selector){FAR_NET, FAR_NET | 0xffff, 0, UINT16_MAX, 0};
	p->ts = (struct selectors){p->selectors, p->selectors + 1, 1, 1};
	p->sas = &b->policy;
	must(net_add_policy(n, 2, p) == 0 && net_finish(n) == 0, "policy");
	return n;
}

static struct sa *make_sa(struct bench *b, const struct suite *suite, uint32_t i)
{
	uint8_t key[96];
	struct sa *sa = sa_new(suite, 1024);
	struct sa_cold *c = sa_cold_new(2);
	struct lease lease = {0, UINT64_C(1) << 31, 0, UINT64_MAX};
	struct sad_table *retired;

	must(sa && c, "memory");
	for (uint32_t k = 0; k < sizeof key; k++)
		key[k] = (uint8_t)(i * 7 + k);
	c->selectors[0] = (struct selector){0x0a010000, 0x0a01ffff, 0, UINT16_MAX, 0};
	c->selectors[1] = (struct selector){FAR_NET, FAR_NET | 0xffff, 0, UINT16_MAX, 0};
	c->ts = (struct selectors){c->selectors, c->selectors + 1, 1, 1};
	c->local = (struct endpoint){addr_of_v4((uint32_t)GW_OUT), 0};
	c->remote = (struct endpoint){addr_of_v4((uint32_t)PEER), 0};
	sa->spi_in = spi_make(1, i, 8, i / 256 * 17 + 5);
	sa->bucket = (uint16_t)spi_bucket(sa->spi_in, 8);
	atomic_store(&sa->cold, c);
	atomic_store(&sa->outbound, true);
	sa_key(sa, b->w->engine,
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

static void bench_init(struct bench *b, const struct suite *suite, uint32_t n_sas)
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
	atomic_store(&b->sh.net, make_net(b));
	for (uint16_t i = 0; i < 2; i++) {
		b->ports[i].ops = &ops;
		b->ports[i].index = i;
		memcpy(b->ports[i].mac, "\x02\0\0\0\0\1", 6);
		b->sh.ports[i] = &b->ports[i];
	}
	b->sh.n_ports = 2;
	b->w = worker_new(&b->sh, 0);
	must(b->w != NULL, "worker");
	b->sh.workers[0] = b->w;
	b->sh.n_workers = 1;
	b->n_sas = n_sas;
	b->sas = calloc(n_sas, sizeof(struct sa *));
	b->set = calloc(1, sizeof *b->set + sizeof(struct sa *));
	must(b->sas && b->set, "memory");
	for (uint32_t i = 0; i < n_sas; i++)
		b->sas[i] = make_sa(b, suite, i);
	b->set->n = 1;
	b->set->v[0] = b->sas[0];
	atomic_store(&b->policy.set, b->set);
	b->w->net = atomic_load(&b->sh.net);
	neighbour_learn(b->w, b->w->net->ifaces[0], (uint32_t)PEER,
		(const uint8_t *)"\x02\0\0\0\0\x09", true);
	neighbour_learn(
		b->w, b->w->net->ifaces[1], HOST, (const uint8_t *)"\x02\0\0\0\0\x0a", true);
}

static void bench_fini(struct bench *b)
{
	worker_free(b->w);
	sad_fini(&b->sh.sad);
	net_free(atomic_load(&b->sh.net));
	neighbours_free(b->sh.neighbours);
	pool_free(b->sh.pool);
	free(b->sas);
	free(b->set);
	free(b->frames);
}

static void put_eth(uint8_t *f)
{
	memcpy(f, "\x02\0\0\0\0\1\x02\0\0\0\0\x0a\x08\0", 14);
}

/* The frames of a slice: clear ones, or sealed ones with rising numbers. */
static void make_frames(struct bench *b, enum dir dir, uint32_t bytes)
{
	uint32_t inner = bytes - 14;

	b->n_frames = SLICE;
	b->frames = calloc(SLICE, sizeof *b->frames);
	must(b->frames != NULL, "memory");
	b->rx_port = dir == OUT;
	for (uint32_t i = 0; i < SLICE; i++) {
		struct frame *f = &b->frames[i];
		struct sa *sa = b->sas[i % b->n_sas];
		uint32_t pad = esp_pad(&sa->suite->shape, inner),
			 cipher = inner + pad + ESP_TRAILER;
		uint32_t front = ESP_HDR + (uint32_t)sa->suite->shape.iv;
		struct suite_op op = {.key = sa->key_in, .len = cipher};
		uint8_t *p = f->b;

		put_eth(p);
		if (dir == OUT) {
			ip4_put(p + 14, &(struct ip4_make){HOST, FAR_NET + 20, (uint16_t)inner,
						(uint16_t)i, 0, IP_UDP, 64, 0});
			f->len = bytes;
			continue;
		}
		f->len = 14 + IP4_HDR + esp_size(&sa->suite->shape, inner);
		ip4_put(p + 14, &(struct ip4_make){(uint32_t)PEER, (uint32_t)GW_OUT,
					(uint16_t)(f->len - 14), (uint16_t)i, 0, IP_ESP, 64, 0});
		p += 14 + IP4_HDR;
		store_be32(p, sa->spi_in);
		store_be32(p + 4, i / b->n_sas + 1);
		store_be64(p + 8, i);
		ip4_put(p + front, &(struct ip4_make){FAR_NET + 20, HOST, (uint16_t)inner,
					   (uint16_t)i, 0, IP_UDP, 64, 0});
		esp_trailer_put(p + front + inner, pad, ESP_NEXT_IPV4);
		op.esp = p;
		op.salt = sa->salt_in;
		op.seq = i / b->n_sas + 1;
		sa->suite->seal(sa->suite, b->w->engine, &op, 1);
	}
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

static double slice_whole(struct bench *b, enum dir dir)
{
	uint64_t done = b->w->stats[dir == OUT ? STAT_ESP_OUT : STAT_ESP_IN], t;

	forget_windows(b);
	b->at = 0;
	t = __rdtsc();
	while (b->at < b->n_frames)
		(void)worker_step(b->w);
	t = __rdtsc() - t;
	done = b->w->stats[dir == OUT ? STAT_ESP_OUT : STAT_ESP_IN] - done;
	must(done == b->n_frames, "the way of some packets");
	return (double)t / SLICE;
}

/* Only the cipher, over 32 buffers in turn, as much ciphertext as the packets have. */
static double slice_bare(struct bench *b, enum dir dir, uint32_t bytes)
{
	static uint8_t room[32][FRAME_MAX + 64];
	const struct sa *sa = b->sas[0];
	uint32_t inner = bytes - 14;
	uint32_t cipher = inner + esp_pad(&sa->suite->shape, inner) + ESP_TRAILER;
	struct suite_op v[32] = {0};
	uint64_t t;

	for (uint32_t i = 0; i < 32; i++) {
		v[i].key = sa->key_in;
		v[i].esp = room[i];
		v[i].len = cipher;
	}
	t = __rdtsc();
	for (uint32_t k = 0; k < SLICE / 32; k++) {
		for (uint32_t i = 0; i < 32; i++)
			room[i][15]++;
		if (dir == OUT)
			sa->suite->seal(sa->suite, b->w->engine, v, 32);
		else
			sa->suite->open(sa->suite, b->w->engine, v, 32);
	}
	return (double)(__rdtsc() - t) / SLICE;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct row {
	const char *suite;
	uint32_t encr, key_bits, integ;
	enum dir dir;
	uint32_t bytes, sas;
	double min, median, bare_min, bare_median;
};

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
	const struct suite *s = suite_find(r->encr, r->key_bits, r->integ);
	double *whole = calloc(slices, sizeof *whole), *bare = calloc(slices, sizeof *bare);

	must(whole && bare && s, "memory");
	bench_init(&b, s, r->sas);
	make_frames(&b, r->dir, r->bytes);
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

static void row_json(FILE *f, const struct row *r, double ghz, bool last)
{
	(void)fprintf(f,
		"  {\"suite\": \"%s\", \"dir\": \"%s\", \"bytes\": %u, \"sas\": %u, \"workers\": "
		"1, "
		"\"cycles\": %.1f, \"median_cycles\": %.1f, \"mpps\": %.3f, \"bare_cycles\": %.1f, "
		"\"bare_median_cycles\": %.1f, \"ratio\": %.3f, \"peer_cycles\": null}%s\n",
		r->suite, r->dir == OUT ? "out" : "in", r->bytes, r->sas, r->min, r->median,
		ghz * 1e3 / r->min, r->bare_min, r->bare_median, r->min / r->bare_min,
		last ? "" : ",");
}

static void row_text(const struct row *r, double ghz)
{
	(void)printf("%-19s %-4s %5u B %6u SA  %7.1f %7.1f  %7.1f %7.1f  %5.2f  %6.2f Mpps\n",
		r->suite, r->dir == OUT ? "out" : "in", r->bytes, r->sas, r->min, r->median,
		r->bare_min, r->bare_median, r->min / r->bare_min, ghz * 1e3 / r->min);
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

#define BOTH_WAYS(name, encr, bits, integ)                                                         \
	{name, encr, bits, integ, OUT, 64, 1, 0, 0, 0, 0},                                         \
		{name, encr, bits, integ, IN, 64, 1, 0, 0, 0, 0},                                  \
		{name, encr, bits, integ, OUT, 1400, 1, 0, 0, 0, 0},                               \
	{                                                                                          \
		name, encr, bits, integ, IN, 1400, 1, 0, 0, 0, 0                                   \
	}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
		{"json", required_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct row rows[] = {
		BOTH_WAYS("aes-128-gcm", SUITE_ENCR_AES_GCM16, 128, 0),
		BOTH_WAYS("aes-256-gcm", SUITE_ENCR_AES_GCM16, 256, 0),
		BOTH_WAYS("aes-256-cbc-sha256", SUITE_ENCR_AES_CBC, 256, 12),
	};
	uint32_t slices = 3000;
	FILE *json = NULL;
	double ghz;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q') {
			slices = 300;
		} else if (c == 'j') {
			json = fopen(optarg, "w");
			must(json != NULL, optarg);
		} else {
			(void)fprintf(stderr, "usage: esp [--quick] [--json FILE]\n");
			return 2;
		}
	}
	eal_start(argv[0]);
	ghz = tsc_ghz();
	(void)printf(
		"one worker, memory to a null port, replay window 1024, TSC %.2f GHz; cycles a "
		"packet: minimum and median of %u slices of %d\n"
		"suite               dir   size      SAs    whole  median     bare  median  "
		"ratio\n",
		ghz, slices, SLICE);
	if (json)
		(void)fprintf(json, "[\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		measure(&rows[i], slices);
		row_text(&rows[i], ghz);
		if (json)
			row_json(json, &rows[i], ghz, i + 1 == ARRAY_LEN(rows));
	}
	if (json) {
		(void)fprintf(json, "]\n");
		(void)fclose(json);
	}
	(void)rte_eal_cleanup();
	return 0;
}
