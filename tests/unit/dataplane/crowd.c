#include "crowd.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "core/ip4.h"
#include "core/spi.h"
#include "node/node.h"
#include "pool.h"

enum {
	HEAD = 256,
	ROOM = 2048,
	IN_FLIGHT = 512,
	PACKETS_MS = 40, /* a second has room for so many thousand */
	ALONE = 4 * CROWD_SAS,
	BUCKET_BITS = 6,
	NUMBERS_MAX = 1 << 20,
	INNER = IP4_HDR + 8 + 8,
};

static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 9};

static const uint32_t GW = 0xc0000201, PEER = 0xc0000209, HOST = 0x0a01000a, INSIDE = 0x0a010001;

/* One SA's two streams. */
struct stream {
	_Atomic uint64_t sent[2];
	uint64_t next[2]; /* expected; under the lock, like all below */
	uint64_t lost, reordered, garbled;
	uint8_t key[2048] __attribute__((aligned(64)));
};

struct number {
	uint64_t sa_seq, iv;
};

struct crowd {
	struct dp *dp;
	pthread_t thread;
	bool runs;
	_Atomic bool floods;
	int fd;
	struct frame_in in;
	uint64_t id, replied;
	int error;
	bool hung;
	char folder[64];
	_Atomic bool on;
	_Atomic uint64_t sent, arrived, forgiven; /* forgiven: taken for lost */
	uint64_t seen, seen_ns, began_ns;
	const struct suite *suite;
	struct suite_engine *engines[CROWD_SLOTS], *judge;
	pthread_mutex_t lock;
	struct stream streams[CROWD_SAS];
	struct number *numbers;
	uint32_t n_numbers;
	struct pkt *answers[2]; /* to ARP requests */
};

static struct crowd *crowd;

static void must(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "crowd: %s\n", what);
		abort();
	}
}

/* ---- packets and pools */

struct pkt *pkt_alloc(void *pool)
{
	uint8_t *b = aligned_alloc(64, 64 + HEAD + ROOM);
	struct pkt *p = (struct pkt *)(void *)b;

	(void)pool;
	if (!b)
		return NULL;
	memset(p, 0, sizeof *p);
	p->p = b + 64 + HEAD;
	p->head = HEAD;
	p->tail = ROOM;
	return p;
}

void pkt_free(struct pkt *p)
{
	free(p);
}

void pkt_free_bulk(struct pkt **v, uint32_t n)
{
	while (n--)
		pkt_free(*v++);
}

bool pkt_thread_enter(void)
{
	return true;
}

void pkt_thread_leave(void)
{
}

void *pool_new(const char *name, uint32_t packets, uint32_t octets)
{
	static int pool;

	(void)name;
	(void)packets;
	(void)octets;
	return &pool;
}

bool pool_is_whole(void *pool)
{
	(void)pool;
	return true;
}

void pool_free(void *pool)
{
	(void)pool;
}

/* ---- what goes in */

static void put_eth(struct pkt *p, const uint8_t *to)
{
	uint8_t *f = pkt_append(p, ETH_HDR);

	memcpy(f, to, 6);
	memcpy(f + 6, peer_mac, 6);
	store_be16(f + 12, ETH_IP4);
}

static void put_inner(uint8_t *p, uint32_t src, uint32_t dst, uint64_t number)
{
	ip4_put(p, &(struct ip4_make){src, dst, INNER, 1, 0, IP_UDP, 64, 0});
	store_be16(p + IP4_HDR, 7);
	store_be16(p + IP4_HDR + 2, 7);
	store_be16(p + IP4_HDR + 4, 16);
	store_be16(p + IP4_HDR + 6, 0);
	store_be64(p + IP4_HDR + 8, number);
}

static uint32_t far_of(uint32_t sa)
{
	return 0x0a020005 + (sa << 8);
}

static uint32_t spi_of(uint32_t sa)
{
	return spi_make(0, sa * 37 + 1, BUCKET_BITS, 0x10000 + sa);
}

