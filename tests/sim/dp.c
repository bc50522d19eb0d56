/* A dataplane: who acts, what is sent and accepted, what is heard over fabric and layer 2. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "node.h"
#include "peer.h"
#include "records.h"

enum {
	TICK_US = 5000,
	BEAT_TICKS = 10,
	SAY_BEATS = 10,
	SILENT_MS = 150,
	PAUSE_MS = 120,
	HOLD_MS = 400
};

static struct dp *dp_of(const struct world *w, uint32_t n)
{
	return &w->node[n]->dp;
}

static bool frozen_or_late(const struct world *w, uint32_t n, uint32_t rg)
{
	uint64_t now = node_clock(w, n);

	if (w->mutant && w->mutant->no_dp_deadline)
		now = 0;
	return !rg_acts(&dp_of(w, n)->rg[rg], now);
}

bool dp_acts(const struct world *w, uint32_t n, uint32_t rg)
{
	return w->proc[n][WHO_DATAPLANE].up && !frozen_or_late(w, n, rg);
}

static struct dpsa *sa_find(struct dp *dp, uint32_t spi)
{
	for (uint32_t i = 0; i < SAS; i++)
		if (dp->sa[i].used && dp->sa[i].spi == spi)
			return &dp->sa[i];
	return NULL;
}

/* It did not run for longer than a successor needs to find it silent: what it knew before is void.
 * Orders that waited in the socket meanwhile speak of the time before, too: only a deadline that
 * lies later than those could counts. */
static void note_pause(struct world *w, uint32_t n)
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
	struct dpsa *sa = sa_find(dp, o->spi);
	uint64_t *ticket;

	if (!sa)
		sa = sa_new(dp, o);
	sa->outbound |= o->outbound;
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
		struct dpsa *sa = sa_find(dp, o->states[i].spi);
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
static void refuse(struct world *w, uint32_t n, uint32_t rg, uint64_t epoch)
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
		refuse(w, n, o->rg, o->role.epoch);
		return;
	}
	if (o->role.role != RG_ROLE_ACTIVE)
		return;
	dp->frozen[o->rg] = false;
	if (!acted && dp_acts(w, n, o->rg))
		check_sole(w, n, o->rg);
}

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
	struct dpsa *sa = sa_find(dp, o->spi);
	struct beat b = {.rg = o->rg, .epoch = o->role.epoch, .duration = o->role.deadline_ns};

	note_pause(w, n);
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
	case ORDER_FORWARD:
	case ORDER_ABORT:
		dp->frozen[o->rg] = false;
		break;
	case ORDER_RENEW:
		b.type = BEAT_RENEW;
		b.stamp = dp->fab[o->node].stamp;
		beat_send(w, n, o->node, &b);
		break;
	case ORDER_FENCE:
		b.type = BEAT_FENCE;
		beat_send(w, n, o->node, &b);
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
		refuse(w, n, b->rg, dp->rg[b->rg].epoch);
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

