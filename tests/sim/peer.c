#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "check.h"
#include "inside.h"
#include "models.h"
#include "net.h"
#include "theme.h"

#define WALL_MS	 UINT64_C(1795000000000)
#define CLOCK_MS UINT64_C(5000)

enum { IMPATIENT_MS = 3000, LOOK_MS = 400 };

struct peer_job { /* of one of its lives */
	uint32_t p;
	uint64_t life, id;
};

static void later(struct world *w, const struct peer *a, uint64_t delay, job_fn *fn, uint64_t id)
{
	struct peer_job *j = malloc(sizeof *j);

	if (!j)
		abort();
	*j = (struct peer_job){a->p, a->life, id};
	world_at(w, delay, WHO_WORLD, 0, fn, j);
}

static struct peer *alive(const struct world *w, const struct peer_job *j)
{
	struct peer *a = w->peer[j->p];

	return a->life == j->life ? a : NULL;
}

/* ---------------------------------------------------------------- its dataplane */

static struct sad *sad_find(struct peer *a, uint32_t spi_in)
{
	for (size_t i = 0; i < SAD; i++)
		if (a->sad[i].used && a->sad[i].spi_in == spi_in)
			return &a->sad[i];
	return NULL;
}

static void sad_put(struct peer *a, const struct ike_child_install *c)
{
	struct sad *s = sad_find(a, c->spi_in);

	if (s) { /* once more: what it counts stays */
		s->outbound |= c->outbound;
		return;
	}
	for (size_t i = 0; i < SAD && !s; i++)
		if (!a->sad[i].used)
			s = &a->sad[i];
	if (!s)
		abort();
	*s = (struct sad){.used = true,
		.spi_in = c->spi_in,
		.spi_out = c->spi_out,
		.outbound = c->outbound,
		.order = c->order};
}

struct sad *peer_sends_with(struct world *w, uint32_t p)
{
	struct peer *a = w->peer[p];
	struct sad *best = NULL;

	for (size_t i = 0; i < SAD; i++)
		if (a->sad[i].used && a->sad[i].outbound &&
			(!best || a->sad[i].order > best->order))
			best = &a->sad[i];
	return best;
}

void peer_heard(struct world *w, uint32_t p, uint32_t spi_in)
{
	struct sad *s = sad_find(w->peer[p], spi_in);
	struct ike_event ev = {.type = IKE_EV_INBOUND_FIRST, .inbound_first = spi_in};

	if (s && !s->outbound)
		peer_event(w, p, &ev);
}

/* ---------------------------------------------------------------- effects */

static void kex_ready(struct world *w, uint32_t node, void *data)
{
	const struct peer_job *j = data;
	struct peer *a = alive(w, j);
	struct ike_event ev = {.type = IKE_EV_TICK};

	(void)node;
	if (a && kexes_do(&a->kexes, j->id, w->crypto, 0, &ev))
		peer_event(w, j->p, &ev);
}

static void do_update(struct peer *a, const struct ike_fx_update *u)
{
	struct sad *s = sad_find(a, u->spi_in);

	if (s && !u->moved)
		s->outbound = u->outbound;
}

static void do_delete(struct peer *a, const struct ike_fx_delete *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct sad *s = sad_find(a, d->spi_in[i]);

		if (s)
			*s = (struct sad){0};
	}
}

static void ticket_add(uint64_t v[PEER_TICKETS], size_t *n, uint64_t ticket)
{
	if (*n == PEER_TICKETS)
		abort();
	v[(*n)++] = ticket;
}

static void execute(struct world *w, struct peer *a, struct ike_effect *e)
{
	uint64_t job;

	switch (e->type) {
	case IKE_FX_SEND:
		net_from_peer(w, a->p, &e->send);
		break;
	case IKE_FX_KEX:
	case IKE_FX_SIGN:
	case IKE_FX_TRUST:
		job = kexes_add(&a->kexes, e);
		later(w, a, US(rnd_between(w, 50, chance(w, 5) ? 20000 : 800)), kex_ready, job);
		break;
	case IKE_FX_INSTALL:
		sad_put(a, &e->install.child);
		ticket_add(a->installed, &a->n_installed, e->install.ticket);
		break;
	case IKE_FX_UPDATE:
		do_update(a, &e->update);
		break;
	case IKE_FX_DELETE:
		do_delete(a, &e->del);
		break;
	case IKE_FX_REPLICATE:
		ticket_add(a->committed, &a->n_committed, e->replicate.ticket);
		break;
	case IKE_FX_ASK_ACTIVITY:
	case IKE_FX_EXPECT:
	case IKE_FX_OPERATOR_DONE:
	case IKE_FX_RESOLVE:
	default:
		break;
	}
}

/* ---------------------------------------------------------------- stepping */

static void tick(struct world *w, uint32_t node, void *data)
{
	struct peer *a = alive(w, data);
	struct ike_event ev = {.type = IKE_EV_TICK};

	(void)node;
	if (!a)
		return;
	a->tick_at = UINT64_MAX;
	peer_event(w, a->p, &ev);
}

static void rearm(struct world *w, struct peer *a)
{
	uint64_t due = ike_deadline(a->ike), clock = w->now + MSEC(CLOCK_MS), at;

	if (due == UINT64_MAX)
		return;
	at = MSEC(due) > clock ? MSEC(due) - MSEC(CLOCK_MS) : w->now;
	if (a->tick_at <= at && a->tick_at > w->now)
		return;
	a->tick_at = at;
	later(w, a, at - w->now, tick, 0);
}

uint64_t peer_clock_ms(const struct world *w)
{
	return CLOCK_MS + w->now / MSEC(1);
}