static void seal(struct crowd *c, uint16_t queue, uint32_t sa, struct pkt *p, uint64_t number)
{
	const struct esp_shape *shape = &c->suite->shape;
	uint32_t pad = esp_pad(shape, INNER), cipher = INNER + pad + ESP_TRAILER;
	uint32_t n = (uint32_t)ESP_HDR + shape->iv + cipher + shape->icv;
	struct suite_op op = {.key = c->streams[sa].key, .len = cipher, .seq = number};
	uint8_t *ip = pkt_append(p, IP4_HDR + n), *esp = ip + IP4_HDR;

	ip4_put(ip, &(struct ip4_make){PEER, GW, (uint16_t)(IP4_HDR + n), 1, 0, IP_ESP, 64, 0});
	store_be32(esp, spi_of(sa));
	store_be32(esp + 4, (uint32_t)number);
	store_be64(esp + 8, number);
	put_inner(esp + 16, far_of(sa), HOST, number);
	esp_trailer_put(esp + 16 + INNER, pad, ESP_NEXT_IPV4);
	op.esp = esp;
	memcpy(&op.salt, "salt", 4);
	c->suite->seal(c->suite, c->engines[queue], &op, 1);
}

static struct pkt *make(struct crowd *c, const struct port *port, uint16_t queue, uint32_t sa)
{
	struct pkt *p = pkt_alloc(NULL);
	uint64_t number;

	must(p != NULL, "memory");
	number = atomic_fetch_add(&c->streams[sa].sent[port->index], 1) + 1;
	put_eth(p, port->mac);
	if (port->index == CROWD_OUT)
		seal(c, queue, sa, p, number);
	else
		put_inner(pkt_append(p, INNER), HOST, far_of(sa), number);
	p->kind = PKT_FRAME;
	p->port = port->index;
	return p;
}

static int64_t in_flight(const struct crowd *c)
{
	uint64_t gone = atomic_load(&c->arrived) + atomic_load(&c->forgiven);
	uint64_t sent = atomic_load(&c->sent);

	return sent > gone ? (int64_t)(sent - gone) : 0;
}

/* One by one until the next hops' MACs are known: packets that wait for one may be overtaken. */
static int64_t limit(const struct crowd *c)
{
	if (atomic_load(&c->sent) > (dp_now() - c->began_ns) / 1000000 * PACKETS_MS)
		return INT64_MIN;
	return atomic_load(&c->arrived) < ALONE ? 0 : IN_FLIGHT;
}

/* As many frames as there is room for, of a protocol that nobody speaks. */
static uint16_t junk(struct crowd *c, const struct port *port, struct pkt **v, uint16_t n)
{
	uint16_t got = 0;

	for (; got < n; got++) {
		struct pkt *p = pkt_alloc(c->dp->sh.pool);

		if (!p)
			break;
		memset(pkt_append(p, ETH_HDR + 46), 0, ETH_HDR + 46);
		p->kind = PKT_FRAME;
		p->port = port->index;
		v[got] = p;
	}
	return got;
}

