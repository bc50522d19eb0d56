#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "await.h"
#include "base/err.h"
#include "core/spi.h"
#include "node/fragment.h"
#include "node/handover.h"
#include "node/neighbour.h"
#include "qsbr.h"

enum {
	POLLS_BEFORE_SLEEP = 64,
	SLEEP_MIN_US = 20,
	SLEEP_MAX_US = 1000,
	SLEEP_FDS_MS = 10, /* with descriptors to wait on, only ticks need us */
};

#define TICK_NS (UINT64_C(10) * 1000 * 1000)

static uint64_t clock_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int rings_init(struct worker *w)
{
	int rc = 0;

	for (uint32_t i = 0; i < WORKER_MAX && rc == 0; i++)
		if (i != w->id)
			rc = ring_init(&w->in[i], RING_PACKETS, sizeof(struct pkt *));
	if (rc == 0)
		rc = ring_init(&w->api_in, RING_PACKETS, sizeof(struct pkt *));
	if (rc == 0)
		rc = ring_init(&w->commands, RING_COMMANDS, sizeof(struct command *));
	if (rc == 0)
		rc = ring_init(&w->done, RING_COMMANDS, sizeof(struct command *));
	if (rc == 0)
		rc = ring_init(&w->notes, RING_NOTES, sizeof(struct note));
	if (rc == 0)
		rc = ring_init(&w->punt, RING_PUNT, sizeof(struct pkt *));
	return rc;
}

struct worker *worker_new(struct shared *sh, uint32_t id)
{
	struct worker *w = aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);

	if (!w)
		return NULL;
	memset(w, 0, sizeof *w);
	w->id = id;
	w->sh = sh;
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->engine = suite_engine_new(sh->env);
	w->pending = pending_new();
	w->holding = w->giving = -1;
	held_init(&w->frozen);
	held_init(&w->await);
	w->reasm = gather_new(sh->env);
	w->ip_id = (uint16_t)(id << 12);
	if (w->wake < 0 || !w->engine || !w->reasm || !w->pending || rings_init(w) < 0) {
		worker_free(w);
		return NULL;
	}
	return w;
}

static void ring_free_packets(struct ring *r)
{
	struct pkt *p;

	while (r->items && ring_get(r, &p, 1) == 1)
		pkt_free(p);
	ring_fini(r);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		ring_free_packets(&w->in[i]);
	ring_free_packets(&w->api_in);
	ring_free_packets(&w->punt);
	ring_fini(&w->commands);
	ring_fini(&w->done);
	ring_fini(&w->notes);
	held_clear(w, &w->frozen);
	held_clear(w, &w->await);
	pending_free(w->pending);
	gather_free(w);
	suite_engine_free(w->engine);
	if (w->wake >= 0)
		(void)close(w->wake);
	free(w);
}

static void ring_drop(struct worker *w, struct ring *r)
{
	struct pkt *p;

	while (r->items && ring_get(r, &p, 1) == 1)
		worker_drop(w, p, STAT_DROP_WORKER_GONE);
}

static void vec_drop(struct worker *w, struct pkt_vec *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		worker_drop(w, v->v[i], STAT_DROP_WORKER_GONE);
	v->n = 0;
}

void worker_clear(struct worker *w)
{
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		ring_drop(w, &w->in[i]);
	ring_drop(w, &w->api_in);
	vec_drop(w, &w->esp_in);
	vec_drop(w, &w->ah_in);
	vec_drop(w, &w->esp_out);
	vec_drop(w, &w->ah_out);
	vec_drop(w, &w->route);
	vec_drop(w, &w->spd_out);
	held_clear(w, &w->frozen);
	held_clear(w, &w->await);
	neighbour_clear(w);
	w->holding = w->giving = -1;
	w->handed = w->empty_polls = 0;
	atomic_store(&w->revoked, false);
	atomic_store(&w->in_commands, false);
	atomic_store(&w->exited, false);
}

/* The sleeper stores its flag, then looks at its rings; the waker fills a ring, then looks at the
 * flag: one of them sees the other. */
static void wake(_Atomic bool *sleeps, int fd)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(sleeps) && atomic_exchange(sleeps, false))
		(void)!write(fd, &one, sizeof one);
}

void worker_wake(struct worker *w)
{
	wake(&w->sleeps, w->wake);
}

void worker_wake_api(struct worker *w)
{
	wake(&w->sh->api_sleeps, w->sh->api_wake);
}

bool worker_note(struct worker *w, const struct note *n)
{
	if (!ring_put(&w->notes, n)) {
		worker_count(w, STAT_EVENTS_LOST);
		return false;
	}
	worker_wake_api(w);
	return true;
}

