#include <stdlib.h>

#include "base/err.h"
#include "dp.h"

/* For all threads to end: what is in their rings is soon sent. */
enum { STOP_MS = 1000, CHANGE_MS = 3000 };

#define LINK_NS (UINT64_C(200) * 1000 * 1000)

uint16_t plumb_port(const struct dp *dp, const char *name)
{
	for (uint16_t i = 0; i < dp->sh.n_ports; i++)
		if (strcmp(dp->sh.ports[i]->name, name) == 0)
			return i;
	return PORT_NONE;
}

static bool port_is_same(const struct port *p, const Dp__Port *c)
{
	return strcmp(p->name, c->name) == 0 && strcmp(p->device, c->device) == 0 &&
	       p->asked_mtu == c->mtu && (c->mac.len != 6 || memcmp(p->mac, c->mac.data, 6) == 0);
}

/* Slots of workers, each with a queue of every port. */
static uint32_t slots_of(const Dp__Configure *c)
{
	return MAX(c->workers, MIN(c->workers_max, (uint32_t)WORKER_MAX));
}

/* The largest packet there may be. */
static uint32_t mtu_of(const Dp__Configure *c)
{
	uint32_t mtu = c->packet_mtu;

	for (size_t i = 0; i < c->n_ports; i++)
		mtu = MAX(mtu, c->ports[i]->mtu);
	for (size_t i = 0; i < c->n_interfaces; i++)
		mtu = MAX(mtu, c->interfaces[i]->mtu);
	return mtu;
}

static bool is_same(const struct dp *dp, const Dp__Configure *c)
{
	if (!buffers_suffice(dp, mtu_of(c)) || slots_of(c) != dp->crew.slots_asked ||
		c->workers > dp->sh.n_workers || c->n_ports != dp->sh.n_ports)
		return false;
	for (uint32_t i = 0; i < dp->sh.n_ports; i++)
		if (!port_is_same(dp->sh.ports[i], c->ports[i]))
			return false;
	return true;
}

/* False: one does not end; what all of them use has to stay. */
static bool threads_end(struct dp *dp, uint32_t ms)
{
	uint32_t naps = ms;

	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		worker_ask_stop(dp->sh.workers[i]);
	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		if (!worker_join(dp->sh.workers[i], &naps)) {
			log_err(&dp->log, "dp.worker.stays", "worker=%u after_ms=%u", i, ms);
			return false;
		}
	return true;
}

/* Orders beget orders, for any worker. */
static void orders_finish(struct dp *dp)
{
	bool more;

	do {
		more = false;
		dp_order_step(dp);
		for (uint32_t i = 0; i < dp->sh.n_workers; i++)
			if (crew_obeys(dp, i))
				more |= worker_step_commands(dp->sh.workers[i]) != 0 ||
					!list_is_empty(&dp->overflow[i]);
	} while (more);
}

/* Workers finish what is in their rings; commands that did not fit are run here, while nobody
 * else touches SAs. */
static bool workers_stop(struct dp *dp, uint32_t ms)
{
	if (!threads_end(dp, ms))
		return false;
	orders_finish(dp);
	for (uint32_t i = 0; i < dp->sh.n_workers; i++)
		dp->crew.state[i] = CREW_OFFLINE;
	dp->running = false;
	dp_defer_step(dp);
	return true;
}

static void workers_free(struct dp *dp)
{
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		for (uint32_t k = 0; k < STAT_COUNT; k++)
			count_add(&dp->stats[k], dp->sh.workers[i]->stats[k]);
		worker_free(dp->sh.workers[i]);
		dp->sh.workers[i] = NULL;
	}
	dp->sh.n_workers = 0;
}

static int workers_new(struct dp *dp, uint32_t n)
{
	workers_free(dp);
	for (uint32_t i = 0; i < n; i++) {
		dp->sh.workers[i] = worker_new(&dp->sh, i);
		if (!dp->sh.workers[i]) {
			workers_free(dp);
			return -ERR_NOMEM;
		}
		dp->sh.n_workers++;
	}
	return 0;
}

static void ports_close(struct dp *dp)
{
	while (dp->sh.n_ports) {
		port_close(dp->sh.ports[--dp->sh.n_ports]);
		dp->sh.ports[dp->sh.n_ports] = NULL;
	}
}