/* Each flow comes by one queue, as a hash would have it. */
static uint16_t rx(struct port *port, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct crowd *c = crowd;
	uint16_t got = 0;

	(void)pthread_mutex_lock(&c->lock);
	if (queue == 0 && c->answers[port->index]) {
		v[got++] = c->answers[port->index];
		c->answers[port->index] = NULL;
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (atomic_load(&c->floods))
		return (uint16_t)(got + junk(c, port, v + got, (uint16_t)(n - got)));
	for (uint32_t sa = queue; sa < CROWD_SAS && got < n; sa += CROWD_SLOTS) {
		if (!atomic_load(&c->on) || in_flight(c) > limit(c))
			break;
		atomic_fetch_add(&c->sent, 1);
		v[got++] = make(c, port, queue, sa);
	}
	return got;
}

/* ---- what comes out */

static void answer_arp(struct crowd *c, const struct port *port, const struct pkt *q)
{
	struct pkt *p = pkt_alloc(NULL);
	uint8_t *f;

	must(p != NULL, "memory");
	f = pkt_append(p, 60);
	memset(f, 0, 60);
	memcpy(f, port->mac, 6);
	memcpy(f + 6, peer_mac, 6);
	memcpy(f + 12, q->p + 12, 8);
	store_be16(f + 20, 2);
	memcpy(f + 22, peer_mac, 6);
	memcpy(f + 28, q->p + 38, 4);
	memcpy(f + 32, q->p + 22, 10);
	p->kind = PKT_FRAME;
	p->port = port->index;
	pkt_free(c->answers[port->index]);
	c->answers[port->index] = p;
}

static void arrive(struct crowd *c, uint16_t from, uint32_t sa, uint64_t number)
{
	struct stream *s = &c->streams[sa];

	if (number < s->next[from]) {
		s->reordered++;
	} else {
		s->lost += number - s->next[from];
		s->next[from] = number + 1;
	}
	atomic_fetch_add(&c->arrived, 1);
}

static void judge_esp(struct crowd *c, uint8_t *ip)
{
	uint8_t *esp = ip + IP4_HDR;
	uint32_t sa = load_be32(esp) - 0x1000000;
	struct suite_op op = {.esp = esp, .seq = load_be32(esp + 4)};

	must(sa < CROWD_SAS, "an SPI that was never given");
	must(c->n_numbers < NUMBERS_MAX, "more packets than there is room to remember");
	c->numbers[c->n_numbers++] =
		(struct number){(uint64_t)sa << 32 | op.seq, load_be64(esp + 8)};
	op.key = c->streams[sa].key;
	op.len = (uint32_t)load_be16(ip + IP4_AT_LEN) - IP4_HDR - 8 - 8 - 16;
	memcpy(&op.salt, "salt", 4);
	c->suite->open(c->suite, c->judge, &op, 1);
	if (op.ok)
		arrive(c, CROWD_IN, sa, load_be64(esp + 16 + IP4_HDR + 8));
	else
		c->streams[sa].garbled++;
}

static uint16_t tx(struct port *port, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct crowd *c = crowd;

	(void)queue;
	(void)pthread_mutex_lock(&c->lock);
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *ip = v[i]->p + ETH_HDR;

		if (load_be16(v[i]->p + 12) == ETH_ARP)
			answer_arp(c, port, v[i]);
		else if (port->index == CROWD_OUT)
			judge_esp(c, ip);
		else
			arrive(c, CROWD_OUT, (load_be32(ip + IP4_AT_SRC) - 0x0a020005) >> 8,
				load_be64(ip + IP4_HDR + 8));
		pkt_free(v[i]);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

static const struct port_ops ops = {rx, tx};

int port_open(const struct port_args *a, const struct log_ctx *log, struct port **out)
{
	struct port *p = calloc(1, sizeof *p);

	(void)log;
	must(p != NULL, "memory");
	(void)snprintf(p->name, sizeof p->name, "%s", a->name);
	(void)snprintf(p->device, sizeof p->device, "%s", a->device);
	memcpy(p->mac, "\x02\0\0\0\0\1", 6);
	p->ops = &ops;
	p->mtu = 1500;
	p->n_rx = a->queues;
	*out = p;
	return 0;
}

void port_close(struct port *p)
{
	free(p);
}

bool port_link(const struct port *p)
{
	(void)p;
	return true;
}

void port_counts(const struct port *p, struct port_counts *out)
{
	(void)p;
	*out = (struct port_counts){0};
}

/* ---- tandemd's part */

static void send_all(struct crowd *c, Dp__Request *q)
{
	auto_blob b = {0};

	q->id = ++c->id;
	must(frame_pack(&q->base, &b) == 0, "pack");
	for (size_t at = 0; at < b.n;) {
		ssize_t n = send(c->fd, b.p + at, b.n - at, MSG_NOSIGNAL);

		must(n > 0, "send");
		at += (size_t)n;
	}
}

static void grant(struct crowd *c, const Dp__LeaseWant *want)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__LeaseGrant g = DP__LEASE_GRANT__INIT;

	g.n_leases = want->n_wants;
	g.leases = want->wants;
	q.body_case = DP__REQUEST__BODY_LEASE_GRANT;
	q.lease_grant = &g;
	send_all(c, &q);
}

/* For whoever wonders where a packet went. */
static void tell_counters(const Dp__Reply *r)
{
	for (size_t i = 0; r->n_counters && i < r->n_workers; i++)
		(void)fprintf(stderr, "# worker %zu state %d buckets %u packets %lu\n", i,
			r->workers[i]->state, r->workers[i]->buckets,
			(unsigned long)r->workers[i]->packets);
	for (size_t i = 0; i < r->n_counters; i++)
		if (r->counters[i]->value)
			(void)fprintf(stderr, "# %s %lu\n", r->counters[i]->name,
				(unsigned long)r->counters[i]->value);
}

static void handle(struct crowd *c, const Dp__Output *o)
{
	if (o->body_case == DP__OUTPUT__BODY_REPLY) {
		c->replied = o->reply->id;
		c->error = (int)o->reply->error;
		tell_counters(o->reply);
	} else if (o->event->body_case == DP__EVENT__BODY_LEASE_WANT) {
		grant(c, o->event->lease_want);
	} else if (o->event->body_case == DP__EVENT__BODY_WORKER_STATE) {
		c->hung = o->event->worker_state->hung;
	}
}

static bool receive(struct crowd *c, int ms)
{
	struct pollfd f = {c->fd, POLLIN, 0};
	struct view v;
	uint8_t *room;
	ssize_t n;

	if (poll(&f, 1, ms) <= 0)
		return false;
	must(frame_in_room(&c->in, 65536, &room) == 0, "room");
	n = recv(c->fd, room, 65536, 0);
	must(n > 0, "the dataplane hung up");
	frame_in_filled(&c->in, (size_t)n);
	while (frame_in_next(&c->in, &v) == 1) {
		Dp__Output *o = dp__output__unpack(NULL, v.n, v.p);

		must(o != NULL, "garbled");
		handle(c, o);
		dp__output__free_unpacked(o, NULL);
	}
	return true;
}

/* Nothing arrives any more: what is missing is lost, and new packets may follow. */
static void forgive(struct crowd *c)
{
	uint64_t now = dp_now(), arrived = atomic_load(&c->arrived);

	if (arrived != c->seen) {
		c->seen = arrived;
		c->seen_ns = now;
	} else if (now - c->seen_ns > UINT64_C(300000000)) {
		atomic_store(&c->forgiven, atomic_load(&c->sent) - arrived);
		c->seen_ns = now;
	}
}

void crowd_pump(struct crowd *c, int ms)
{
	uint64_t end = dp_now() + (uint64_t)ms * 1000000;

	while (dp_now() < end) {
		(void)receive(c, 1);
		forgive(c);
	}
}

int crowd_ask(struct crowd *c, Dp__Request *q)
{
	uint64_t id;

	send_all(c, q);
	id = c->id;
	while (c->replied < id)
		must(receive(c, 20000), "no reply");
	return c->error;
}

static ProtobufCBinaryData bytes_of(uint8_t room[4], uint32_t addr)
{
	store_be32(room, addr);
	return (ProtobufCBinaryData){4, room};
}

struct range_room {
	uint8_t low[4], high[4];
	Dp__Selector s, *list[1];
};

static Dp__Selector **range(struct range_room *r, uint32_t low, uint32_t high)
{
	dp__selector__init(&r->s);
	r->s.port_high = UINT16_MAX;
	r->s.low = bytes_of(r->low, low);
	r->s.high = bytes_of(r->high, high);
	r->list[0] = &r->s;
	return r->list;
}

static void key_of(uint32_t sa, uint8_t key[20])
{
	memset(key, (int)(sa + 1), 16);
	memcpy(key + 16, "salt", 4);
}

void crowd_install(struct crowd *c, uint32_t i)
{
	crowd_install_for(c, i, 0);
}

void crowd_install_for(struct crowd *c, uint32_t i, uint32_t worker_hint)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__ChildInstall k = DP__CHILD_INSTALL__INIT;
	Dp__Endpoint local = DP__ENDPOINT__INIT, remote = DP__ENDPOINT__INIT;
	Dp__Lease lease = DP__LEASE__INIT;
	struct range_room ours, theirs;
	uint8_t key[20], a[4], b[4];

	key_of(i, key);
	k.spi_in = spi_of(i);
	k.spi_out = 0x1000000 + i;
	k.policy_id = i + 1;
	k.worker_hint = worker_hint;
	k.interface_id = 1;
	local.address = bytes_of(a, GW);
	remote.address = bytes_of(b, PEER);
	k.local = &local;
	k.remote = &remote;
	k.encr = 20;
	k.key_bits = 128;
	k.encr_key_in = k.encr_key_out = (ProtobufCBinaryData){sizeof key, key};
	k.replay_window = 1024;
	k.n_local_ts = k.n_remote_ts = 1;
	k.local_ts = range(&ours, 0x0a010000, 0x0a01ffff);
	k.remote_ts = range(&theirs, far_of(i) & ~255u, far_of(i) | 255);
	k.outbound = true;
	lease.out_horizon = 1u << 20;
	lease.in_horizon = UINT64_MAX;
	k.lease = &lease;
	q.body_case = DP__REQUEST__BODY_CHILD_INSTALL;
	q.child_install = &k;
	must(crowd_ask(c, &q) == 0, "install");
}

