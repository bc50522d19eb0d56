/* What goes wrong: crashes, pauses, cuts (each path, each way), restarts, operators. */
#include <stdlib.h>
#include <string.h>

#include "node.h"

/* ---------------------------------------------------------------- machines */

static void corosync_start(struct world *w, uint32_t n)
{
	struct proc *p = &w->proc[n][WHO_COROSYNC];

	if (p->up)
		return;
	p->up = true;
	p->life++;
	bus_start(w, n);
	if (w->proc[n][WHO_CONTROL].up)
		control_bus_up(w, n);
}

static void corosync_crash(struct world *w, uint32_t n)
{
	if (!w->proc[n][WHO_COROSYNC].up)
		return;
	world_say(w, "n%u corosync dies", n);
	w->proc[n][WHO_COROSYNC].up = false;
	bus_stop(w, n);
	if (w->proc[n][WHO_CONTROL].up)
		control_bus_down(w, n);
}

static void start_corosync(struct world *w, uint32_t n, void *data)
{
	(void)data;
	corosync_start(w, n);
}

static void start_control(struct world *w, uint32_t n, void *data)
{
	(void)data;
	control_start(w, n);
}

static void start_dataplane(struct world *w, uint32_t n, void *data)
{
	(void)data;
	dataplane_start(w, n);
}

static void machine_start(struct world *w, uint32_t n, void *data)
{
	(void)data;
	world_at(w, MSEC(rnd_between(w, 0, 300)), WHO_WORLD, n, start_corosync, NULL);
	world_at(w, MSEC(rnd_between(w, 0, 300)), WHO_WORLD, n, start_control, NULL);
	world_at(w, MSEC(rnd_between(w, 0, 300)), WHO_WORLD, n, start_dataplane, NULL);
}

static void machine_crash(struct world *w, uint32_t n)
{
	world_say(w, "n%u dies", n);
	corosync_crash(w, n);
	control_crash(w, n);
	dataplane_crash(w, n);
	for (int k = 0; k < 4; k++)
		w->proc[n][k].stopped_ns = 0;
}

/* ---------------------------------------------------------------- pauses */

static void wake(struct world *w, uint32_t n, void *data)
{
	(void)data;
	world_say(w, "n%u wakes", n);
	bus_woke(w, n);
}

static void machine_pause(struct world *w, uint32_t n, uint64_t ns)
{
	world_say(w, "n%u stops for %llu ms", n, (unsigned long long)(ns / 1000000));
	for (int k = WHO_COROSYNC; k <= WHO_DATAPLANE; k++)
		if (w->proc[n][k].stopped_ns < w->now + ns)
			w->proc[n][k].stopped_ns = w->now + ns;
	bus_paths_changed(w);
	world_at(w, ns, WHO_WORLD, n, wake, NULL);
}

static void watchdog(struct world *w, uint32_t n, void *data)
{
	(void)data;
	if (w->proc[n][WHO_CONTROL].up && !proc_runs(w, n, WHO_CONTROL)) {
		world_say(w, "n%u watchdog", n);
		control_crash(w, n);
		world_at(w, MSEC(200), WHO_WORLD, n, start_control, NULL);
	}
}

/* tandemd ends by itself when its loop stalls for 2 s. */
static void control_pause(struct world *w, uint32_t n, uint64_t ns)
{
	world_say(w, "n%u tandemd stops for %llu ms", n, (unsigned long long)(ns / 1000000));
	if (w->proc[n][WHO_CONTROL].stopped_ns > w->now)
		return;
	w->proc[n][WHO_CONTROL].stopped_ns = w->now + ns;
	if (ns > MSEC(2000))
		world_at(w, MSEC(2000), WHO_WORLD, n, watchdog, NULL);
}

/* ---------------------------------------------------------------- cuts */

struct cut {
	uint32_t paths, a, b;
	bool both;
};

static void set_cut(struct world *w, const struct cut *c, bool on)
{
	for (uint32_t p = 0; p < PATHS; p++) {
		if (!(c->paths & 1u << p))
			continue;
		w->cut[p][c->a][c->b] = on;
		if (c->both)
			w->cut[p][c->b][c->a] = on;
	}
	if (c->paths & 1u << PATH_CLUSTER)
		bus_paths_changed(w);
}

static void heal(struct world *w, uint32_t node, void *data)
{
	const struct cut *c = data;

	(void)node;
	world_say(w, "heal %x n%u-n%u", c->paths, c->a, c->b);
	set_cut(w, c, false);
}