static void feed(struct world *w, struct peer *a, struct ike_event *ev)
{
	ev->now_ms = peer_clock_ms(w);
	ev->wall_ms = WALL_MS + w->now / MSEC(1);
	if (ike_step(a->ike, ev, &a->fx) < 0)
		world_violate(w, "peer %u: ike_step failed on event %d", a->p, ev->type);
	for (size_t i = 0; i < a->fx.n; i++)
		execute(w, a, &a->fx.v[i]);
	ike_effects_clear(&a->fx);
}

/* Commits and installs at once, in order. */
static void settle(struct world *w, struct peer *a)
{
	struct ike_event ev;

	while (a->n_committed || a->n_installed) {
		uint64_t *v = a->n_committed ? a->committed : a->installed;
		size_t *n = a->n_committed ? &a->n_committed : &a->n_installed;

		ev = (struct ike_event){
			.type = a->n_committed ? IKE_EV_COMMITTED : IKE_EV_INSTALLED};
		if (a->n_committed)
			ev.committed = v[0];
		else
			ev.installed.ticket = v[0];
		memmove(v, v + 1, --*n * sizeof v[0]);
		feed(w, a, &ev);
	}
}

void peer_event(struct world *w, uint32_t p, struct ike_event *ev)
{
	struct peer *a = w->peer[p];

	if (!a->ike)
		return; /* not born yet */
	feed(w, a, ev);
	settle(w, a);
	rearm(w, a);
	check_peer(w, a);
}

/* ---------------------------------------------------------------- life */

static void said(void *ctx, enum log_level level, const char *event, const char *text)
{
	struct peer *a = ctx;

	(void)level;
	world_say(a->world, "   peer %u %s %s", a->p, event, text);
}

static void random_octets(void *ctx, void *out, size_t n)
{
	world_random(ctx, out, n);
}

static void engine_end(struct peer *a)
{
	kexes_fini(&a->kexes);
	ike_effects_fini(&a->fx);
	ike_free(a->ike);
	a->ike = NULL;
}

static void engine_begin(struct world *w, struct peer *a)
{
	struct ike_config c = {.env = {random_octets, w},
		.log = &a->log,
		.crypto = w->crypto,
		.iv_node = (uint8_t)(100 + a->p),
		.incarnation = ++a->incarnation,
		.interface_id = interface_of,
		.credentials = &sim_credentials};
	struct ike_event ev = {.type = IKE_EV_RG};

	ike_effects_init(&a->fx);
	if (ike_new(&c, models_peer(w->models, w, a->p), &a->ike) < 0)
		abort();
	a->life++;
	a->tick_at = UINT64_MAX;
	a->born_ns = w->now;
	a->up = a->leaving = false;
	a->excused_ns = 0;
	a->place = 0; /* its configured address */
	a->n_committed = a->n_installed = 0;
	memset(a->sad, 0, sizeof a->sad);
	ev.rg = (struct ike_ev_rg){.active = true, .epoch = 1};
	feed(w, a, &ev);
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	feed(w, a, &ev);
	ev = (struct ike_event){.type = IKE_EV_WORKERS, .workers = (1u << WORKERS_PEER) - 1};
	feed(w, a, &ev);
	settle(w, a);
	rearm(w, a);
}

void peer_leave(struct world *w, uint32_t p)
{
	struct peer *a = w->peer[p];

	engine_end(a);
	a->life++;
	a->up = false;
	memset(a->sad, 0, sizeof a->sad);
}

void peer_restart(struct world *w, uint32_t p, bool begins)
{
	struct peer *a = w->peer[p];
	struct ike_event ev = {.type = IKE_EV_OPERATOR};

	world_say(w, "-- peer %u begins anew", p);
	if (a->ike)
		engine_end(a);
	engine_begin(w, a);
	ev.operator_.op = IKE_OP_INITIATE;
	if (begins)
		peer_event(w, p, &ev);
}

/* Before it is established, nothing is promised: a first exchange may die with a node. */
static bool is_stuck(const struct world *w, const struct peer *a)
{
	uint64_t since = a->up ? a->lonely_ns : a->born_ns;

	if (a->leaving || (w->revoked & 1u << a->p) || theme_is_cut_off(w, a->p))
		return false;
	if (a->up && (since == 0 || !theme_excuses(w, a)))
		return false;
	return w->now - since >= MSEC(IMPATIENT_MS);
}

static void look(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(uint32_t *)data;
	struct peer *a = w->peer[p];
	uint32_t *again = malloc(sizeof *again);

	(void)node;
	if (!again)
		abort();
	*again = p;
	if (a->ike && inside_has_sa(a->ike))
		a->lonely_ns = 0;
	else if (a->lonely_ns == 0)
		a->lonely_ns = w->now;
	if (is_stuck(w, a))
		peer_restart(w, p, true);
	world_at(w, MSEC(LOOK_MS), WHO_WORLD, 0, look, again);
}

static void born(struct world *w, uint32_t node, void *data)
{
	(void)node;
	engine_begin(w, w->peer[*(uint32_t *)data]);
	look(w, 0, data);
	esp_begin(w, *(uint32_t *)data);
}

struct peer *peer_new(struct world *w, uint32_t p)
{
	struct peer *a = calloc(1, sizeof *a);
	uint32_t *x = malloc(sizeof *x);

	if (!a || !x)
		abort();
	a->p = p;
	a->rg = p % w->rgs;
	a->world = w;
	a->log = (struct log_sink){
		.line = said, .ctx = a, .max = w->trace ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR};
	*x = p;
	world_at(w, MSEC(1200), WHO_WORLD, 0, born, x);
	return a;
}

void peer_free(struct peer *a)
{
	if (a->ike)
		engine_end(a);
	free(a);
}