void worker_hand(struct worker *w, uint32_t to, struct pkt *p)
{
	struct worker *other = w->sh->workers[to];

	if (!ring_put(&other->in[w->id], &p)) {
		worker_drop(w, p, STAT_DROP_RING);
		return;
	}
	worker_count(w, STAT_HANDOFFS);
	w->handed |= 1u << to; /* woken once, at the end of the burst */
}

static void wake_handed(struct worker *w)
{
	for (uint32_t i = 0; w->handed; i++, w->handed >>= 1)
		if (w->handed & 1)
			worker_wake(w->sh->workers[i]);
}

static void esp_out_again(struct worker *w, struct pkt *p)
{
	p->sa = sad_find(&w->sh->sad, p->spi);
	if (p->sa)
		sa_send(w, p);
	else
		worker_drop(w, p, STAT_DROP_SPD_SA); /* deleted on the way */
}

static void fragment_again(struct worker *w, struct pkt *p)
{
	const struct iface *from = net_iface(w->net, p->iface);

	if (from)
		node_ip(w, p, from);
	else
		worker_drop(w, p, STAT_DROP_PORT); /* the interface is gone */
}

/* From tandemd: sent only while we may speak for its source address. */
static void out_of_us(struct worker *w, struct pkt *p)
{
	const struct hop *hop = net_route(w->net, pkt_fib(w, p), ip_src(p->p));
	const struct iface *own =
		hop && hop->kind == HOP_LOCAL ? net_iface(w->net, hop->iface) : NULL;
	uint8_t node;

	if (!own)
		worker_drop(w, p, STAT_DROP_IP_SOURCE);
	else if (own->rg != 0 && gate_rg(w, own->rg, &node) != GATE_ACT)
		worker_drop(w, p, STAT_DROP_RG_STANDBY);
	else
		vec_add(&w->route, p);
}

/* Its bucket changed hands on the way; to us it comes only from who did not know it yet. */
static bool is_for_other(const struct worker *w, const struct pkt *p, uint32_t *to)
{
	uint32_t bucket = spi_bucket(p->spi, w->net->bucket_bits);

	*to = worker_of_bucket(w, bucket);
	return *to != w->id && w->giving != (int32_t)bucket;
}

static void dispatch(struct worker *w, struct pkt *p)
{
	uint32_t to;

	switch ((enum pkt_kind)p->kind) {
	case PKT_FRAME:
		node_classify(w, p);
		return;
	case PKT_FRAGMENT:
		fragment_again(w, p);
		return;
	case PKT_ESP_IN:
	case PKT_AH_IN:
		if (__builtin_expect(is_for_other(w, p, &to), 0))
			worker_hand(w, to, p);
		else
			vec_add(p->kind == PKT_AH_IN ? &w->ah_in : &w->esp_in, p);
		return;
	case PKT_ESP_OUT:
		if (__builtin_expect(is_for_other(w, p, &to), 0))
			worker_hand(w, to, p);
		else
			esp_out_again(w, p);
		return;
	case PKT_RESOLVE:
		to = worker_lead(w);
		if (__builtin_expect(to == w->id, 1))
			node_resolve(w, p);
		else
			worker_hand(w, to, p);
		return;
	case PKT_OUT:
		out_of_us(w, p);
		return;
	case PKT_KERNEL:
		node_from_kernel(w, p);
		return;
	case PKT_RAW:
		node_tx(w, p, p->port);
		return;
	case PKT_IKE: /* these go the other way only */
	case PKT_FABRIC:
		break;
	}
	worker_drop(w, p, STAT_DROP_PORT);
}

/* What is looked at once: it does not change within a burst. */
static void look(struct worker *w)
{
	w->now_ns = clock_now();
	w->net = atomic_load_explicit(&w->sh->net, memory_order_acquire);
	w->near.known = false;
	w->revocations = atomic_load_explicit(&w->sh->revocations, memory_order_acquire);
}

static bool is_revoked(const struct worker *w)
{
	return atomic_load_explicit(&w->revoked, memory_order_acquire);
}

/* What was opened goes on only when nobody robbed us before it was marked in the window: we mark,
 * then look; who robs us says so, then looks at the window (crew_revoke()). One of both sees the
 * other, so the clone of an SA never takes a number that is delivered here (I5). */
