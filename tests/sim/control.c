/* tandemd: feeds the ha core and executes its effects, as control/host does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "node.h"
#include "records.h"
#include "seal.h"

uint32_t node_pid(const struct world *w, uint32_t n)
{
	return w->node[n]->pid;
}

/* ---------------------------------------------------------------- queues */

/* A queue between two processes: some delay, no overtaking. */
static uint64_t fifo(struct world *w, uint64_t *last, uint64_t low, uint64_t high)
{
	uint64_t at = w->now + rnd_between(w, low, high);

	if (at < *last)
		at = *last;
	*last = at;
	return at - w->now;
}

void to_control(struct world *w, uint32_t n, job_fn *fn, void *data)
{
	world_at(w, fifo(w, &w->node[n]->to_control_ns, US(20), US(200)), WHO_CONTROL, n, fn, data);
}

static void from_bus(struct world *w, uint32_t n, job_fn *fn, void *data)
{
	world_at(w, fifo(w, &w->node[n]->from_bus_ns, US(20), US(150)), WHO_CONTROL, n, fn, data);
}

static void order_arrives(struct world *w, uint32_t n, void *data)
{
	dp_order(w, n, (const struct order *)data);
}

void to_dp(struct world *w, uint32_t n, const struct order *o)
{
	size_t size = sizeof *o + o->n_states * sizeof o->states[0];
	struct order *copy = malloc(size);

	if (!copy)
		abort();
	memcpy(copy, o, size);
	/* a busy dataplane reads later than an answer could reach its peer and come back as ESP */
	world_at(w, fifo(w, &w->node[n]->to_dp_ns, US(20), US(chance(w, 5) ? 9000 : 200)),
		WHO_DATAPLANE, n, order_arrives, copy);
}

/* ---------------------------------------------------------------- effects */

struct persist_job {
	uint64_t serial;
	size_t n;
	uint8_t p[];
};

static void persisted(struct world *w, uint32_t n, void *data)
{
	struct persist_job *j = data;
	struct ha_event ev = {.type = HA_EV_PERSISTED, .persisted = j->serial};

	blob_fini(&w->node[n]->disk);
	if (blob_copy(view_of(j->p, j->n), &w->node[n]->disk) < 0)
		abort();
	control_event(w, n, &ev);
}

static void do_persist(struct world *w, uint32_t n, const struct ha_effect *e)
{
	struct persist_job *j = malloc(sizeof *j + e->persist.octets.n);

	if (!j)
		abort();
	j->serial = e->persist.serial;
	j->n = e->persist.octets.n;
	memcpy(j->p, e->persist.octets.p, j->n);
	world_at(w, fifo(w, &w->node[n]->to_disk_ns, US(200), US(chance(w, 5) ? 30000 : 3000)),
		WHO_CONTROL, n, persisted, j);
}

static void do_role(struct world *w, uint32_t n, const struct ha_do_role *r)
{
	world_say(w, "n%u rg%u %s epoch %llu.%llu.%u owner %u%s%s%s (%s)", n, r->rg,
		r->role == HA_ACTIVE ? "ACTIVE" : "standby", (unsigned long long)r->epoch.number,
		(unsigned long long)r->epoch.ring_seq, r->epoch.owner, r->owner,
		r->continued ? " continued" : "", r->adopt ? " adopt" : "",
		r->handover ? " handover" : "", r->reason);
	check_role(w, n, r);
	/* packets first: the dataplane is what peers notice */
	engine_keep_role(w, n, r);
	telling_role(w, n, r);
	engine_role(w, n, r);
}

static struct order *handover_order(const struct ha_effect *e)
{
	size_t n = e->handover.states.n;
	struct order *o = malloc(sizeof *o + n);

	if (!o)
		abort();
	*o = (struct order){.rg = e->handover.rg,
		.first = e->handover.first_bucket,
		.last = e->handover.last_bucket,
		.role.epoch = e->handover.epoch,
		.n_states = n / sizeof o->states[0]};
	if (n)
		memcpy(o->states, e->handover.states.p, n);
	return o;
}

static void do_handover(struct world *w, uint32_t n, const struct ha_effect *e)
{
	struct order *o = handover_order(e);

	switch ((int)e->type) {
	case HA_DO_HANDOVER_FREEZE:
		o->type = ORDER_FREEZE;
		telling_handover(w, n, o->rg, true);
		break;
	case HA_DO_HANDOVER_ACTIVATE:
		o->type = ORDER_ACTIVATE;
		break;
	case HA_DO_HANDOVER_FORWARD:
		o->type = ORDER_FORWARD;
		break;
	default:
		o->type = ORDER_ABORT;
		break;
	}
	to_dp(w, n, o);
	if (o->type == ORDER_FORWARD || o->type == ORDER_ABORT)
		telling_handover(w, n, o->rg, false);
	free(o);
}

