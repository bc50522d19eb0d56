#include "esp_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "core/spi.h"
#include "esp_stage.h"
#include "node/neighbour.h"
#include "pool.h"
#include "qsbr.h"

static struct bench *current;

static uint16_t rx_memory(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct bench *b = current;
	struct lane *l = &b->lanes[queue];
	uint16_t k;

	if (p->index != b->rx_port)
		return 0;
	stage_to(STAGE_RX);
	n = n > 32 ? 32 : n; /* a burst as drivers give them */
	for (k = 0; k < n && l->at < l->n_frames; k++, l->at++) {
		const struct frame *f = &l->frames[l->at];

		v[k] = pkt_alloc(b->sh.pool);
		if (!v[k])
			abort();
		v[k]->port = p->index;
		memcpy(pkt_append(v[k], f->len), f->b, f->len);
	}
	stage_to(STAGE_CLASSIFY);
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

void must(bool ok, const char *what)
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

void bench_grace(struct bench *b)
{
	uint64_t token = qsbr_token(b->sh.qsbr);

	while (!qsbr_passed(b->sh.qsbr, token, 0))
		;
}

struct sa *bench_sa(struct bench *b, const struct suite *suite, uint32_t i)
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
	sa_key(sa, b->engine,
		&(struct sa_keys){view_of(key, suite->key_len), view_of(key, suite->key_len),
			view_of(key, suite->integ_len), view_of(key, suite->integ_len)});
	sa_template(sa, 0x10000 + i);
	seqno_init(&sa->out, false, false, &lease);
	must(sad_add(&b->sh.sad, sa, &retired) == 0, "SA");
	if (retired && b->sh.qsbr)
		bench_grace(b); /* somebody reads */
	free(retired);
	return sa;
}

static void fixed_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x5a, n);
}

static const struct env env = {fixed_random, NULL};

/* Octets of this process in memory. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	must(f && fscanf(f, "%*u %lu", &pages) == 1, "/proc/self/statm");
	(void)fclose(f);
	return pages * 4096;
}

void bench_init(struct bench *b, const struct suite *suite, uint32_t n_sas, uint32_t workers)
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
	b->sh.pool = pool_new("bench", 8192, PKT_DATA);
	b->sh.pool_octets = PKT_DATA;
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
	b->engine = suite_engine_new(&env);
	must(b->engine != NULL, "engine");
	b->resident = resident();
	for (uint32_t i = 0; i < n_sas; i++) {
		b->sas[i] = bench_sa(b, suite, i);
		atomic_load(&b->policies[i].set)->v[0] = b->sas[i];
	}
	b->resident = resident() - b->resident;
	neighbour_learn(b->lanes[0].w, b->lanes[0].w->net->ifaces[0], ipaddr_v4((uint32_t)PEER),
		(const uint8_t *)"\x02\0\0\0\0\x09", true);
	neighbour_learn(b->lanes[0].w, b->lanes[0].w->net->ifaces[1], ipaddr_v4(HOST),
		(const uint8_t *)"\x02\0\0\0\0\x0a", true);
}

void bench_fini(struct bench *b)
{
	for (uint32_t i = 0; i < b->n_lanes; i++) {
		worker_free(b->lanes[i].w);
		free(b->lanes[i].frames);
		free(b->lanes[i].room);
	}
	suite_engine_free(b->engine);
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
uint32_t size_of(uint32_t bytes, uint32_t i)
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
void make_frames(struct bench *b, uint32_t lane, const struct row *row)
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
double slice_whole(struct bench *b, enum dir dir)
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
double slice_bare(struct bench *b, enum dir dir, uint32_t bytes)
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

void slice_stages(struct bench *b, enum dir dir, double *out)
{
	struct stage_sums sums;
	struct lane_run x = {&b->lanes[0], dir == OUT ? STAT_ESP_OUT : STAT_ESP_IN, NULL, 0};

	forget_windows(b);
	stage_begin();
	(void)lane_slice(&x);
	stage_end(&sums);
	for (enum stage s = 0; s < STAGES; s++)
		out[s] = (double)sums.cycles[s] / b->lanes[0].n_frames;
}

void bench_watch(struct bench *b)
{
	const struct suite *s = stage_suite(b->sas[0]->suite);

	for (uint32_t i = 0; i < b->n_sas; i++)
		b->sas[i]->suite = s;
}