static void drop_robbed(struct worker *w)
{
	uint32_t n = 0;

	atomic_thread_fence(memory_order_seq_cst);
	if (__builtin_expect(!is_revoked(w), 1))
		return;
	for (uint32_t i = 0; i < w->route.n; i++)
		if (w->route.v[i]->flags & PKT_INNER)
			worker_drop(w, w->route.v[i], STAT_DROP_WORKER_REVOKED);
		else
			w->route.v[n++] = w->route.v[i];
	w->route.n = n;
}

void worker_burst(struct worker *w, struct pkt **v, uint32_t n)
{
	bool opens;

	look(w);
	for (uint32_t i = 0; i < n; i++)
		dispatch(w, v[i]);
	opens = w->esp_in.n || w->ah_in.n;
	if (w->esp_in.n)
		node_esp_in(w);
	if (w->ah_in.n)
		node_ah_in(w);
	if (opens)
		drop_robbed(w);
	if (w->route.n || w->spd_out.n) /* what the kernel sends is routed already */
		node_route(w);
	while (w->esp_out.n || w->ah_out.n) {
		if (w->esp_out.n)
			node_esp_out(w);
		if (w->ah_out.n)
			node_ah_out(w);
		node_route(w); /* "too big", back to the sender */
	}
	node_tx_flush(w);
	wake_handed(w);
	count_add(&w->packets, n);
}

static uint32_t step_rings(struct worker *w)
{
	struct pkt *v[PKT_BURST] UNINITIALIZED;
	uint32_t total = 0, n;

	for (uint32_t i = 0; i < w->sh->n_workers && !is_revoked(w); i++) {
		if (i == w->id)
			continue;
		n = ring_get(&w->in[i], v, PKT_BURST);
		if (n)
			worker_burst(w, v, n);
		total += n;
	}
	n = is_revoked(w) ? 0 : ring_get(&w->api_in, v, PKT_BURST);
	if (n)
		worker_burst(w, v, n);
	return total + n;
}

static void ring_work_off(struct worker *w, struct ring *r)
{
	struct pkt *v[PKT_BURST] UNINITIALIZED;
	uint32_t left = ring_count(r), n;

	while (left && (n = ring_get(r, v, MIN(left, (uint32_t)PKT_BURST))) != 0) {
		worker_burst(w, v, n);
		left -= n;
	}
}

void worker_drain(struct worker *w)
{
	for (uint32_t i = 0; i < w->sh->n_workers; i++)
		if (i != w->id)
			ring_work_off(w, &w->in[i]);
	ring_work_off(w, &w->api_in);
}

/* The API thread shuts this door before it gives the orders of a hung worker to another one. */
uint32_t worker_step_commands(struct worker *w)
{
	struct command *c;
	uint32_t n = 0;

	if (ring_is_empty(&w->commands) || atomic_exchange(&w->in_commands, true))
		return 0;
	while (n < PKT_BURST && ring_get(&w->commands, &c, 1) == 1) {
		look(w);
		c->run(w, c);
		/* Never full: the API thread has no more commands under way than it holds. */
		(void)ring_put(&w->done, &c);
		n++;
	}
	if (n) {
		node_tx_flush(w);
		wake_handed(w);
	}
	atomic_store(&w->in_commands, false);
	if (n)
		worker_wake_api(w);
	return n;
}

static void step_ticks(struct worker *w)
{
	uint64_t now = clock_now();

	if (now < w->next_tick_ns)
		return;
	w->next_tick_ns = now + TICK_NS;
	look(w);
	if (w->net && worker_is_lead(w))
		neighbour_tick(w);
	gather_tick(w);
	await_tick(w);
	node_tx_flush(w);
}

uint32_t worker_step(struct worker *w)
{
	struct shared *sh = w->sh;
	struct pkt *v[PKT_BURST] UNINITIALIZED;
	/* Leases before packets: roles are seen at once, orders only here. */
	uint32_t total = worker_step_commands(w);

	for (uint32_t i = 0; i < sh->n_ports; i++) {
		struct port *port = sh->ports[i];

		for (uint16_t q = 0; q < port->n_rx && !is_revoked(w); q++) {
			uint16_t n = port_rx_own(port, q, w->id, v, PKT_BURST);

			if (n)
				worker_burst(w, v, n);
			total += n;
		}
	}
	return total + step_rings(w);
}

static bool rings_are_empty(const struct worker *w)
{
	for (uint32_t i = 0; i < w->sh->n_workers; i++)
		if (i != w->id && !ring_is_empty(&w->in[i]))
			return false;
	return ring_is_empty(&w->api_in) && ring_is_empty(&w->commands);
}

