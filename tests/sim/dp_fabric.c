/* What a dataplane hears of others: over the fabric, and by layer 2. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "dp_in.h"

struct beat { /* over the fabric */
	uint32_t from;

	enum { BEAT_ALIVE, BEAT_RENEW, BEAT_FENCE, BEAT_FENCED } type;

	bool control;
	uint32_t rg;
	uint64_t epoch, duration;
	uint64_t stamp; /* ALIVE: the sender's clock; RENEW: that, echoed */
	struct rg_state rgs[RGS];
};

static void beat_arrives(struct world *w, uint32_t n, void *data);

static void beat_send(struct world *w, uint32_t from, uint32_t to, const struct beat *b)
{
	struct beat *copy;

	if (!path_open(w, PATH_FABRIC, from, to) || !w->proc[to][WHO_DATAPLANE].up)
		return;
	copy = malloc(sizeof *copy);
	if (!copy)
		abort();
	*copy = *b;
	copy->from = from;
	world_at(w, US(rnd_between(w, 20, 300)), WHO_DATAPLANE, to, beat_arrives, copy);
}

/* ---------------------------------------------------------------- fabric */

static void fabric_event(struct world *w, uint32_t n, void *data)
{
	uint32_t from = *(uint32_t *)data;
	const struct fab *f = &dp_of(w, n)->fab[from];
	struct ha_fabric_rg rgs[RGS];
	struct ha_event ev = {.type = HA_EV_FABRIC,
		.fabric = {.node = from,
			.up = f->up,
			.last_heard_ns = f->heard_ns,
			.control_alive = f->control,
			.rgs = rgs,
			.n_rgs = w->rgs}};

	for (uint32_t r = 0; r < w->rgs; r++)
		rgs[r] = (struct ha_fabric_rg){r, f->rg[r].role == RG_ROLE_ACTIVE, f->rg[r].epoch};
	control_event(w, n, &ev);
}

static void fabric_tell(struct world *w, uint32_t n, uint32_t from)
{
	uint32_t *copy;

	if (!dp_of(w, n)->connected)
		return;
	copy = malloc(sizeof *copy);
	if (!copy)
		abort();
	*copy = from;
	to_control(w, n, fabric_event, copy);
}

struct fenced_job {
	uint32_t node, rg;
	uint64_t epoch;
};

static void fenced_event(struct world *w, uint32_t n, void *data)
{
	const struct fenced_job *j = data;
	struct ha_event ev = {
		.type = HA_EV_FENCED, .fenced = {.node = j->node, .rg = j->rg, .epoch = j->epoch}};

	control_event(w, n, &ev);
}

static void alive_in(struct world *w, uint32_t n, const struct beat *b)
{
	struct fab *f = &dp_of(w, n)->fab[b->from];
	bool changed = !f->up || f->control != b->control;

	for (uint32_t r = 0; r < w->rgs; r++)
		changed |= f->rg[r].role != b->rgs[r].role || f->rg[r].epoch != b->rgs[r].epoch;
	memcpy(f->rg, b->rgs, sizeof f->rg);
	f->heard = f->up = true;
	f->stamp = b->stamp;
	f->control = b->control;
	f->heard_ns = node_clock(w, n);
	if (changed)
		fabric_tell(w, n, b->from);
}

static void fence(struct world *w, uint32_t n, const struct beat *b)
{
	struct dp *dp = dp_of(w, n);
	struct beat back = {.type = BEAT_FENCED, .rg = b->rg, .epoch = b->epoch};
	bool acted = dp_acts(w, n, b->rg);

	if (!rg_fence(&dp->rg[b->rg], b->epoch))
		return;
	beat_send(w, n, b->from, &back);
	if (acted && dp->connected)
		dp_refuse(w, n, b->rg, dp->rg[b->rg].epoch);
}

static void beat_arrives(struct world *w, uint32_t n, void *data)
{
	const struct beat *b = data;
	struct dp *dp = dp_of(w, n);
	struct fenced_job *j;

	switch (b->type) {
	case BEAT_ALIVE:
		alive_in(w, n, b);
		break;
	case BEAT_RENEW:
		(void)!rg_extend(&dp->rg[b->rg], b->epoch, b->stamp + b->duration);
		break;
	case BEAT_FENCE:
		fence(w, n, b);
		break;
	case BEAT_FENCED:
		j = malloc(sizeof *j);
		if (!j)
			abort();
		*j = (struct fenced_job){b->from, b->rg, b->epoch};
		to_control(w, n, fenced_event, j);
		break;
	}
}

void dp_beats(struct world *w, uint32_t n)
{
	struct dp *dp = dp_of(w, n);
	struct beat b = {.type = BEAT_ALIVE,
		.control = w->proc[n][WHO_CONTROL].up,
		.stamp = node_clock(w, n)};

	memcpy(b.rgs, dp->rg, sizeof b.rgs);
	for (uint32_t r = 0; r < w->rgs; r++)
		if (dp_late(w, n, r))
			b.rgs[r].role = RG_ROLE_STANDBY;
	for (uint32_t m = 0; m < w->nodes; m++)
		if (m != n)
			beat_send(w, n, m, &b);
	for (uint32_t m = 0; m < w->nodes; m++) {
		struct fab *f = &dp->fab[m];

		if (m == n || !f->heard)
			continue;
		if (f->up && node_clock(w, n) - f->heard_ns >= MSEC(SILENT_MS)) {
			f->up = false;
			fabric_tell(w, n, m);
		} else if (dp->beats % SAY_BEATS == 0) {
			fabric_tell(w, n, m);
		}
	}
}

void dp_beat_order(struct world *w, uint32_t n, const struct order *o)
{
	struct beat b = {.type = o->type == ORDER_RENEW ? BEAT_RENEW : BEAT_FENCE,
		.rg = o->rg,
		.epoch = o->role.epoch,
		.duration = o->role.deadline_ns};

	if (o->type == ORDER_RENEW)
		b.stamp = dp_of(w, n)->fab[o->node].stamp;
	beat_send(w, n, o->node, &b);
}

/* ---------------------------------------------------------------- layer 2 */

static void probe_event(struct world *w, uint32_t n, void *data)
{
	uint32_t rg = *(uint32_t *)data;
	const struct dp *dp = dp_of(w, n);
	struct ha_event ev = {.type = HA_EV_PROBE,
		.probe = {.rg = rg,
			.alive = dp->probe_alive[rg],
			.last_answer_ns = dp->probe_ns[rg]}};

	control_event(w, n, &ev);
}

void dp_probe(struct world *w, uint32_t n, uint32_t rg)
{
	struct dp *dp = dp_of(w, n);
	uint64_t clock = node_clock(w, n);
	bool was = dp->probe_alive[rg];
	uint32_t *copy;

	for (uint32_t m = 0; m < w->nodes; m++)
		if (m != n && proc_runs(w, m, WHO_DATAPLANE) && dp_acts(w, m, rg) &&
			path_open(w, PATH_LAYER2, n, m) && path_open(w, PATH_LAYER2, m, n))
			dp->probe_ns[rg] = clock;
	dp->probe_alive[rg] = dp->probe_ns[rg] && clock - dp->probe_ns[rg] < MSEC(SILENT_MS);
	if (!dp->connected || (was == dp->probe_alive[rg] && dp->beats % SAY_BEATS))
		return;
	copy = malloc(sizeof *copy);
	if (!copy)
		abort();
	*copy = rg;
	to_control(w, n, probe_event, copy);
}
