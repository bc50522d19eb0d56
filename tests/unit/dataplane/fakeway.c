#include "fakeway.h"

#include <stdlib.h>

#include "base/err.h"
#include "core/spi.h"
#include "node/neighbour.h"

const uint8_t way_mac[6] = {2, 0, 0, 0, 0, 1}, way_peer_mac[6] = {2, 0, 0, 0, 0, 9};

static uint32_t alive;
static struct way *current;

/* ---- packets on the heap, each in a block of its own */

enum { HEAD = 192 };

struct pkt *way_packet(const void *data, size_t n, size_t tail)
{
	struct pkt *p = aligned_alloc(64, (sizeof *p + 63) & ~(size_t)63);
	uint8_t *b = malloc(HEAD + n + tail);

	if (!p || !b)
		abort();
	memset(p, 0, sizeof *p);
	p->p = b + HEAD;
	p->len = (uint32_t)n;
	p->head = HEAD;
	p->tail = (uint16_t)tail;
	if (n)
		memcpy(p->p, data, n);
	alive++;
	return p;
}

struct pkt *pkt_alloc(void *pool)
{
	(void)pool;
	return current->dry ? NULL : way_packet(NULL, 0, PKT_DATA);
}

void pkt_free(struct pkt *p)
{
	free(p->p - p->head);
	free(p);
	alive--;
}

void pkt_free_bulk(struct pkt **v, uint32_t n)
{
	while (n--)
		pkt_free(*v++);
}

uint32_t way_alive(void)
{
	return alive;
}

bool pkt_thread_enter(void)
{
	return true;
}

void pkt_thread_leave(void)
{
}

/* ---- a port that keeps what is sent */

static uint16_t fake_rx(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	(void)p;
	(void)queue;
	(void)v;
	(void)n;
	return 0;
}

static uint16_t fake_tx(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	(void)queue;
	for (uint16_t i = 0; i < n; i++) {
		if (current->n_sent[p->index] < WAY_SENT_MAX)
			current->sent[p->index][current->n_sent[p->index]++] = v[i];
		else
			pkt_free(v[i]);
	}
	return n;
}

static const struct port_ops fake_ops = {fake_rx, fake_tx};

/* ---- the node */

static void fixed_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x5a, n);
}

static const struct env fixed_env = {fixed_random, NULL};

static void must(int rc)
{
	if (rc < 0)
		abort();
}

static void add_iface(
	struct net *n, uint16_t slot, enum iface_kind kind, uint32_t addr, struct ipaddr addr6)
{
	struct iface *i = calloc(1, sizeof *i);

	if (!i)
		abort();
	i->id = slot + 1u;
	i->slot = slot;
	i->kind = kind;
	i->port = kind == IFACE_TUNNEL ? PORT_NONE : slot;
	i->mtu = kind == IFACE_TUNNEL ? 0 : 1500;
	i->ike = true;
	memcpy(i->mac, way_mac, 6);
	if (addr)
		i->addrs[i->n_addrs++] = prefix_v4(addr, 16);
	if (addr)
		i->addrs[i->n_addrs++] = (struct iface_addr){addr6, 64};
	must(net_add_iface(n, i));
}

static struct policy_sas sas;

static struct selector selector_net6(uint64_t net)
{
	return (struct selector){
		{net << 48, 0}, {net << 48 | (UINT64_MAX >> 16), UINT64_MAX}, 0, UINT16_MAX, 0};
}

/* Both families, here and there. */
static struct selectors fill_selectors(struct selector v[4])
{
	v[0] = selector_v4(0x0a010000, 0x0a01ffff);
	v[1] = selector_net6(0xfd01);
	v[2] = selector_v4(0x0a020000, 0x0a02ffff);
	v[3] = selector_net6(0xfd02);
	return (struct selectors){v, v + 2, 2, 2};
}

static void add_policy(struct net *n)
{
	struct policy *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->selectors = calloc(4, sizeof *p->selectors);
	if (!p->selectors)
		abort();
	p->ts = fill_selectors(p->selectors);
	p->id = 1;
	p->sas = &sas;
	must(net_add_policy(n, 2, p));
	must(net_finish(n));
}

static struct net *make_net(void)
{
	struct net *n = net_new();

	if (!n)
		abort();
	n->bucket_bits = 8;
	n->iv_node = 1;
	n->cluster_id = 1;
	add_iface(n, 0, IFACE_PHYSICAL, (uint32_t)WAY_GW_OUT, WAY6_GW_OUT);
	add_iface(n, 1, IFACE_PHYSICAL, WAY_GW_IN, WAY6_GW_IN);
	add_iface(n, 2, IFACE_TUNNEL, 0, (struct ipaddr){0});
	must(net_add_route(n, &n->fib[0], prefix_v4(0x0a020000, 16),
		&(struct hop){.kind = HOP_TUNNEL, .iface = 2}));
	must(net_add_route(n, &n->fib[0], (struct iface_addr){{UINT64_C(0xfd02) << 48, 0}, 16},
		&(struct hop){.kind = HOP_TUNNEL, .iface = 2}));
	add_policy(n);
	return n;
}

