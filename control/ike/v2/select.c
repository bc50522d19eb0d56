#include "ike/v2/select.h"

#include "base/err.h"
#include "ike/engine.h"
#include "ike/tx.h"

_Static_assert(NARROW_MAX == TS_MAX, "a list fits into a payload");

/* ---------------------------------------------------------------- flows */

/* Transport mode protects what the two ends say themselves (RFC 7296 1.3.1): the address is theirs,
 * whatever wider range was configured. False: it is not in that range. */
static bool flow_at(struct tsel *s, const struct addr *end, bool said)
{
	struct tsel one = *s;

	one.lo = one.hi = *end;
	if (said)
		return tsel_intersect(s, &one, s);
	*s = one;
	return true;
}

static bool flow_of(const struct model_selector *m, const struct model_flow *f,
	const struct ike_sa *sa, struct tsel_pair *out)
{
	bool said = m->vpn->has_selectors;

	out->local = tsel_of_prefix(&f->local, f->protocol);
	out->local.port_lo = f->local_port_lo;
	out->local.port_hi = f->local_port_hi;
	out->remote = tsel_of_prefix(&f->remote, f->protocol);
	out->remote.port_lo = f->remote_port_lo;
	out->remote.port_hi = f->remote_port_hi;
	return !m->vpn->transport || (flow_at(&out->local, &sa->local.addr, said) &&
					     flow_at(&out->remote, &sa->remote.addr, said));
}

void select_flows(const struct tunnel *t, const struct ike_sa *sa, struct select_flows *out)
{
	out->n = 0;
	for (uint32_t i = 0; i < t->model->n_flows && out->n < SELECT_FLOWS_MAX; i++)
		if (flow_of(t->model, &t->model->flows[i], sa, &out->v[out->n]))
			out->n++;
}

/* ---------------------------------------------------------------- payloads */

static int read_side(const struct rx *rx, uint8_t type, struct tsel *out, uint32_t *n)
{
	const struct payload *p = chain_find(rx->chain, type);
	struct pld_ts ts;

	if (!p || pld_ts_parse(p->body, &ts) < 0)
		return -ERR_SYNTAX;
	*n = ts.count;
	for (uint32_t i = 0; i < ts.count; i++)
		out[i] = (struct tsel){ts.at[i].protocol, ts.at[i].port_first, ts.at[i].port_last,
			ts.at[i].first, ts.at[i].last};
	return 0;
}

int select_read(const struct rx *rx, bool we_began, struct tsel_sides *out)
{
	int rc = read_side(rx, we_began ? PLD_TSI : PLD_TSR, out->local, &out->n_local);

	return rc < 0 ? rc
		      : read_side(rx, we_began ? PLD_TSR : PLD_TSI, out->remote, &out->n_remote);
}

static void write_side(struct writer *w, uint8_t type, const struct tsel *v, uint32_t n)
{
	struct ts ts[TS_MAX];

	for (uint32_t i = 0; i < n; i++)
		ts[i] = (struct ts){v[i].protocol, v[i].port_lo, v[i].port_hi, v[i].lo, v[i].hi};
	writer_open(w, type);
	pld_ts_emit(&w->e, ts, n);
	writer_close(w);
}

void select_write(struct writer *w, bool we_began, const struct tsel_sides *s)
{
	if (we_began) {
		write_side(w, PLD_TSI, s->local, s->n_local);
		write_side(w, PLD_TSR, s->remote, s->n_remote);
	} else {
		write_side(w, PLD_TSI, s->remote, s->n_remote);
		write_side(w, PLD_TSR, s->local, s->n_local);
	}
}

/* ---------------------------------------------------------------- asking */

static struct tsel everything(uint8_t family)
{
	struct tsel s = {.port_hi = UINT16_MAX, .lo = {.family = family}, .hi = {.family = family}};

	memset(s.hi.b, 0xff, family == 4 ? 4 : 16);
	return s;
}

static void want(struct tsel_sides *s, const struct tsel_pair *p)
{
	if (s->n_local < NARROW_MAX)
		s->local[s->n_local++] = p->local;
	if (s->n_remote < NARROW_MAX)
		s->remote[s->n_remote++] = p->remote;
}

static void want_all(struct tsel_sides *s)
{
	want(s, &(struct tsel_pair){everything(4), everything(4)});
	want(s, &(struct tsel_pair){everything(6), everything(6)});
}

static void want_old(struct tsel_sides *s, const struct child *old)
{
	/* Two places stay for the rest. */
	s->n_local = MIN(old->local_ts->n, (uint32_t)NARROW_MAX - 2);
	s->n_remote = MIN(old->remote_ts->n, (uint32_t)NARROW_MAX - 2);
	memcpy(s->local, old->local_ts->v, s->n_local * sizeof s->local[0]);
	memcpy(s->remote, old->remote_ts->v, s->n_remote * sizeof s->remote[0]);
}

static struct tsel_pair addresses_of(const struct tsel *local, const struct tsel *remote)
{
	return (struct tsel_pair){
		{.port_hi = UINT16_MAX, .lo = local->lo, .hi = local->hi},
		{.port_hi = UINT16_MAX, .lo = remote->lo, .hi = remote->hi},
	};
}

static void want_addresses(struct tsel_sides *s, const struct tsel_pair *p)
{
	const struct tsel_pair a = addresses_of(&p->local, &p->remote);

	want(s, &a);
}