static void configure(struct crowd *c, uint32_t workers)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Configure k = DP__CONFIGURE__INIT;
	Dp__Port port[2], *ports[2] = {&port[0], &port[1]};
	Dp__Interface iface[3], *ifaces[3] = {&iface[0], &iface[1], &iface[2]};
	Dp__Prefix address[2], *addresses[2] = {&address[0], &address[1]}, to = DP__PREFIX__INIT;
	Dp__Route route = DP__ROUTE__INIT, *routes[1] = {&route};
	static Dp__Policy policy[2 * CROWD_SAS], *policies[2 * CROWD_SAS];
	static struct range_room ours[2 * CROWD_SAS], theirs[2 * CROWD_SAS];
	static char names[3][8] = {"out", "in", "st0.0"};
	uint8_t a[2][4], d[4];

	k.node_id = k.iv_node_id = 1;
	k.workers = workers;
	k.workers_max = CROWD_SLOTS;
	k.bucket_bits = BUCKET_BITS;
	for (uint32_t i = 0; i < 3; i++) {
		dp__interface__init(&iface[i]);
		iface[i].id = i + 1;
		iface[i].name = names[i];
		iface[i].kind = i == 2 ? DP__INTERFACE_KIND__INTERFACE_TUNNEL : 0;
		if (i == 2)
			break;
		dp__port__init(&port[i]);
		port[i].name = iface[i].port = names[i];
		port[i].device = names[i];
		dp__prefix__init(&address[i]);
		address[i].address = bytes_of(a[i], i ? INSIDE : GW);
		address[i].length = i ? 16 : 24;
		iface[i].n_addresses = 1;
		iface[i].addresses = &addresses[i];
	}
	to.address = bytes_of(d, 0x0a020000);
	to.length = 16;
	route.destination = &to;
	route.interface_id = 3;
	for (uint32_t i = 0; i < 2 * CROWD_SAS; i++) {
		dp__policy__init(&policy[i]);
		policy[i].id = i + 1;
		policy[i].interface_id = 3;
		policy[i].n_local = policy[i].n_remote = 1;
		policy[i].local = range(&ours[i], 0x0a010000, 0x0a01ffff);
		policy[i].remote = range(&theirs[i], far_of(i) & ~255u, far_of(i) | 255);
		policies[i] = &policy[i];
	}
	k.n_ports = 2;
	k.ports = ports;
	k.n_interfaces = 3;
	k.interfaces = ifaces;
	k.n_routes = 1;
	k.routes = routes;
	k.n_policies = 2 * CROWD_SAS;
	k.policies = policies;
	q.body_case = DP__REQUEST__BODY_CONFIGURE;
	q.configure = &k;
	must(crowd_ask(c, &q) == 0, "configure");
}

