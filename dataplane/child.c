#include <stdlib.h>

#include "base/err.h"
#include "core/ip4.h"
#include "core/spi.h"
#include "dp.h"
#include "form.h"
#include "parts.h"
#include "pbconv.h"

enum { SELECTORS_MAX = 255, TUNNEL_MTU_MIN = 256, TUNNEL_MTU_MAX = 9192 };

struct policy_sas *policy_sas_get(struct dp *dp, uint32_t id)
{
	struct policy_entry *e;

	HASH_FIND(hh, dp->policies, &id, sizeof id, e);
	if (e)
		return &e->sas;
	e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->sas.id = id;
	list_init(&e->sas.items);
	HASH_ADD(hh, dp->policies, sas.id, sizeof e->sas.id, e);
	return &e->sas;
}

static void mark_configured(struct dp *dp)
{
	const struct net *n = atomic_load(&dp->sh.net);
	struct policy_entry *e, *tmp;

	map_foreach (dp->policies, e, tmp)
		e->sas.configured = false;
	for (uint32_t s = 0; s < n->n_slots; s++)
		for (uint32_t k = 0; n->ifaces[s] && k < n->ifaces[s]->n_policies; k++)
			n->ifaces[s]->policies[k]->sas->configured = true;
}

void policy_sas_prune(struct dp *dp)
{
	struct policy_entry *e, *tmp;

	mark_configured(dp);
	map_foreach (dp->policies, e, tmp) {
		struct sa_set *set = atomic_load(&e->sas.set);

		if ((set && set->n) || e->sas.configured || e->sas.of || e->sas.n_parts)
			continue;
		HASH_DEL(dp->policies, e);
		spd_live_free(atomic_load(&e->sas.parts));
		free(set);
		free(e);
	}
}

static void defer_policy(struct dp *dp, void *what)
{
	struct policy_entry *e = (struct policy_entry *)what;

	(void)dp;
	spd_live_free(atomic_load(&e->sas.parts));
	free(atomic_load(&e->sas.set));
	free(e);
}

void policy_sas_drop(struct dp *dp, struct policy_sas *p)
{
	struct policy_entry *e = container_of(p, struct policy_entry, sas);

	HASH_DEL(dp->policies, e);
	dp_defer(dp, defer_policy, e, NULL);
}

/* ---- which SAs send for a policy */

static struct sa_set *set_of(const struct policy_sas *p)
{
	return atomic_load(&p->set);
}

static void set_publish(struct dp *dp, struct policy_sas *p, struct sa_set *set)
{
	struct sa_set *old = atomic_exchange(&p->set, set);

	if (old)
		dp_defer(dp, defer_free, old, NULL);
}

/* NULL: no memory. */
static struct sa_set *set_copy(const struct sa_set *old, const struct sa *out, struct sa *in)
{
	uint32_t n = old ? old->n : 0, k = 0;
	struct sa_set *set = calloc(1, sizeof *set + (n + 1) * sizeof(struct sa *));

	if (!set)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		if (old->v[i] == out || old->v[i] == in)
			continue;
		if (in && sa_cold(in)->order > sa_cold(old->v[i])->order) {
			set->v[k++] = in;
			in = NULL;
		}
		set->v[k++] = old->v[i];
	}
	if (in)
		set->v[k++] = in;
	set->n = k;
	for (uint32_t i = 0; i < k; i++)
		set->bound += sa_cold(set->v[i])->worker != WORKER_NONE;
	return set;
}

/* Without `out` and with `in`, the highest order first. Either may be NULL; p may be gone then. */
static int set_change(struct dp *dp, struct policy_sas *p, const struct sa *out, struct sa *in)
{
	struct sa_set *set = set_copy(set_of(p), out, in);

	if (!set)
		return -ERR_NOMEM;
	if (out && !in)
		parts_sa_out(p, out);
	set_publish(dp, p, set);
	if (in)
		parts_sa_in(dp, p, in);
	parts_prune(dp, p);
	return 0;
}

/* ---- install */