static void beats(struct world *w, uint32_t n)
{
	struct dp *dp = dp_of(w, n);
	struct beat b = {.type = BEAT_ALIVE,
		.control = w->proc[n][WHO_CONTROL].up,
		.stamp = node_clock(w, n)};

	memcpy(b.rgs, dp->rg, sizeof b.rgs);
	for (uint32_t r = 0; r < w->rgs; r++)
		if (frozen_or_late(w, n, r))
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

static void probe(struct world *w, uint32_t n, uint32_t rg)
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

/* ---------------------------------------------------------------- packets */

static void wants_event(struct world *w, uint32_t n, void *data)
{
	records_wants(w, n, data);
}

static bool mutate_constant(const struct world *w)
{
	return w->mutant && w->mutant->constant_jump;
}

/* A checkpoint instead of a lease: the owner never waits for it, the successor adds a constant. */
static void checkpoint(struct dpsa *sa, struct lease *want)
{
	struct lease own = *want;

	want->out_horizon = sa->seq.next + 4096;
	own.out_horizon = sa->seq.next + (1u << 20);
	seqno_grant(&sa->seq, &own, &sa->in);
}

struct heard {
	uint32_t p, spi;
};

static void heard(struct world *w, uint32_t node, void *data)
{
	const struct heard *h = data;

	(void)node;
	peer_heard(w, h->p, h->spi);
}

static void to_peer(struct world *w, const struct dpsa *sa)
{
	struct heard *h = malloc(sizeof *h);

	if (!h)
		abort();
	*h = (struct heard){sa->peer, sa->spi_out};
	world_at(w, US(rnd_between(w, 100, 900)), WHO_WORLD, 0, heard, h);
}

static void send_some(struct world *w, uint32_t n, struct dpsa *sa, struct wants *want)
{
	struct dp *dp = dp_of(w, n);
	struct lease lease;
	uint64_t clock = node_clock(w, n);
	uint64_t count = rnd_below(w, chance(w, 3) ? 3000 : 30);
	bool sent = false;

	if (seqno_enter(&sa->seq, dp->rg[sa->rg].epoch, clock, &sa->in) < 0)
		return;
	for (; count; count--) {
		uint64_t seq = seqno_take(&sa->seq), iv;

		if (seq == 0)
			break;
		if (iv_next(&dp->pool, &dp->block, (uint8_t)n, &iv) < 0)
			break;
		check_sent(w, n, sa->rg, sa->spi, seq, iv);
		sent = true;
	}
	if (sent && chance(w, 50))
		to_peer(w, sa);
	if (!seqno_want(&sa->seq, sa->in.top, clock, MSEC(HOLD_MS), &lease))
		return;
	if (mutate_constant(w))
		checkpoint(sa, &lease);
	want->v[want->n++] = (struct sa_lease){.spi = sa->spi, .lease = lease};
	want->rg = sa->rg;
	want->epoch = dp->rg[sa->rg].epoch;
}

static void rg_sends(struct world *w, uint32_t n, uint32_t rg)
{
	struct dp *dp = dp_of(w, n);
	struct wants *want = calloc(1, sizeof *want);

	if (!want)
		abort();
	for (uint32_t i = 0; i < SAS; i++)
		if (dp->sa[i].used && dp->sa[i].outbound && dp->sa[i].rg == rg)
			send_some(w, n, &dp->sa[i], want);
	if (want->n && dp->connected)
		to_control(w, n, wants_event, want);
	else
		free(want);
}

static void inbound_first(struct world *w, uint32_t n, void *data)
{
	struct ike_event ev = {
		.type = IKE_EV_INBOUND_FIRST, .inbound_first = *(const uint32_t *)data};

	engine_event(w, n, &ev);
}

static void tell_first(struct world *w, uint32_t n, struct dpsa *sa)
{
	uint32_t *spi;

	sa->told = true;
	if (sa->outbound || !w->proc[n][WHO_CONTROL].up)
		return;
	spi = malloc(sizeof *spi);
	if (!spi)
		abort();
	*spi = sa->spi;
	to_control(w, n, inbound_first, spi);
}

void dp_receive(struct world *w, uint32_t n, uint32_t rg, uint32_t spi, uint64_t seq)
{
	struct dp *dp = dp_of(w, n);
	struct dpsa *sa = sa_find(dp, spi);
	uint64_t epoch;

	note_pause(w, n);
	if (!dp_acts(w, n, rg) || dp->frozen[rg])
		return;
	if (!sa) {
		check_no_sa(w, n, rg, spi);
		return;
	}
	epoch = dp->rg[sa->rg].epoch;
	if (seqno_enter(&sa->seq, epoch, node_clock(w, n), &sa->in) < 0 ||
		!seqno_in_allows(&sa->seq, seq) || replay_check(&sa->in, seq) < 0 ||
		replay_mark(&sa->in, seq) < 0)
		return;
	check_received(w, n, sa->rg, spi, seq);
	if (!sa->told)
		tell_first(w, n, sa);
}

static void dp_tick(struct world *w, uint32_t n, void *data)
{
	struct dp *dp = dp_of(w, n);

	(void)data;
	note_pause(w, n);
	if (++dp->beats % BEAT_TICKS == 0) {
		dp->beats /= BEAT_TICKS; /* count beats for what is said now and then */
		beats(w, n);
		for (uint32_t r = 0; r < w->rgs; r++)
			probe(w, n, r);
		dp->beats *= BEAT_TICKS;
	}
	for (uint32_t r = 0; r < w->rgs; r++)
		if (dp_acts(w, n, r) && !dp->frozen[r])
			rg_sends(w, n, r);
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