/* ---- life */

static void *run(void *arg)
{
	(void)dp_run(arg);
	return NULL;
}

static void connect_to(struct crowd *c, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(connect(c->fd, (struct sockaddr *)&a, sizeof a) == 0, "connect");
}

static void make_keys(struct crowd *c)
{
	c->suite = suite_find(SUITE_ENCR_AES_GCM16, 128, 0);
	c->judge = suite_engine_new(&c->dp->env);
	for (uint32_t i = 0; i < CROWD_SLOTS; i++)
		c->engines[i] = suite_engine_new(&c->dp->env);
	for (uint32_t i = 0; i < CROWD_SAS; i++) {
		uint8_t key[20];

		key_of(i, key);
		c->suite->expand(c->suite, c->judge, view_of_array(key), (struct view){0},
			c->streams[i].key);
		c->streams[i].next[0] = c->streams[i].next[1] = 1;
	}
}

struct crowd *crowd_new(uint32_t workers)
{
	static char path[96], punt[96];
	struct dp_args args = {.socket = path, .punt = punt, .packets = 1024};
	struct crowd *c = aligned_alloc(64, (sizeof *c + 63) & ~(size_t)63);

	must(c != NULL, "memory");
	memset(c, 0, sizeof *c);
	crowd = c;
	c->began_ns = dp_now();
	(void)snprintf(c->folder, sizeof c->folder, "/tmp/crowd-XXXXXX");
	must(mkdtemp(c->folder) != NULL, "folder");
	(void)snprintf(path, sizeof path, "%s/api", c->folder);
	(void)snprintf(punt, sizeof punt, "%s/punt", c->folder);
	(void)pthread_mutex_init(&c->lock, NULL);
	c->numbers = calloc(NUMBERS_MAX, sizeof *c->numbers);
	c->dp = aligned_alloc(64, (sizeof *c->dp + 63) & ~(size_t)63);
	must(c->dp && c->numbers, "memory");
	memset(c->dp, 0, sizeof *c->dp);
	must(dp_init(c->dp, &args) == 0, "init");
	c->dp->sh.test_hang = true;
	make_keys(c);
	must(pthread_create(&c->thread, NULL, run, c->dp) == 0, "thread");
	c->runs = true;
	frame_in_init(&c->in, FRAME_MAX_DEFAULT);
	connect_to(c, path);
	configure(c, workers);
	for (uint32_t i = 0; i < CROWD_SAS; i++)
		crowd_install(c, i);
	return c;
}