static void make_keys(struct sa *sa, struct suite_engine *e)
{
	static const uint8_t key[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct view encr = view_of(key, sa->suite->key_len);
	struct view integ = view_of(key, sa->suite->integ_len);

	sa_key(sa, e, &(struct sa_keys){encr, encr, integ, integ});
}

struct sa *way_add_sa(struct way *y, uint32_t spi_in, const struct way_sa *like)
{
	struct sa *sa = sa_new(&y->sh.sad.memory, like->suite, like->window);
	struct sa_cold *c = sa_cold_new(4);
	struct sad_table *retired;

	if (!sa || !c)
		abort();
	c->ts = fill_selectors(c->selectors);
	atomic_init(&c->tunnel, 2);
	c->local = (struct endpoint){addr_of_v4((uint32_t)WAY_GW_OUT), 4500};
	c->remote = (struct endpoint){addr_of_v4((uint32_t)WAY_PEER), 4500};
	sa->spi_in = spi_in;
	sa->bucket = (uint16_t)spi_bucket(spi_in, 8);
	sa->flags = (uint8_t)like->flags;
	atomic_store(&sa->cold, c);
	atomic_store(&sa->outbound, true);
	make_keys(sa, y->w->engine);
	sa_template(sa, WAY_SPI_OUT);
	seqno_init(&sa->out, like->flags & SA_ESN, like->strict, &like->lease);
	must(sad_add(&y->sh.sad, sa, &retired));
	free(retired);
	return sa;
}

struct awaited *way_await(struct way *y, uint32_t spi_in)
{
	struct awaited *a = calloc(1, sizeof *a), *old;

	if (!a)
		abort();
	a->spi = spi_in;
	a->from = ipaddr_v4((uint32_t)WAY_PEER);
	atomic_store(&a->until_ns, UINT64_MAX);
	if (!await_put(y->sh.awaited, a, 0, &old))
		abort();
	free(old);
	return a;
}

void way_add_port(struct way *y, uint16_t i)
{
	y->ports[i].ops = &fake_ops;
	y->ports[i].index = i;
	memcpy(y->ports[i].mac, way_mac, 6);
	y->sh.ports[i] = &y->ports[i];
	y->sh.n_ports++;
}

static void meet(struct way *y, uint16_t iface, struct ipaddr addr)
{
	y->w->net = atomic_load(&y->sh.net);
	neighbour_learn(y->w, y->w->net->ifaces[iface], addr, way_peer_mac, true);
}

struct way *way_new(uint32_t sa_flags)
{
	return way_new_sa(&(struct way_sa){
		.suite = suite_find(SUITE_ENCR_AES_GCM16, 128, 0),
		.window = 64,
		.flags = sa_flags,
		.lease = {0, UINT64_C(1) << 32, 0, UINT64_MAX},
	});
}

struct way *way_new_sa(const struct way_sa *like)
{
	struct way *y = aligned_alloc(64, (sizeof *y + 63) & ~(size_t)63);
	struct rg_view *v;

	if (!y)
		abort();
	memset(y, 0, sizeof *y);
	current = y;
	for (uint32_t i = 0; i < RG_MAX; i++) {
		v = calloc(1, sizeof *v);
		if (!v)
			abort();
		v->role = i == 0 ? RG_ROLE_ACTIVE : RG_ROLE_STANDBY;
		v->owner = RG_OWNER_NONE;
		atomic_store(&v->deadline_ns, RG_FOREVER);
		atomic_store(&y->sh.rgs[i].view, v);
	}
	must(sad_init(&y->sh.sad));
	y->sh.awaited = calloc(1, sizeof *y->sh.awaited);
	if (!y->sh.awaited)
		abort();
	y->sh.env = &fixed_env;
	y->sh.pool_octets = PKT_DATA;
	iv_pool_init(&y->sh.ivs, 1);
	atomic_store(&y->sh.lease_hold_ns, UINT64_C(400000000));
	y->sh.neighbours = neighbours_new();
	atomic_store(&y->sh.net, make_net());
	way_add_port(y, 0);
	way_add_port(y, 1);
	y->w = worker_new(&y->sh, 0);
	if (!y->w || !y->sh.neighbours)
		abort();
	y->sh.workers[0] = y->w;
	y->sh.n_workers = 1;
	y->sa = way_add_sa(y, WAY_SPI_IN, like);
	sas = (struct policy_sas){.id = 1};
	atomic_store(&sas.set, calloc(1, sizeof(struct sa_set) + sizeof(struct sa *)));
	atomic_load(&sas.set)->n = 1;
	atomic_load(&sas.set)->v[0] = y->sa;
	meet(y, 0, ipaddr_v4((uint32_t)WAY_PEER));
	meet(y, 1, ipaddr_v4(WAY_HOST));
	meet(y, 0, WAY6_PEER);
	meet(y, 1, WAY6_HOST);
	return y;
}

void way_forget(struct way *y)
{
	for (uint32_t i = 0; i < 3; i++) {
		pkt_free_bulk(y->sent[i], y->n_sent[i]);
		y->n_sent[i] = 0;
	}
}

void way_free(struct way *y)
{
	way_forget(y);
	worker_free(y->w);
	sad_fini(&y->sh.sad);
	for (uint32_t i = 0; i < AWAIT_SLOTS; i++)
		free(atomic_load(&y->sh.awaited->slots[i]));
	free(y->sh.awaited);
	net_free(atomic_load(&y->sh.net));
	neighbours_free(y->sh.neighbours);
	for (uint32_t i = 0; i < RG_MAX; i++)
		free(atomic_load(&y->sh.rgs[i].view));
	free(atomic_load(&sas.set));
	free(y);
}

void way_receive(struct way *y, uint16_t port, struct pkt *p)
{
	p->kind = PKT_FRAME;
	p->port = port;
	worker_burst(y->w, &p, 1);
}

uint32_t way_drain(struct way *y)
{
	struct note n;
	struct pkt *p;
	uint32_t total = 0;

	while (ring_get(&y->w->punt, &p, 1) == 1) {
		pkt_free(p);
		total++;
	}
	while (ring_get(&y->w->notes, &n, 1) == 1)
		;
	return total;
}

size_t way_headers(uint8_t *f, uint32_t src, uint32_t dst, uint8_t proto, size_t len)
{
	memcpy(f, way_mac, 6);
	memcpy(f + 6, way_peer_mac, 6);
	store_be16(f + 12, 0x0800);
	ip4_put(f + 14,
		&(struct ip4_make){src, dst, (uint16_t)(IP4_HDR + len), 1, 0, proto, 64, 0});
	return 14 + IP4_HDR;
}

size_t way_headers6(uint8_t *f, struct ipaddr src, struct ipaddr dst, uint8_t next, size_t len)
{
	memcpy(f, way_mac, 6);
	memcpy(f + 6, way_peer_mac, 6);
	store_be16(f + 12, 0x86dd);
	ip6_put(f + 14, &(struct ip6_make){src, dst, 0, (uint16_t)len, next, 64, 0});
	return 14 + IP6_HDR;
}

static struct addr addr_of_ip6(struct ipaddr a)
{
	struct addr out = {.family = 6};

	ipaddr_store(out.b, a);
	return out;
}

void way_outer6(struct way *y)
{
	struct sa_cold *c = sa_cold(y->sa);

	c->local.addr = addr_of_ip6(WAY6_GW_OUT);
	c->remote.addr = addr_of_ip6(WAY6_PEER);
	sa_template(y->sa, WAY_SPI_OUT);
	y->outer6 = true;
}

size_t way_seal(struct way *y, uint64_t seq, struct view plain, bool udp, uint8_t *f)
{
	return way_seal_sa(y, y->sa, seq, plain, udp, f);
}

size_t way_seal_sa(
	struct way *y, const struct sa *sa, uint64_t seq, struct view plain, bool udp, uint8_t *f)
{
	const struct esp_shape *shape = &sa->suite->shape;
	size_t front = ESP_HDR + (size_t)shape->iv, esp_len = front + plain.n + shape->icv, at;
	struct suite_op op = {.key = sa->key_in, .len = (uint32_t)plain.n};
	uint8_t *esp;

	uint8_t proto = udp ? IP_UDP : IP_ESP;
	size_t len = esp_len + (udp ? 8 : 0);

	at = y->outer6 ? way_headers6(f, WAY6_PEER, WAY6_GW_OUT, proto, len)
		       : way_headers(f, (uint32_t)WAY_PEER, (uint32_t)WAY_GW_OUT, proto, len);
	if (udp) {
		store_be16(f + at, 4500);
		store_be16(f + at + 2, 4500);
		store_be16(f + at + 4, (uint16_t)(esp_len + 8));
		store_be16(f + at + 6, 0);
		at += 8;
	}
	esp = f + at;
	store_be32(esp, sa->spi_in);
	store_be32(esp + 4, (uint32_t)seq);
	memset(esp + ESP_HDR, (int)seq, shape->iv);
	if (plain.n)
		memcpy(esp + front, plain.p, plain.n);
	op.esp = esp;
	op.salt = sa->salt_in;
	op.seq = seq;
	op.esn = sa->flags & SA_ESN;
	sa->suite->seal(sa->suite, y->w->engine, &op, 1);
	return at + esp_len;
}