static void control_end(struct world *w, uint32_t n, bool crashed)
{
	struct node *nd = w->node[n];

	world_say(w, "n%u tandemd %s", n, crashed ? "dies" : "has left");
	w->proc[n][WHO_CONTROL].up = false;
	engine_stop(w, n);
	ha_free(nd->ha);
	nd->ha = NULL;
	ha_effects_fini(&nd->fx);
	bus_leave(w, n, crashed);
	dp_control_gone(w, n);
}

static void do_log(struct world *w, uint32_t n, const struct ha_effect *e)
{
	world_say(w, "n%u %s %s", n, e->log.event, e->log.text);
}

static void leaves(struct world *w, uint32_t n, void *data)
{
	(void)data;
	control_end(w, n, false);
	fault_left(w, n);
}

static void execute(struct world *w, uint32_t n, const struct ha_effect *e)
{
	struct order o = {0};

	switch (e->type) {
	case HA_DO_MCAST:
		bus_send(w, n, e->mcast.p, e->mcast.n);
		break;
	case HA_DO_PERSIST:
		do_persist(w, n, e);
		break;
	case HA_DO_COMMITTED:
		engine_committed(w, n, e);
		break;
	case HA_DO_REJECTED:
		engine_rejected(w, n, e);
		break;
	case HA_DO_RESET:
		break; /* what is stale in the dataplane goes at SYNCED */
	case HA_DO_APPLY:
		records_apply(w, n, &e->apply);
		break;
	case HA_DO_ROLE:
		do_role(w, n, &e->role);
		break;
	case HA_DO_DEADLINE:
		o = (struct order){.type = ORDER_DEADLINE,
			.rg = e->deadline.rg,
			.role = {.epoch = e->deadline.epoch,
				.deadline_ns = e->deadline.deadline_ns}};
		to_dp(w, n, &o);
		break;
	case HA_DO_FABRIC_RENEW:
	case HA_DO_FABRIC_FENCE:
		o = (struct order){
			.type = e->type == HA_DO_FABRIC_FENCE ? ORDER_FENCE : ORDER_RENEW,
			.rg = e->fabric.rg,
			.node = e->fabric.node,
			.role = {.epoch = e->fabric.epoch,
				.deadline_ns = MSEC(e->fabric.duration_ms)}};
		to_dp(w, n, &o);
		break;
	case HA_DO_HANDOVER_FREEZE:
	case HA_DO_HANDOVER_ACTIVATE:
	case HA_DO_HANDOVER_FORWARD:
	case HA_DO_HANDOVER_ABORT:
		do_handover(w, n, e);
		break;
	case HA_DO_LOG:
		do_log(w, n, e);
		break;
	case HA_DO_SYNCED:
		o = (struct order){.type = ORDER_QUERY, .rg = e->rg};
		to_dp(w, n, &o);
		break;
	case HA_DO_LEAVE:
		check_leaves(w, n);
		world_at(w, US(50), WHO_CONTROL, n, leaves, NULL);
		break;
	case HA_DO_ANNOUNCE:
	case HA_DO_OPERATOR_DONE:
	default:
		break;
	}
}

static void tick(struct world *w, uint32_t n, void *data)
{
	struct ha_event ev = {.type = HA_EV_TICK};

	(void)data;
	w->node[n]->tick_at = UINT64_MAX;
	control_event(w, n, &ev);
}

static void rearm(struct world *w, uint32_t n)
{
	struct node *nd = w->node[n];
	uint64_t due = ha_deadline(nd->ha), clock = node_clock(w, n);
	uint64_t at = w->now + (due > clock ? due - clock : 0);

	/* an earlier one that is armed already does as well */
	if (nd->tick_at <= at && nd->tick_at > w->now)
		return;
	nd->tick_at = at;
	world_at(w, at - w->now, WHO_CONTROL, n, tick, NULL);
}

void control_event(struct world *w, uint32_t n, struct ha_event *ev)
{
	struct node *nd = w->node[n];

	if (!nd->ha)
		return;
	ev->now_ns = node_clock(w, n);
	if (ha_step(nd->ha, ev, &nd->fx) < 0)
		world_violate(w, "n%u ha_step failed on event %d", n, ev->type);
	for (size_t i = 0; i < nd->fx.n && !w->violation[0]; i++)
		execute(w, n, &nd->fx.v[i]);
	ha_effects_clear(&nd->fx);
	check_step(w, n);
	rearm(w, n);
	engine_drain(w, n);
}