static void unlink_in(const struct crowd *c, const char *name)
{
	char path[96];

	(void)snprintf(path, sizeof path, "%s/%s", c->folder, name);
	(void)unlink(path);
}

struct dp *crowd_take_over(struct crowd *c)
{
	atomic_store(&c->dp->stop, true);
	if (c->runs)
		(void)pthread_join(c->thread, NULL);
	c->runs = false;
	return c->dp;
}

void crowd_free(struct crowd *c)
{
	(void)crowd_take_over(c);
	(void)close(c->fd);
	dp_fini(c->dp);
	free(c->dp);
	frame_in_fini(&c->in);
	for (uint32_t i = 0; i < CROWD_SLOTS; i++)
		suite_engine_free(c->engines[i]);
	suite_engine_free(c->judge);
	pkt_free(c->answers[0]);
	pkt_free(c->answers[1]);
	free(c->numbers);
	unlink_in(c, "api");
	unlink_in(c, "punt");
	(void)rmdir(c->folder);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

struct dp *crowd_dp(struct crowd *c)
{
	return c->dp;
}

void crowd_flood(struct crowd *c)
{
	atomic_store(&c->floods, true);
}

void crowd_traffic(struct crowd *c, bool on)
{
	atomic_store(&c->on, on);
}

uint64_t crowd_arrived(struct crowd *c)
{
	return atomic_load(&c->arrived);
}

void crowd_settle(struct crowd *c)
{
	for (int i = 0; i < 500 && in_flight(c) > 0; i++)
		crowd_pump(c, 10);
}

static int by_seq(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return (x->sa_seq > y->sa_seq) - (x->sa_seq < y->sa_seq);
}

static int by_iv(const void *a, const void *b)
{
	const struct number *x = a, *y = b;

	return (x->iv > y->iv) - (x->iv < y->iv);
}

struct crowd_verdict crowd_judge(struct crowd *c)
{
	struct crowd_verdict v = {.packets = atomic_load(&c->arrived)};

	(void)pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; i < CROWD_SAS; i++) {
		const struct stream *s = &c->streams[i];

		v.lost += s->lost;
		v.reordered += s->reordered;
		v.garbled += s->garbled;
		for (uint32_t k = 0; k < 2; k++)
			v.lost += atomic_load(&s->sent[k]) + 1 - s->next[k];
	}
	qsort(c->numbers, c->n_numbers, sizeof *c->numbers, by_seq);
	for (uint32_t i = 1; i < c->n_numbers; i++)
		v.repeated_seq += c->numbers[i].sa_seq == c->numbers[i - 1].sa_seq;
	qsort(c->numbers, c->n_numbers, sizeof *c->numbers, by_iv);
	for (uint32_t i = 1; i < c->n_numbers; i++)
		v.repeated_iv += c->numbers[i].iv == c->numbers[i - 1].iv;
	(void)pthread_mutex_unlock(&c->lock);
	return v;
}

uint32_t crowd_revocations(struct crowd *c)
{
	return atomic_load(&c->dp->sh.revocations);
}

/* In bookkeeping of the API thread, told by events. */
bool crowd_hung(struct crowd *c)
{
	return c->hung;
}

uint32_t crowd_spi(uint32_t sa)
{
	return spi_of(sa);
}