/* v holds all of it already: these are named first. */
static void put_first(struct tsel *v, uint32_t *n, const struct tsel *first, uint32_t n_first)
{
	struct tsel all[NARROW_MAX];
	uint32_t k = MIN(n_first, (uint32_t)NARROW_MAX);

	memcpy(all, first, k * sizeof all[0]);
	for (uint32_t i = 0; i < *n && k < NARROW_MAX; i++) {
		bool named = false;

		for (uint32_t f = 0; f < n_first && !named; f++)
			named = tsel_equal(&v[i], &first[f]);
		if (!named)
			all[k++] = v[i];
	}
	memcpy(v, all, k * sizeof all[0]);
	*n = k;
}

static bool may_precede(const struct tsel_sides *all, const struct tsel_sides *first)
{
	for (uint32_t l = 0; l < first->n_local; l++)
		for (uint32_t r = 0; r < first->n_remote; r++)
			if (!narrow_covers(
				    all, &(struct tsel_pair){first->local[l], first->remote[r]}))
				return false;
	return first->n_local != 0 && first->n_remote != 0;
}

static bool is_single(const struct tunnel *t)
{
	return t->single || t->model->vpn->single_pair;
}

int select_offer(const struct tunnel *t, const struct ike_sa *sa, const struct child *old,
	struct tsel_sides *out, bool *part)
{
	struct tsel_sides first = {0}, wanted;
	struct select_flows own;

	select_flows(t, sa, &own);
	if (old) /* 2.9.2: no less than it has */
		want_old(&first, old);
	else if (t->asked && is_single(t))
		want_addresses(&first, t->asked);
	else if (t->asked)
		want(&first, t->asked);
	wanted = first;
	if (!is_single(t))
		want_all(&wanted);
	if (!narrow(own.v, own.n, &wanted, out, part))
		return -ERR_TS;
	/* 2.9: the very packet first, so that the responder knows which part is meant. */
	if (may_precede(out, &first)) {
		put_first(out->local, &out->n_local, first.local, first.n_local);
		put_first(out->remote, &out->n_remote, first.remote, first.n_remote);
	}
	return 0;
}

int select_same(const struct child *like, struct tsel_sides *out)
{
	if (like->local_ts->n > NARROW_MAX || like->remote_ts->n > NARROW_MAX)
		return -ERR_LIMIT;
	out->n_local = like->local_ts->n;
	out->n_remote = like->remote_ts->n;
	memcpy(out->local, like->local_ts->v, out->n_local * sizeof out->local[0]);
	memcpy(out->remote, like->remote_ts->v, out->n_remote * sizeof out->remote[0]);
	return 0;
}

bool select_may_accept(
	const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *answer)
{
	struct select_flows own;

	select_flows(t, sa, &own);
	return narrow_within(answer, own.v, own.n);
}

/* ---------------------------------------------------------------- asked */

static bool is_address(const struct tsel *s)
{
	return addr_equal(&s->lo, &s->hi);
}

/* All that is wanted between the two addresses that are named first. */
static int agree_single(const struct select_flows *own, const struct tsel_sides *wanted,
	struct tsel_sides *out, bool *more)
{
	struct tsel_sides between;
	struct tsel_pair one;
	bool rest = false;

	if (wanted->n_local == 0 || wanted->n_remote == 0)
		return -ERR_TS;
	if (!is_address(&wanted->local[0]) || !is_address(&wanted->remote[0]))
		return narrow(own->v, own->n, wanted, out, more) ? -ERR_AGAIN : -ERR_TS;
	one = addresses_of(&wanted->local[0], &wanted->remote[0]);
	if (!narrow(&one, 1, wanted, &between, &rest) ||
		!narrow(own->v, own->n, &between, out, more))
		return -ERR_TS;
	*more = *more || !may_precede(&between, wanted);
	return 0;
}

int select_agree(const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *wanted,
	struct tsel_sides *out, bool *more)
{
	struct select_flows own;

	select_flows(t, sa, &own);
	if (t->model->vpn->single_pair)
		return agree_single(&own, wanted, out, more);
	return narrow(own.v, own.n, wanted, out, more) ? 0 : -ERR_TS;
}

bool select_has_first(
	const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *wanted)
{
	struct tsel_sides first = {.n_local = 1, .n_remote = 1};
	struct select_flows own;

	if (wanted->n_local == 0 || wanted->n_remote == 0)
		return false;
	first.local[0] = wanted->local[0];
	first.remote[0] = wanted->remote[0];
	select_flows(t, sa, &own);
	return narrow_within(&first, own.v, own.n);
}

/* ---------------------------------------------------------------- children */

bool select_child_covers(const struct child *c, const struct tsel_pair *p)
{
	struct tsel_sides s;

	s.n_local = MIN(c->local_ts->n, (uint32_t)NARROW_MAX);
	s.n_remote = MIN(c->remote_ts->n, (uint32_t)NARROW_MAX);
	memcpy(s.local, c->local_ts->v, s.n_local * sizeof s.local[0]);
	memcpy(s.remote, c->remote_ts->v, s.n_remote * sizeof s.remote[0]);
	return narrow_covers(&s, p);
}

bool select_tunnel_covers(const struct tunnel *t, const struct tsel_pair *p)
{
	const struct child *c;

	list_foreach (c, &t->children, of_tunnel)
		if ((c->state == CHILD_NEW || c->state == CHILD_UP) && select_child_covers(c, p))
			return true;
	return false;
}