/* ---------------------------------------------------------------- from the bus */

static void view_arrives(struct world *w, uint32_t n, void *data)
{
	const struct bus_view *v = data;
	struct ha_member members[NODES], joined[NODES];
	struct ha_left left[NODES];
	struct ha_event ev = {.type = HA_EV_VIEW,
		.view = {.ring_seq = v->ring_seq,
			.ring_node = v->ring_node,
			.ring_nodes = v->ring_nodes,
			.members = members,
			.joined = joined,
			.left = left}};

	for (uint32_t k = 0; k < w->nodes; k++) {
		struct ha_member m = {k, v->pid[k]};

		if (v->members & 1u << k)
			members[ev.view.n_members++] = m;
		if (v->joined & 1u << k)
			joined[ev.view.n_joined++] = m;
		if (v->left & 1u << k)
			left[ev.view.n_left++] = (struct ha_left){k, v->pid[k],
				v->nodedown & 1u << k ? HA_LEFT_NODEDOWN : HA_LEFT_PROCDOWN};
	}
	world_say(w, "n%u view ring %llu members %x joined %x left %x", n,
		(unsigned long long)v->ring_seq, v->members, v->joined, v->left);
	control_event(w, n, &ev);
}

void control_view(struct world *w, uint32_t n, const struct bus_view *v)
{
	struct bus_view *copy = malloc(sizeof *copy);

	if (!copy)
		abort();
	*copy = *v;
	from_bus(w, n, view_arrives, copy);
}

static void quorum_arrives(struct world *w, uint32_t n, void *data)
{
	struct ha_event ev = {.type = HA_EV_QUORUM, .quorum = *(struct ha_ev_quorum *)data};

	control_event(w, n, &ev);
}

/* By a socket of its own: before or after the view. */
void control_quorum(
	struct world *w, uint32_t n, uint64_t ring_seq, uint32_t ring_node, bool quorate)
{
	struct ha_ev_quorum *q = malloc(sizeof *q);

	if (!q)
		abort();
	*q = (struct ha_ev_quorum){ring_seq, ring_node, quorate};
	world_at(w, rnd_between(w, US(20), US(900)), WHO_CONTROL, n, quorum_arrives, q);
}

struct message_job {
	uint32_t sender, pid;
	size_t n;
	uint8_t p[];
};

static void message_arrives(struct world *w, uint32_t n, void *data)
{
	struct message_job *j = data;
	struct ha_event ev = {.type = HA_EV_DELIVER,
		.deliver = {.node = j->sender, .pid = j->pid, .octets = view_of(j->p, j->n)}};

	control_event(w, n, &ev);
}

void control_message(
	struct world *w, uint32_t n, uint32_t sender, uint32_t pid, const uint8_t *p, size_t len)
{
	struct message_job *j = malloc(sizeof *j + len);

	if (!j)
		abort();
	j->sender = sender;
	j->pid = pid;
	j->n = len;
	memcpy(j->p, p, len);
	from_bus(w, n, message_arrives, j);
}

static void bus_down_arrives(struct world *w, uint32_t n, void *data)
{
	struct ha_event ev = {.type = HA_EV_BUS_DOWN};

	(void)data;
	world_say(w, "n%u bus down", n);
	control_event(w, n, &ev);
}

void control_bus_down(struct world *w, uint32_t n)
{
	w->node[n]->bus_up = false;
	from_bus(w, n, bus_down_arrives, NULL);
}

static void try_join(struct world *w, uint32_t n, void *data)
{
	(void)data;
	if (!w->proc[n][WHO_COROSYNC].up || w->node[n]->bus_up)
		return;
	w->node[n]->bus_up = true;
	bus_join(w, n);
}

void control_bus_up(struct world *w, uint32_t n)
{
	from_bus(w, n, try_join, NULL);
}

/* ---------------------------------------------------------------- life */

static void random_octets(void *ctx, void *out, size_t n)
{
	world_random(ctx, out, n);
}

