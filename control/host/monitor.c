/*
 * What is monitored (HA-006). interface-monitor: the weights of ports that are down, summed for
 * each redundancy group; 255 or more means that this node is not fit to own it. Workers (ISHU-005):
 * less of them than `workers minimum` weigh 255 for every group; one that hangs is told and weighs
 * nothing, as the others have its SAs.
 */
#include <stdlib.h>

#include "host/daemon.h"

enum { FAIL_WEIGHT = 255 };

struct port_state {
	struct port_state *next;
	bool up;
	char name[];
};

static struct port_state *port_find(struct daemon *d, const char *name)
{
	struct port_state *p = d->ports;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	return p;
}

static uint32_t ports_lost(struct daemon *d, const struct model_rg *rg)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < rg->n_if_monitors; i++) {
		const struct port_state *p = port_find(d, rg->if_monitors[i].interface->name);

		/* A port that is not of this node has no state and costs nothing. */
		if (p && !p->up)
			lost += rg->if_monitors[i].weight;
	}
	return lost;
}

static void report(struct daemon *d, const struct model_rg *rg)
{
	struct ha_event ev = {.type = HA_EV_MONITOR};
	uint32_t lost = ports_lost(d, rg);
	bool few = d->crew.known && d->crew.online < d->model->cluster.workers_minimum;

	ev.monitor.rg = rg->id;
	ev.monitor.codes = lost != 0 ? HA_MON_IF : 0;
	if (few || (d->crew.known && d->crew.hung))
		ev.monitor.codes |= HA_MON_SP;
	ev.monitor.failed = lost + (few ? FAIL_WEIGHT : 0) >= FAIL_WEIGHT;
	ha_bridge_feed(&d->ha, &ev);
}

static void report_all(struct daemon *d)
{
	for (uint32_t i = 0; d->clustered && i < d->model->cluster.n_rgs; i++)
		if (ha_bridge_owns(&d->ha, d->model->cluster.rgs[i].id))
			report(d, &d->model->cluster.rgs[i]);
}

void daemon_worker_state(struct daemon *d, uint32_t online, bool hung)
{
	const struct crew_seen now = {.known = true, .online = online, .hung = hung};
	uint32_t least = d->clustered ? d->model->cluster.workers_minimum : 0;

	if (online < least)
		log_warn(&d->log, "workers.few", "online=%u minimum=%u hung=%d", online, least,
			hung);
	d->crew = now;
	report_all(d);
}

void daemon_port_state(struct daemon *d, const char *name, bool up)
{
	struct port_state *p = port_find(d, name);

	if (!p) {
		p = calloc(1, sizeof *p + strlen(name) + 1);
		if (!p)
			return;
		memcpy(p->name, name, strlen(name) + 1);
		p->next = d->ports;
		d->ports = p;
	}
	p->up = up;
	log_notice(&d->log, "port.state", "port=%s up=%d", name, up);
	report_all(d);
}

void daemon_ports_free(struct daemon *d)
{
	while (d->ports) {
		struct port_state *next = d->ports->next;

		free(d->ports);
		d->ports = next;
	}
}
