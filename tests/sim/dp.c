/* A dataplane: who acts, which SAs it holds, its life. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "dp_in.h"
#include "records.h"

bool dp_late(const struct world *w, uint32_t n, uint32_t rg)
{
	uint64_t now = node_clock(w, n);

	if (w->mutant && w->mutant->no_dp_deadline)
		now = 0;
	return !rg_acts(&dp_of(w, n)->rg[rg], now);
}

bool dp_acts(const struct world *w, uint32_t n, uint32_t rg)
{
	return w->proc[n][WHO_DATAPLANE].up && !dp_late(w, n, rg);
}

struct dpsa *dp_sa(struct dp *dp, uint32_t spi)
{
	for (uint32_t i = 0; i < SAS; i++)
		if (dp->sa[i].used && dp->sa[i].spi == spi)
			return &dp->sa[i];
	return NULL;
}

/* It did not run for longer than a successor needs to find it silent: what it knew before is void.
 * Orders that waited in the socket meanwhile speak of the time before, too: only a deadline that
 * lies later than those could counts. */
void dp_note_pause(struct world *w, uint32_t n)
{
	struct dp *dp = dp_of(w, n);
	uint64_t clock = node_clock(w, n);

	if (dp->ticked_ns && clock - dp->ticked_ns >= MSEC(PAUSE_MS))
		for (uint32_t r = 0; r < w->rgs; r++) {
			dp->fresh_ns[r] = dp->rg[r].deadline_ns + MSEC(100);
			dp->rg[r].deadline_ns = 0;
		}
	dp->ticked_ns = clock;
}

/* ---------------------------------------------------------------- orders */

static void installed(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = {.type = IKE_EV_INSTALLED};

	ev.installed.ticket = *(uint64_t *)data;
	engine_event(w, n, &ev);
}

static struct dpsa *sa_new(struct dp *dp, const struct order *o)
{
	for (uint32_t i = 0; i < SAS; i++) {
		struct dpsa *sa = &dp->sa[i];

		if (sa->used)
			continue;
		*sa = (struct dpsa){.used = true,
			.spi = o->spi,
			.spi_out = o->spi_out,
			.rg = o->rg,
			.peer = o->peer};
		replay_init(&sa->in, WINDOW, sa->words);
		seqno_init(&sa->seq, true, false, &o->lease);
		return sa;
	}
	abort();
}

static void install(struct world *w, uint32_t n, const struct order *o)
{
	struct dp *dp = dp_of(w, n);
	struct dpsa *sa = dp_sa(dp, o->spi);
	uint64_t *ticket;

	if (!sa)
		sa = sa_new(dp, o);
	sa->outbound |= o->outbound;
	sa->remote = o->remote; /* it may have moved */
	if (!o->tell)
		return;
	ticket = malloc(sizeof *ticket);
	if (!ticket)
		abort();
	*ticket = o->ticket;
	to_control(w, n, installed, ticket);
}

static void held(struct world *w, uint32_t n, void *data)
{
	records_reconcile(w, n, *(uint32_t *)data);
}

static void query(struct world *w, uint32_t n, uint32_t rg)
{
	uint32_t *copy = malloc(sizeof *copy);

	if (!copy)
		abort();
	*copy = rg;
	to_control(w, n, held, copy);
}

static void frozen(struct world *w, uint32_t n, void *data)
{
	const struct order *o = data;
	struct ha_event ev = {.type = HA_EV_FROZEN,
		.frozen = {.rg = o->rg,
			.first_bucket = o->first,
			.last_bucket = o->last,
			.states = view_of(o->states, o->n_states * sizeof o->states[0])}};

	control_event(w, n, &ev);
}