static struct ha_config config_of(struct world *w, uint32_t n)
{
	struct ha_config c = {.node = n,
		.cluster_id = 1,
		.nodes = (1u << w->nodes) - 1,
		.two_node = w->two_node,
		.n_rg = w->rgs,
		.token_ms = TOKEN_MS,
		.consensus_ms = CONSENSUS_MS,
		.control_hold_ms = 2000,
		.chunk_records = w->seed % 5 == 0 ? 2 : 0, /* the others: a snapshot at once */
		.env = {random_octets, w},
		.policy = w->mutant ? w->mutant->ha : NULL};

	for (uint32_t r = 0; r < w->rgs; r++) {
		c.rg[r].id = r;
		c.rg[r].preempt = r == 1;
		c.rg[r].preempt_delay_ms = 500;
		c.rg[r].hold_down_ms = 500;
		c.rg[r].announce_count = 1;
		for (uint32_t k = 0; k < w->nodes; k++)
			c.rg[r].priority[k] = (uint8_t)((k + r) % 2 ? 100 : 200);
	}
	toy_seal(&c.seal, &w->check->nonce_twice);
	return c;
}

void control_start(struct world *w, uint32_t n)
{
	struct node *nd = w->node[n];
	struct proc *p = &w->proc[n][WHO_CONTROL];
	struct ha_config c = config_of(w, n);
	struct ha_event ev = {.type = HA_EV_TICK};

	if (p->up)
		return;
	p->up = true;
	p->life++;
	p->stopped_ns = w->proc[n][WHO_COROSYNC].stopped_ns;
	if (nd->pid == 0 || chance(w, 70)) /* in a container every start may be process 1 */
		nd->pid = (uint32_t)rnd_between(w, 2, 30000);
	nd->tick_at = UINT64_MAX;
	nd->bus_up = false;
	nd->leave_ns = 0;
	ha_effects_init(&nd->fx);
	if (ha_new(&c, blob_view(&nd->disk), node_clock(w, n), &nd->ha) < 0)
		abort();
	world_say(w, "n%u tandemd starts, pid %u incarnation %llx", n, nd->pid,
		(unsigned long long)ha_incarnation(nd->ha));
	engine_start(w, n);
	memset(nd->telling, 0, sizeof nd->telling);
	control_event(w, n, &ev);
	control_bus_up(w, n);
	if (w->proc[n][WHO_DATAPLANE].up) {
		telling_adopts(w, n);
		records_refill(w, n);
	}
}

void control_crash(struct world *w, uint32_t n)
{
	if (w->proc[n][WHO_CONTROL].up)
		control_end(w, n, true);
}

/* As the signal that ends tandemd: a second one does not wait. */
void control_shutdown(struct world *w, uint32_t n)
{
	struct ha_event ev = {.type = HA_EV_SHUTDOWN};

	if (!proc_runs(w, n, WHO_CONTROL))
		return;
	world_say(w, "n%u is to leave", n);
	if (w->node[n]->leave_ns) {
		leaves(w, n, NULL);
		return;
	}
	w->node[n]->leave_ns = w->now;
	control_event(w, n, &ev);
}

void control_failover(struct world *w, uint32_t n, uint32_t rg, uint32_t target)
{
	struct ha_event ev = {
		.type = HA_EV_FAILOVER, .failover = {.rg = rg, .node = target, .request = 1}};

	if (!proc_runs(w, n, WHO_CONTROL))
		return;
	world_say(w, "n%u operator: rg%u to n%u", n, rg, target);
	control_event(w, n, &ev);
	ev.type = HA_EV_FAILOVER_RESET;
	control_event(w, n, &ev);
}

struct monitor_job {
	uint32_t rg;
	bool failed;
};

static void monitor_event(struct world *w, uint32_t n, void *data)
{
	const struct monitor_job *j = data;
	struct ha_event ev = {.type = HA_EV_MONITOR,
		.monitor = {.rg = j->rg, .codes = j->failed ? HA_MON_IF : 0, .failed = j->failed}};

	control_event(w, n, &ev);
}

void control_monitor(struct world *w, uint32_t n, uint32_t rg, bool failed)
{
	struct monitor_job *j = malloc(sizeof *j);

	if (!j)
		abort();
	*j = (struct monitor_job){rg, failed};
	to_control(w, n, monitor_event, j);
}

struct node *node_new(struct world *w, uint32_t n)
{
	struct node *nd = calloc(1, sizeof *nd);

	if (!nd)
		abort();
	nd->n = n;
	nd->world = w;
	return nd;
}

void node_free(struct node *nd)
{
	engine_stop(nd->world, nd->n);
	ha_free(nd->ha);
	ha_effects_fini(&nd->fx);
	blob_fini(&nd->disk);
	free(nd);
}