/* Ports without descriptors have to be polled: sleep longer and longer, up to 1 ms. */
static struct timespec sleep_time(const struct worker *w, bool all_fds)
{
	uint32_t shift = MIN((w->empty_polls - POLLS_BEFORE_SLEEP) / 4, 6u);
	uint32_t us = MIN((uint32_t)SLEEP_MIN_US << shift, (uint32_t)SLEEP_MAX_US);

	if (all_fds)
		return (struct timespec){.tv_nsec = SLEEP_FDS_MS * 1000000L};
	return (struct timespec){.tv_nsec = (long)us * 1000};
}

/* An interface that went down leaves an error on its socket, and poll would not sleep any more. */
static void clear_errors(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 1; i < n; i++) {
		int error;
		socklen_t len = sizeof error;

		if (fds[i].revents & POLLERR)
			(void)getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
}

static void worker_sleep(struct worker *w)
{
	struct pollfd fds[PORT_MAX * PORT_QUEUES + 1] UNINITIALIZED;
	struct timespec t;
	nfds_t n = 1;
	bool all = true;
	uint64_t drained;

	qsbr_offline(w->sh->qsbr, w->id);
	atomic_store(&w->sleeps, true);
	atomic_thread_fence(memory_order_seq_cst);
	fds[0] = (struct pollfd){w->wake, POLLIN, 0};
	for (uint32_t i = 0; i < w->sh->n_ports; i++) {
		const struct port *p = w->sh->ports[i];

		for (uint32_t q = 0; q < p->n_rx; q++) {
			if (atomic_load(&p->rx_worker[q]) != w->id)
				continue;
			if (p->has_fds)
				fds[n++] = (struct pollfd){p->fds[q], POLLIN, 0};
			else
				all = false;
		}
	}
	t = sleep_time(w, all);
	if (rings_are_empty(w) && !atomic_load(&w->stop) && ppoll(fds, n, &t, NULL) > 0)
		clear_errors(fds, n);
	atomic_store(&w->sleeps, false);
	(void)!read(w->wake, &drained, sizeof drained);
	qsbr_online(w->sh->qsbr, w->id);
}

static void account(struct worker *w, uint64_t *since, bool idle)
{
	uint64_t now = clock_now();

	count_add(idle ? &w->idle_ns : &w->busy_ns, now - *since);
	*since = now;
}

static void worker_loop(struct worker *w)
{
	uint64_t since = clock_now();

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed) && !is_revoked(w)) {
		uint32_t n = worker_step(w);

		step_ticks(w);
		qsbr_quiescent(w->sh->qsbr, w->id);
		count_add(&w->turns, 1);
		if (n) {
			w->empty_polls = 0;
			continue;
		}
		if (++w->empty_polls <= POLLS_BEFORE_SLEEP ||
			atomic_load_explicit(&w->sh->busy_poll, memory_order_relaxed))
			continue;
		account(w, &since, false);
		worker_sleep(w);
		account(w, &since, true);
	}
}

/* What others sent us goes on. Ports are not asked any more: a flood would keep us for ever. */
static void work_off_rest(struct worker *w)
{
	(void)worker_step_commands(w);
	worker_drain(w);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	if (pkt_thread_enter()) {
		qsbr_online(w->sh->qsbr, w->id);
		worker_loop(w);
		if (!is_revoked(w))
			work_off_rest(w);
		qsbr_offline(w->sh->qsbr, w->id);
		pkt_thread_leave();
	}
	atomic_store(&w->exited, true);
	worker_wake_api(w);
	return NULL;
}

int worker_start(struct worker *w)
{
	atomic_store(&w->stop, false);
	atomic_store(&w->exited, false);
	if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
		return -ERR_LIMIT;
	w->started = true;
	return 0;
}

void worker_ask_stop(struct worker *w)
{
	atomic_store(&w->stop, true);
	atomic_store(&w->sleeps, true);
	worker_wake(w);
}

/* Naps are counted, not time: while this process did not run, the thread did not either. */
bool worker_join(struct worker *w, uint32_t *naps)
{
	const struct timespec nap = {.tv_nsec = 1000000};

	if (!w->started)
		return true;
	while (!atomic_load(&w->exited)) {
		if (*naps == 0)
			return false;
		(*naps)--;
		(void)nanosleep(&nap, NULL);
	}
	(void)pthread_join(w->thread, NULL);
	w->started = false;
	return true;
}

void worker_test_hang(struct worker *w, enum hang_at at)
{
	/* Who hangs in an order takes the dataplane along; that is another story. */
	uint32_t ms = atomic_load(&w->in_commands) ? 0 : atomic_exchange(&w->hang_ms[at], 0);
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000L};

	if (ms)
		(void)nanosleep(&t, NULL);
}