static void freeze(struct world *w, uint32_t n, const struct order *o)
{
	struct dp *dp = dp_of(w, n);
	struct order *back = malloc(sizeof *back + SAS * sizeof back->states[0]);

	if (!back)
		abort();
	*back = *o;
	back->n_states = 0;
	dp->frozen[o->rg] = true;
	for (uint32_t i = 0; i < SAS; i++) {
		struct dpsa *sa = &dp->sa[i];
		struct sa_exact *s = &back->states[back->n_states];

		if (!sa->used || sa->rg != o->rg)
			continue;
		/* what was never used in this epoch has no exact state: the lease decides */
		if (!sa->seq.entered || sa->seq.epoch != o->role.epoch)
			continue;
		*s = (struct sa_exact){
			.spi = sa->spi, .out_next = sa->seq.next, .in_top = sa->in.top};
		replay_export(&sa->in, s->words);
		back->n_states++;
	}
	to_control(w, n, frozen, back);
}

static void activated(struct world *w, uint32_t n, void *data)
{
	const struct order *o = data;
	struct ha_event ev = {
		.type = HA_EV_ACTIVATED, .activated = {.rg = o->rg, .epoch = o->role.epoch}};

	control_event(w, n, &ev);
}

static void activate(struct world *w, uint32_t n, const struct order *o)
{
	struct dp *dp = dp_of(w, n);
	struct order *back = malloc(sizeof *back);

	if (!back)
		abort();
	*back = *o;
	for (size_t i = 0; i < o->n_states; i++) {
		struct dpsa *sa = dp_sa(dp, o->states[i].spi);
		struct seqno_state st = {o->role.epoch, o->states[i].out_next, SEQNO_OUT_GRANT};

		if (!sa)
			continue;
		replay_import(&sa->in, o->states[i].in_top, o->states[i].words);
		(void)!seqno_take_over(&sa->seq, &st, node_clock(w, n), &sa->in);
	}
	to_control(w, n, activated, back);
}

static void refused(struct world *w, uint32_t n, void *data)
{
	const struct order *o = data;
	struct ha_event ev = {
		.type = HA_EV_REFUSED, .refused = {.rg = o->rg, .epoch = o->role.epoch}};

	control_event(w, n, &ev);
}

/* It does not act in that epoch, whatever its tandemd thinks. */
void dp_refuse(struct world *w, uint32_t n, uint32_t rg, uint64_t epoch)
{
	struct order *copy = calloc(1, sizeof *copy);

	if (!copy)
		abort();
	copy->rg = rg;
	copy->role.epoch = epoch;
	to_control(w, n, refused, copy);
}

static void role(struct world *w, uint32_t n, const struct order *o)
{
	struct dp *dp = dp_of(w, n);
	bool acted = dp_acts(w, n, o->rg);

	if (rg_set(&dp->rg[o->rg], &o->role) < 0) {
		dp_refuse(w, n, o->rg, o->role.epoch);
		return;
	}
	if (o->role.role != RG_ROLE_ACTIVE)
		return;
	dp->frozen[o->rg] = false;
	if (!acted && dp_acts(w, n, o->rg))
		check_sole(w, n, o->rg);
}

static void hello(struct world *w, uint32_t n, void *data)
{
	struct ha_event ev = {.type = HA_EV_DATAPLANE,
		.dataplane = {.up = true, .incarnation = dp_of(w, n)->incarnation}};

	(void)data;
	dp_of(w, n)->connected = true;
	control_event(w, n, &ev);
}