static int endpoint_of(const Dp__Endpoint *e, struct endpoint *out)
{
	int rc;

	if (!e)
		return -ERR_VALUE;
	rc = addr_from_view(view_of(e->address.data, e->address.len), &out->addr);
	if (rc < 0)
		return rc;
	if (e->port > UINT16_MAX)
		return -ERR_VALUE;
	out->port = (uint16_t)e->port;
	return 0;
}

static int selectors_of(Dp__Selector *const *v, size_t n, struct selector *out)
{
	for (size_t i = 0; i < n; i++) {
		int rc = selector_of_pb(v[i], &out[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool outer_is_valid(const Dp__ChildInstall *c)
{
	return c->df_bit <= OUTER_DF_COPY && c->ttl <= UINT8_MAX && c->tos <= UINT8_MAX &&
	       (c->tunnel_mtu == 0 ||
		       (c->tunnel_mtu >= TUNNEL_MTU_MIN && c->tunnel_mtu <= TUNNEL_MTU_MAX)) &&
	       c->udp_port <= UINT16_MAX &&
	       (c->udp_port == 0 || c->udp_key.len == sizeof(uint64_t[2]));
}

static void outer_fill(const Dp__ChildInstall *c, struct outer_options *o)
{
	*o = (struct outer_options){
		.df = (uint8_t)c->df_bit,
		.ttl = (uint8_t)c->ttl,
		.tos = (uint8_t)c->tos,
		.copy_ttl = c->copy_ttl,
		.fixed_tos = c->fixed_tos,
		.copy_dscp = c->copy_outer_dscp,
		.no_too_big = c->no_too_big,
		.mtu = (uint16_t)c->tunnel_mtu,
		/* UDP-005: with a NAT on the way there is NAT traversal and nothing else */
		.udp_port = c->udp_encap ? 0 : (uint16_t)c->udp_port,
	};
	if (o->udp_port)
		memcpy(o->udp_key, c->udp_key.data, sizeof o->udp_key);
}

static int cold_of(const Dp__ChildInstall *c, struct sa_cold **out)
{
	struct sa_cold *k;
	int rc;

	if (c->n_local_ts == 0 || c->n_remote_ts == 0 ||
		c->n_local_ts + c->n_remote_ts > SELECTORS_MAX)
		return -ERR_TS;
	k = sa_cold_new((uint32_t)(c->n_local_ts + c->n_remote_ts));
	if (!k)
		return -ERR_NOMEM;
	k->policy_id = c->policy_id;
	k->selector_id = c->selector_id == c->policy_id ? 0 : c->selector_id;
	k->peer = c->peer;
	k->spi_out = c->spi_out;
	k->outside = c->interface_id;
	k->order = c->order;
	k->worker = c->worker_hint && c->worker_hint <= WORKER_MAX ? (uint8_t)(c->worker_hint - 1)
								   : (uint8_t)WORKER_NONE;
	k->own_wanted = c->own_wanted;
	k->soft_bytes = c->soft_bytes;
	k->hard_bytes = c->hard_bytes;
	outer_fill(c, &k->outer);
	k->ts = (struct selectors){k->selectors, k->selectors + c->n_local_ts,
		(uint16_t)c->n_local_ts, (uint16_t)c->n_remote_ts};
	rc = endpoint_of(c->local, &k->local);
	if (rc == 0)
		rc = endpoint_of(c->remote, &k->remote);
	if (rc == 0 && k->local.addr.family != k->remote.addr.family)
		rc = -ERR_VALUE;
	if (rc == 0)
		rc = selectors_of(c->local_ts, c->n_local_ts, k->selectors);
	if (rc == 0)
		rc = selectors_of(c->remote_ts, c->n_remote_ts, k->selectors + c->n_local_ts);
	if (rc < 0) {
		free(k);
		return rc;
	}
	*out = k;
	return 0;
}

static struct lease lease_of(const Dp__Lease *l)
{
	return l ? (struct lease){l->epoch, l->out_horizon, l->in_top, l->in_horizon}
		 : (struct lease){0};
}

static struct sa_keys keys_of(const Dp__ChildInstall *c)
{
	return (struct sa_keys){view_of_pb(&c->encr_key_in), view_of_pb(&c->encr_key_out),
		view_of_pb(&c->integ_key_in), view_of_pb(&c->integ_key_out)};
}

/* AH, bundle or ESP; *esp is the suite whose cipher has the encryption keys, or NULL. */
static const struct suite *suite_of(const Dp__ChildInstall *c, const struct suite **esp)
{
	const struct suite *s;

	if (c->encr == SUITE_ENCR_AH) {
		s = suite_find_ah(c->integ);
		*esp = c->aux_spi_in ? suite_find(c->aux_encr, c->aux_key_bits, SUITE_INTEG_NONE)
				     : NULL;
		/* a counter under AH's number would be one more thing that must never repeat */
		return c->aux_spi_in && (!*esp || suite_is_aead(*esp)) ? NULL : s;
	}
	return *esp = suite_find(c->encr, c->key_bits, c->integ);
}

static bool keys_fit(const Dp__ChildInstall *c, const struct suite *suite, const struct suite *esp)
{
	size_t encr = esp ? esp->key_len : 0;

	return c->encr_key_in.len == encr && c->encr_key_out.len == encr &&
	       c->integ_key_in.len == suite->integ_len && c->integ_key_out.len == suite->integ_len;
}

static bool spis_fit(const Dp__ChildInstall *c)
{
	bool aux = c->aux_spi_in > SPI_RESERVED_LAST && c->aux_spi_out > SPI_RESERVED_LAST;

	return c->spi_in > SPI_RESERVED_LAST && c->spi_out > SPI_RESERVED_LAST &&
	       (aux || (c->aux_spi_in == 0 && c->aux_spi_out == 0));
}

static int form_of(struct dp *dp, const Dp__ChildInstall *c, const struct suite *esp, struct sa *sa)
{
	struct sa_keys k = keys_of(c);

	if (!suite_is_ah(sa->suite) && !c->transport)
		return 0;
	if (c->udp_encap || c->udp_port) /* RFC 3947 5.1; a transport checksum would need the
					    addresses inside */
		return -ERR_UNSUPPORTED;
	sa->form = form_new(dp->engine, suite_is_ah(sa->suite) ? esp : NULL, &k);
	if (!sa->form)
		return -ERR_NOMEM;
	sa->form->transport = c->transport;
	sa->form->spi_out = c->spi_out;
	sa->form->aux_in = c->aux_spi_in;
	sa->form->aux_out = c->aux_spi_out;
	sa->flags |= SA_FORMED;
	return 0;
}

static int sa_of(struct dp *dp, const Dp__ChildInstall *c, struct sa **out)
{
	const struct suite *esp, *suite = suite_of(c, &esp);
	struct lease first = lease_of(c->lease);
	struct sa_keys keys = keys_of(c);
	struct sa_cold *cold;
	struct sa *sa;
	int rc;

	if (!suite)
		return -ERR_UNSUPPORTED;
	if (!keys_fit(c, suite, esp) || !spis_fit(c) || c->rg >= RG_MAX || !outer_is_valid(c))
		return -ERR_VALUE;
	rc = cold_of(c, &cold);
	if (rc < 0)
		return rc;
	sa = sa_new(&dp->sh.sad.memory, suite, c->replay_window);
	if (!sa) {
		free(cold);
		return -ERR_NOMEM;
	}
	sa->spi_in = c->spi_in;
	sa->bucket = (uint16_t)spi_bucket(c->spi_in, atomic_load(&dp->sh.net)->bucket_bits);
	sa->rg = (uint8_t)c->rg;
	sa->flags = (uint8_t)((c->esn ? SA_ESN : 0) | (c->udp_encap || c->udp_port ? SA_UDP : 0) |
			      (c->soft_bytes || c->hard_bytes ? SA_LIMITED : 0));
	atomic_init(&sa->cold, cold);
	atomic_init(&sa->outbound, c->outbound);
	sa_key(sa, dp->engine, &keys);
	sa_template(sa, c->spi_out);
	sa->granted = first;
	/* RFC 4303 3.3.3: with nobody to rekey, and no window at the peer, the number goes round.
	 */
	seqno_init(&sa->out, c->esn || c->manual, c->strict_replay, &first);
	rc = form_of(dp, c, esp, sa);
	if (rc < 0) {
		sa_free(sa);
		return rc;
	}
	*out = sa;
	return 0;
}

/* Where it is between the routing instances of the picture. */
static void child_place(const struct net *n, const struct policy_sas *p, struct sa *sa)
{
	const struct iface *outside = net_iface_by_id(n, sa_cold(sa)->outside);

	p = p->of ? p->of : p;
	atomic_store(&sa_cold(sa)->tunnel, p->configured ? p->slot : IFACE_NONE);
	atomic_store(&sa->instance, outside ? outside->instance : 0);
}

void child_place_all(struct dp *dp)
{
	const struct net *n = atomic_load(&dp->sh.net);
	struct sa *sa;

	mark_configured(dp);
	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++) {
		struct policy_sas *p = sa ? policy_sas_get(dp, sa_cold(sa)->policy_id) : NULL;

		if (p)
			child_place(n, p, sa);
	}
}

static void defer_sa(struct dp *dp, void *sa)
{
	(void)dp;
	sa_free(sa);
}

static int install_new(struct dp *dp, struct sa *sa)
{
	struct policy_sas *p = policy_sas_get(dp, sa_cold(sa)->policy_id);
	struct sad_table *retired;
	int rc;

	if (p) {
		parts_join(dp, p, sa_cold(sa));
		child_place(atomic_load(&dp->sh.net), p, sa);
	}
	rc = p ? sad_add(&dp->sh.sad, sa, &retired) : -ERR_NOMEM;

	if (rc < 0) {
		if (p)
			parts_prune(dp, p);
		return rc;
	}
	if (retired)
		dp_defer(dp, defer_free, retired, NULL);
	rc = set_change(dp, p, NULL, sa);
	await_installed(dp, sa);
	return rc;
}

/* The same SA again (a restarted tandemd adopts it, an endpoint moved): its owner takes over what
 * differs and keeps counters, window and numbers. */
struct adopt {
	struct order o;
	uint32_t spi;
	struct sa *want; /* ours */
	struct sa_cold *old;
};

static void adopt_run(struct worker *w, struct command *c)
{
	struct adopt *a = container_of(c, struct adopt, o.c);
	struct sa *have = sad_find(&w->sh->sad, a->spi), *want = a->want;

	if (!have)
		return; /* deleted meanwhile */
	a->old = sa_cold(have);
	atomic_store_explicit(&have->cold, sa_cold(want), memory_order_release);
	atomic_store(&want->cold, NULL);
	memcpy(have->tmpl, want->tmpl, sizeof have->tmpl);
	have->overhead = want->overhead;
	have->outer = want->outer;
	atomic_store(&have->mtu, atomic_load(&want->mtu));
	have->flags = (uint8_t)((have->flags & ~(SA_UDP | SA_LIMITED)) |
				(want->flags & (SA_UDP | SA_LIMITED)));
	have->out.strict = want->out.strict;
	seqno_grant(&have->out, &want->out.lease, &have->in);
	if (atomic_load(&want->outbound))
		atomic_store(&have->outbound, true);
}

static void adopt_finish(struct dp *dp, struct order *o)
{
	struct adopt *a = container_of(o, struct adopt, o);
	struct sa *have = sad_find(&dp->sh.sad, a->spi);
	struct policy_sas *was, *is;

	if (have && a->old) {
		was = policy_sas_get(dp, a->old->policy_id);
		is = policy_sas_get(dp, sa_cold(have)->policy_id);
		if (was && was != is)
			(void)set_change(dp, was, have, NULL);
		if (is) {
			parts_join(dp, is, sa_cold(have));
			child_place(atomic_load(&dp->sh.net), is, have);
			(void)set_change(dp, is, NULL, have);
		}
	}
	if (a->old)
		dp_defer(dp, defer_free, a->old, NULL);
	sa_free(a->want);
}

static uint32_t owner_of(const struct dp *dp, const struct sa *sa)
{
	return atomic_load(&dp->sh.bucket_worker[sa->bucket]);
}

static int adopt(struct dp *dp, struct sa *have, struct sa *want, struct reply *r)
{
	struct adopt *a;

	if (!sa_same_keys(have, want) || have->rg != want->rg || have->out.esn != want->out.esn)
		return -ERR_EXISTS;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ERR_NOMEM;
	a->o.c.run = adopt_run;
	a->o.finish = adopt_finish;
	a->spi = have->spi_in;
	a->want = want;
	lease_add(&have->granted, &want->granted);
	dp_order(dp, owner_of(dp, have), &a->o, r);
	return 0;
}

void api_child_install(struct dp *dp, const Dp__ChildInstall *c, struct reply *r)
{
	struct sa *sa, *have;
	int rc;

	if (!dp->running) {
		reply_fail(r, -ERR_WRONG_STATE, "not configured yet");
		return;
	}
	rc = sa_of(dp, c, &sa);
	if (rc < 0) {
		reply_fail(r, rc, "SA %08x: %s", c->spi_in, err_text(rc));
		return;
	}
	have = sad_find(&dp->sh.sad, c->spi_in);
	rc = have ? adopt(dp, have, sa, r) : install_new(dp, sa);
	if (rc < 0) {
		sa_free(sa);
		reply_fail(r, rc, "SA %08x: %s", c->spi_in, err_text(rc));
	}
}

/* ---- update */

struct move {
	struct order o;
	uint32_t spi;
	struct endpoint remote;
	struct sa_cold *fresh, *old;
};

static void move_run(struct worker *w, struct command *c)
{
	struct move *m = container_of(c, struct move, o.c);
	struct sa *sa = sad_find(&w->sh->sad, m->spi);
	uint32_t spi_out;

	if (!sa)
		return;
	m->old = sa_cold(sa);
	spi_out = load_be32(sa->tmpl + sa->overhead);
	atomic_store_explicit(&sa->cold, m->fresh, memory_order_release);
	m->fresh = NULL;
	sa_template(sa, spi_out);
}

static void move_finish(struct dp *dp, struct order *o)
{
	struct move *m = container_of(o, struct move, o);

	free(m->fresh); /* the SA went meanwhile */
	if (m->old)
		dp_defer(dp, defer_free, m->old, NULL);
}

/* A copy of the cold part with another peer address; selectors point into the copy. */
static struct sa_cold *cold_moved(const struct sa_cold *c, const struct endpoint *remote)
{
	uint32_t n = (uint32_t)c->ts.n_local + c->ts.n_remote;
	struct sa_cold *k = sa_cold_new(n);

	if (!k)
		return NULL;
	memcpy(k, c, sizeof *c + n * sizeof c->selectors[0]);
	k->ts.local = k->selectors;
	k->ts.remote = k->selectors + c->ts.n_local;
	k->remote = *remote;
	atomic_store(&k->mtu_until_ns, 0);
	return k;
}

static int move_order(struct dp *dp, struct sa *sa, const Dp__Endpoint *to, struct reply *r)
{
	struct move *m = calloc(1, sizeof *m);
	int rc = m ? endpoint_of(to, &m->remote) : -ERR_NOMEM;

	if (rc == 0) {
		m->fresh = cold_moved(sa_cold(sa), &m->remote);
		rc = m->fresh ? 0 : -ERR_NOMEM;
	}
	if (rc < 0) {
		free(m);
		return rc;
	}
	m->spi = sa->spi_in;
	m->o.c.run = move_run;
	m->o.finish = move_finish;
	dp_order(dp, owner_of(dp, sa), &m->o, r);
	return 0;
}

void api_child_update(struct dp *dp, const Dp__ChildUpdate *c, struct reply *r)
{
	struct sa *sa = sad_find(&dp->sh.sad, c->spi_in);
	int rc = 0;

	if (!sa)
		rc = -ERR_NOT_FOUND;
	else if (c->what_case == DP__CHILD_UPDATE__WHAT_OUTBOUND)
		atomic_store(&sa->outbound, c->outbound);
	else if (c->what_case == DP__CHILD_UPDATE__WHAT_REMOTE)
		rc = move_order(dp, sa, c->remote, r);
	else
		rc = -ERR_VALUE;
	if (rc < 0)
		reply_fail(r, rc, "SA %08x: %s", c->spi_in, err_text(rc));
}

/* ---- delete */

static void child_remove(struct dp *dp, uint32_t spi, struct reply *r)
{
	struct sa *sa = sad_remove(&dp->sh.sad, spi);
	struct policy_sas *p;

	if (!sa)
		return; /* deleted before: as asked */
	p = policy_sas_get(dp, sa_cold(sa)->policy_id);
	if (p)
		(void)set_change(dp, p, sa, NULL);
	dp_defer(dp, defer_sa, sa, r);
}

void api_child_delete(struct dp *dp, const Dp__ChildDelete *c, struct reply *r)
{
	for (size_t i = 0; i < c->n_spi_in; i++)
		child_remove(dp, c->spi_in[i], r);
}

void child_drop_all(struct dp *dp)
{
	struct policy_entry *e, *tmp;

	sad_fini(&dp->sh.sad);
	map_foreach (dp->policies, e, tmp) {
		HASH_DEL(dp->policies, e);
		spd_live_free(atomic_load(&e->sas.parts));
		free(atomic_load(&e->sas.set));
		free(e);
	}
}

/* ---- what a hung worker had */

static void defer_cloned(struct dp *dp, struct sa *old, struct sa *sa)
{
	struct policy_sas *p = policy_sas_get(dp, sa_cold(sa)->policy_id);

	(void)sad_replace(&dp->sh.sad, sa);
	if (p)
		(void)set_change(dp, p, old, sa);
	dp_defer(dp, defer_sa, old, NULL);
}

/* The last epoch in which the dataplane may have acted. */
static uint64_t last_epoch(const struct dp *dp, uint8_t rg)
{
	struct rg_handover *h = atomic_load(&dp->sh.rgs[rg].handover);
	uint64_t early = h ? atomic_load(&h->epoch) : 0;

	return MAX(dp->rgs[rg].epoch, early);
}

void child_clone_of(struct dp *dp, uint32_t worker)
{
	uint32_t nth = atomic_load(&dp->sh.revocations);
	struct sa *sa;

	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++) {
		struct sa_cold *cold;
		struct sa *clone;

		if (!sa || dp->crew.owner[sa->bucket] != worker)
			continue;
		cold = cold_moved(sa_cold(sa), &sa_cold(sa)->remote);
		clone = cold ? sa_clone(sa, cold, last_epoch(dp, sa->rg), nth) : NULL;
		if (!clone)
			dp_give_up(dp, "out of memory"); /* two owners are worse than none */
		defer_cloned(dp, sa, clone);
	}
}

/* ---- leases */

struct grant {
	struct order o;
	uint32_t n;

	struct {
		uint32_t spi;
		struct lease lease;
	} v[];
};

static void grant_run(struct worker *w, struct command *c)
{
	struct grant *g = container_of(c, struct grant, o.c);

	for (uint32_t i = 0; i < g->n; i++) {
		struct sa *sa = sad_find(&w->sh->sad, g->v[i].spi);

		if (sa)
			seqno_grant(&sa->out, &g->v[i].lease, &sa->in);
	}
}

void api_lease_grant(struct dp *dp, const Dp__LeaseGrant *q, struct reply *r)
{
	struct grant *g[WORKER_MAX] = {0};

	for (size_t i = 0; i < q->n_leases; i++) {
		struct sa *sa = sad_find(&dp->sh.sad, q->leases[i]->spi_in);
		uint32_t to;

		if (!sa || !dp->running)
			continue; /* on its way in or out; the next entry tells again */
		to = owner_of(dp, sa);
		if (!g[to]) {
			g[to] = calloc(1, sizeof *g[to] + q->n_leases * sizeof g[to]->v[0]);
			if (!g[to]) {
				reply_fail(r, -ERR_NOMEM, "out of memory");
				break;
			}
			g[to]->o.c.run = grant_run;
		}
		g[to]->v[g[to]->n].spi = sa->spi_in;
		g[to]->v[g[to]->n].lease = lease_of(q->leases[i]);
		lease_add(&sa->granted, &g[to]->v[g[to]->n++].lease);
	}
	for (uint32_t i = 0; i < WORKER_MAX; i++)
		if (g[i])
			dp_order(dp, i, &g[i]->o, r);
}