static int ports_open(struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		const Dp__Port *k = c->ports[i];
		struct port_args a = {
			.name = k->name,
			.device = k->device,
			.has_mac = k->mac.len == 6,
			.mtu = k->mtu,
			.queues = (uint16_t)slots_of(c),
			.least = (uint16_t)c->workers,
			.pool = dp->sh.pool,
			.ports = (uint32_t)c->n_ports,
		};
		struct port *p;
		int rc;

		if (a.has_mac)
			memcpy(a.mac, k->mac.data, 6);
		rc = port_open(&a, &dp->log, &p);
		if (rc < 0) {
			reply_fail(
				r, rc, "port %s, device %s: %s", k->name, k->device, err_text(rc));
			return rc;
		}
		p->index = (uint16_t)i;
		dp->link_up[i] = port_link(p);
		dp->sh.ports[i] = p;
		dp->sh.n_ports++;
	}
	return 0;
}

/* Workers give back what they hold of smaller buffers. */
static int room_for(struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	uint32_t mtu = mtu_of(c);
	int rc;

	if (buffers_suffice(dp, mtu))
		return 0;
	workers_free(dp);
	rc = buffers_grow(dp, mtu);
	if (rc < 0)
		reply_fail(r, rc, "no memory for packets of %u octets: see --memory and --packets",
			mtu);
	return rc;
}

/* A worker without a queue of its own could not send. */
static uint32_t slots_with_queues(const struct dp *dp, uint32_t n)
{
	for (uint32_t i = 0; i < dp->sh.n_ports; i++)
		n = MIN(n, (uint32_t)dp->sh.ports[i]->n_rx);
	return n;
}

int plumb_apply(struct dp *dp, const Dp__Configure *c, struct reply *r)
{
	uint32_t n;
	int rc;

	if (c->workers < 1 || c->workers > WORKER_MAX || c->n_ports > PORT_MAX) {
		reply_fail(r, -ERR_VALUE, "1 to %d workers, up to %d ports", WORKER_MAX, PORT_MAX);
		return -ERR_VALUE;
	}
	if (mtu_of(c) > PKT_DATA_JUMBO - PKT_AROUND) {
		reply_fail(r, -ERR_VALUE, "an MTU of %u; %d is the most", mtu_of(c),
			PKT_DATA_JUMBO - PKT_AROUND);
		return -ERR_VALUE;
	}
	if (dp->running && is_same(dp, c)) {
		crew_ask(dp, c->workers);
		return 0;
	}
	if (dp->crew.hung) {
		reply_fail(r, -ERR_WRONG_STATE, "ports cannot change while a worker hangs");
		return -ERR_WRONG_STATE;
	}
	if (!workers_stop(dp, CHANGE_MS))
		dp_give_up(dp, "a worker does not end for a new configuration");
	ports_close(dp);
	rc = room_for(dp, c, r);
	if (rc == 0)
		rc = ports_open(dp, c, r);
	n = slots_with_queues(dp, slots_of(c));
	if (rc == 0 && n != dp->sh.n_workers)
		rc = workers_new(dp, n);
	dp->crew.slots_asked = slots_of(c);
	dp->crew.asked = c->workers;
	if (rc < 0) { /* nothing to forward with: say so rather than limp */
		ports_close(dp);
		reply_fail(r, rc, "%s", err_text(rc));
	}
	return rc;
}

int plumb_start(struct dp *dp)
{
	if (dp->running)
		return 0;
	if (crew_begin(dp, dp->crew.asked) < 0) {
		if (!workers_stop(dp, CHANGE_MS))
			dp_give_up(dp, "a worker does not end that has just begun");
		return -ERR_LIMIT;
	}
	dp->running = true;
	return 0;
}

bool plumb_down(struct dp *dp)
{
	if (!workers_stop(dp, STOP_MS))
		return false;
	workers_free(dp);
	ports_close(dp);
	return true;
}

void plumb_links(struct dp *dp, uint64_t now_ns)
{
	if (now_ns < dp->next_link_ns)
		return;
	dp->next_link_ns = now_ns + LINK_NS;
	for (uint32_t i = 0; i < dp->sh.n_ports; i++) {
		Dp__Event e = DP__EVENT__INIT;
		Dp__PortState s;
		bool up = port_link(dp->sh.ports[i]);

		if (up == dp->link_up[i])
			continue;
		dp->link_up[i] = up;
		dp__port_state__init(&s);
		s.name = dp->sh.ports[i]->name;
		s.up = up;
		e.body_case = DP__EVENT__BODY_PORT_STATE;
		e.port_state = &s;
		log_notice(&dp->log, "dp.port.link", "port=%s up=%d", s.name, up);
		api_event(dp, &e);
	}
}