static void cut(struct world *w, uint64_t ns)
{
	struct cut *c = malloc(sizeof *c);

	if (!c)
		abort();
	c->a = (uint32_t)rnd_below(w, w->nodes);
	c->b = (c->a + 1 + (uint32_t)rnd_below(w, w->nodes - 1)) % w->nodes;
	c->both = chance(w, 70);
	c->paths = chance(w, 12) ? 7 : chance(w, 50) ? 1 : (uint32_t)rnd_between(w, 1, 6);
	world_say(w, "cut %x n%u%sn%u for %llu ms", c->paths, c->a, c->both ? "<->" : "->", c->b,
		(unsigned long long)(ns / 1000000));
	set_cut(w, c, true);
	world_at(w, ns, WHO_WORLD, 0, heal, c);
}

/* ---------------------------------------------------------------- one after the other */

static uint32_t machines_up(const struct world *w)
{
	uint32_t up = 0;

	for (uint32_t n = 0; n < w->nodes; n++)
		up += w->proc[n][WHO_CONTROL].up && w->proc[n][WHO_COROSYNC].up;
	return up;
}

void fault_tandemd(struct world *w, uint32_t n)
{
	control_crash(w, n);
	world_at(w, MSEC(rnd_between(w, 1, 900)), WHO_WORLD, n, start_control, NULL);
}

static void one_fault(struct world *w, uint32_t n)
{
	uint64_t kind = rnd_below(w, 100);
	bool last = machines_up(w) <= 1 && !chance(w, 10);

	if (kind < 14 && !last) {
		machine_crash(w, n);
		world_at(w, MSEC(rnd_between(w, 300, 3000)), WHO_WORLD, n, machine_start, NULL);
	} else if (kind < 26) {
		machine_pause(w, n,
			MSEC(chance(w, 60) ? rnd_between(w, 50, 600) : rnd_between(w, 600, 4500)));
	} else if (kind < 36) {
		control_pause(w, n, MSEC(rnd_between(w, 50, 2600)));
	} else if (kind < 50 && !last) {
		fault_tandemd(w, n);
	} else if (kind < 58) {
		dataplane_crash(w, n);
		world_at(w, MSEC(rnd_between(w, 50, 500)), WHO_WORLD, n, start_dataplane, NULL);
	} else if (kind < 63 && !last) {
		corosync_crash(w, n);
		world_at(w, MSEC(rnd_between(w, 200, 1500)), WHO_WORLD, n, start_corosync, NULL);
	} else if (kind < 86) {
		cut(w, MSEC(rnd_between(w, 50, 3000)));
	} else if (kind < 96) {
		control_failover(
			w, n, (uint32_t)rnd_below(w, w->rgs), (uint32_t)rnd_below(w, w->nodes));
	} else {
		control_monitor(w, n, (uint32_t)rnd_below(w, w->rgs), chance(w, 50));
	}
}

/* An upgrade: of tandemd alone, or of all of Tandem on that machine. */
void fault_left(struct world *w, uint32_t n)
{
	uint64_t ms = rnd_between(w, 20, 1500);

	if (chance(w, 50)) {
		dataplane_crash(w, n);
		world_at(w, MSEC(rnd_between(w, 1, ms)), WHO_WORLD, n, start_dataplane, NULL);
	}
	world_at(w, MSEC(ms), WHO_WORLD, n, start_control, NULL);
}

static void next_leave(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	if (w->calm)
		return;
	control_shutdown(w, (uint32_t)rnd_below(w, w->nodes));
	world_at(w, MSEC(chance(w, 20) ? rnd_between(w, 1, 60) : rnd_between(w, 300, 3500)),
		WHO_WORLD, 0, next_leave, NULL);
}

static void next_fault(struct world *w, uint32_t node, void *data)
{
	(void)node;
	(void)data;
	if (w->calm)
		return;
	one_fault(w, (uint32_t)rnd_below(w, w->nodes));
	world_at(w, MSEC(chance(w, 30) ? rnd_between(w, 5, 120) : rnd_between(w, 100, 2500)),
		WHO_WORLD, 0, next_fault, NULL);
}

void fault_begin(struct world *w)
{
	for (uint32_t n = 0; n < w->nodes; n++)
		machine_start(w, n, NULL);
	world_at(w, MSEC(rnd_between(w, 1500, 3500)), WHO_WORLD, 0, next_fault, NULL);
	if (w->leaves)
		world_at(w, MSEC(rnd_between(w, 1500, 4000)), WHO_WORLD, 0, next_leave, NULL);
}

void fault_heal_all(struct world *w)
{
	world_say(w, "-- calm");
	memset(w->cut, 0, sizeof w->cut);
	bus_paths_changed(w);
	for (uint32_t n = 0; n < w->nodes; n++) {
		machine_start(w, n, NULL);
		for (uint32_t rg = 0; rg < w->rgs; rg++)
			control_monitor(w, n, rg, false);
	}
}