void dp_order(struct world *w, uint32_t n, const struct order *o)
{
	struct dp *dp = dp_of(w, n);
	struct dpsa *sa = dp_sa(dp, o->spi);

	dp_note_pause(w, n);
	if (o->type > ORDER_QUERY && o->type != ORDER_DEADLINE && o->type != ORDER_RENEW)
		world_say(w, "   n%u dp order %d rg%u role %d epoch %llu", n, o->type, o->rg,
			o->role.role, (unsigned long long)o->role.epoch);
	switch (o->type) {
	case ORDER_INSTALL:
		install(w, n, o);
		break;
	case ORDER_UPDATE:
		if (sa)
			sa->outbound = o->outbound;
		break;
	case ORDER_QUERY:
		query(w, n, o->rg);
		break;
	case ORDER_DELETE:
		if (sa)
			*sa = (struct dpsa){0};
		break;
	case ORDER_GRANT:
		world_say(w, "   n%u dp grant %08x epoch %llu out %llu%s", n, o->spi,
			(unsigned long long)o->lease.epoch,
			(unsigned long long)o->lease.out_horizon, sa ? "" : " (no SA)");
		if (sa)
			seqno_grant(&sa->seq, &o->lease, &sa->in);
		break;
	case ORDER_ROLE:
		role(w, n, o);
		break;
	case ORDER_DEADLINE:
		if (o->role.deadline_ns < dp->fresh_ns[o->rg])
			break;
		(void)!rg_extend(&dp->rg[o->rg], o->role.epoch, o->role.deadline_ns);
		break;
	case ORDER_FREEZE:
		freeze(w, n, o);
		break;
	case ORDER_ACTIVATE:
		activate(w, n, o);
		break;
	case ORDER_FORWARD: /* what comes from now on goes to the new owner */
		dp->rg[o->rg].role = RG_ROLE_STANDBY;
		dp->frozen[o->rg] = false;
		break;
	case ORDER_ABORT:
		dp->frozen[o->rg] = false;
		break;
	case ORDER_RENEW:
	case ORDER_FENCE:
		dp_beat_order(w, n, o);
		break;
	case ORDER_HELLO:
		to_control(w, n, hello, NULL);
		break;
	}
}

void dp_control_gone(struct world *w, uint32_t n)
{
	dp_of(w, n)->connected = false;
}

static void dp_tick(struct world *w, uint32_t n, void *data)
{
	struct dp *dp = dp_of(w, n);

	(void)data;
	dp_note_pause(w, n);
	if (++dp->beats % BEAT_TICKS == 0) {
		dp->beats /= BEAT_TICKS; /* count beats for what is said now and then */
		dp_beats(w, n);
		for (uint32_t r = 0; r < w->rgs; r++)
			dp_probe(w, n, r);
		dp->beats *= BEAT_TICKS;
	}
	for (uint32_t r = 0; r < w->rgs; r++)
		if (dp_acts(w, n, r) && !dp->frozen[r])
			dp_send(w, n, r);
	world_at(w, US(TICK_US), WHO_DATAPLANE, n, dp_tick, NULL);
}

/* ---------------------------------------------------------------- life */

void dataplane_start(struct world *w, uint32_t n)
{
	struct node *nd = w->node[n];
	struct proc *p = &w->proc[n][WHO_DATAPLANE];

	if (p->up)
		return;
	p->up = true;
	p->life++;
	p->stopped_ns = w->proc[n][WHO_COROSYNC].stopped_ns;
	nd->dp = (struct dp){0};
	for (uint32_t r = 0; r < w->rgs; r++)
		nd->dp.rg[r].owner = RG_OWNER_NONE;
	nd->disk_incarnation++; /* raised and synced before anything is sent */
	nd->dp.incarnation = nd->disk_incarnation;
	iv_pool_init(&nd->dp.pool, w->mutant && w->mutant->constant_iv ? 1 : nd->dp.incarnation);
	world_say(w, "n%u dataplane starts, incarnation %u", n, nd->dp.incarnation);
	check_dp_started(w, n);
	world_at(w, US(rnd_between(w, 100, 5000)), WHO_DATAPLANE, n, dp_tick, NULL);
	if (w->proc[n][WHO_CONTROL].up)
		records_refill(w, n);
}

static void gone_event(struct world *w, uint32_t n, void *data)
{
	struct ha_event ev = {.type = HA_EV_DATAPLANE};

	(void)data;
	control_event(w, n, &ev);
}

void dataplane_crash(struct world *w, uint32_t n)
{
	if (!w->proc[n][WHO_DATAPLANE].up)
		return;
	world_say(w, "n%u dataplane dies", n);
	w->proc[n][WHO_DATAPLANE].up = false;
	w->node[n]->dp = (struct dp){0};
	if (w->proc[n][WHO_CONTROL].up)
		to_control(w, n, gone_event, NULL);
}
