/*
 * Every pair of things that the two ends of one IKE SA can do at the same time (RFC 7296 2.8,
 * 2.25), in every order of what is under way, and in many orders with each single packet lost, or
 * delivered twice. When nothing is under way any more both ends must agree on everything.
 *
 * The same, with fewer orders, where child SAs belong to workers (RFC 9611) and where rekeys take
 * a further key exchange (RFC 9370 2.2.4).
 *
 * IKE_PAIR=n only that pair (11 * what a does + what b does); IKE_ORDERS=n walks more orders,
 * IKE_STROLLS=n takes more of those with a fault.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/resource.h"
#include "pair_walk.h"

enum deed {
	REKEY_CHILD,
	REKEY_IKE,
	REAUTH,
	CLEAR_CHILD,
	CLEAR_IKE,
	MAKE, /* another child, for another tunnel */
	PROBE,
	CHILD_EXPIRES,
	IKE_EXPIRES,
	OWN,   /* a worker's first packet without an SA of its own */
	FEWER, /* a worker goes */
	DEEDS
};

/* What both ends are like, and how much of it is walked. */
struct setting {
	const char *name, *extra;
	int workers;
	unsigned orders, strolls, latest;
	bool (*has)(enum deed a, enum deed b);
};

static const char *const texts[DEEDS] = {"rekeys the child", "rekeys the IKE SA",
	"authenticates anew", "deletes the child", "closes the IKE SA", "makes another child",
	"probes", "ends a child's life", "ends the IKE SA's life", "makes one for a worker",
	"loses a worker"};

/* Afterwards the first child must be there without anybody asking for it. */
static bool stays(enum deed d)
{
	return d == REKEY_CHILD || d == REKEY_IKE || d == REAUTH || d == MAKE || d == PROBE ||
	       d == OWN || d == FEWER;
}

static bool is_of_workers(enum deed d)
{
	return d == OWN || d == FEWER;
}

static bool usual(enum deed a, enum deed b)
{
	return !is_of_workers(a) && !is_of_workers(b);
}

static bool first_is_of_workers(enum deed a, enum deed b)
{
	(void)b;
	return is_of_workers(a);
}

static bool first_is_a_rekey(enum deed a, enum deed b)
{
	return usual(a, b) && (a == REKEY_IKE || a == REKEY_CHILD);
}

static const struct setting settings[] = {
	{"as usual", "", 1, 150, 2, 16, usual},
	{"children of workers", "set security ipsec vpn V multi-sa per-worker\n", 2, 8, 1, 4,
		first_is_of_workers},
	{"further key exchanges", "set security ike proposal P additional-key-exchange group19\n",
		1, 6, 1, 3, first_is_a_rekey},
};

static unsigned limit(const char *name, unsigned usual)
{
	const char *said = getenv(name);

	return said ? (unsigned)strtoul(said, NULL, 10) : usual;
}

/* ---------------------------------------------------------------- deeds */

static void acquire(struct pair *p, int node, const char *selector)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = model_policy_id("V", selector);
	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static void tick(struct pair *p, int node)
{
	struct ike_event ev = {.type = IKE_EV_TICK};

	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static void expire_child(struct pair *p, int node)
{
	struct ike_event ev = {.type = IKE_EV_CHILD_LIFETIME};

	ev.limit = (struct ike_ev_child_limit){pair_child(p, node)->spi_in, IKE_LIMIT_HARD};
	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static void expire_sa(struct pair *p, int node)
{
	pair_sa(p, node)->at_hard = p->now_ms;
	sa_rearm(p->node[node].ike, pair_sa(p, node));
	tick(p, node);
}

static void lose_worker(struct pair *p, int node)
{
	struct ike_event ev = {.type = IKE_EV_WORKERS, .workers = 1};

	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static void do_deed(struct pair *p, int node, enum deed d)
{
	static const enum ike_operation operation[] = {IKE_OP_REKEY_CHILD, IKE_OP_REKEY_IKE,
		IKE_OP_REAUTH_IKE, IKE_OP_CLEAR_CHILD, IKE_OP_CLEAR_IKE};

	switch (d) {
	case MAKE:
		acquire(p, node, "T2");
		break;
	case PROBE:
		pair_sa(p, node)->want_probe = true;
		list_add_tail(&p->node[node].ike->work, &pair_sa(p, node)->of_work);
		tick(p, node);
		break;
	case CHILD_EXPIRES:
		expire_child(p, node);
		break;
	case IKE_EXPIRES:
		expire_sa(p, node);
		break;
	case OWN:
		pair_own(p, node, 1);
		break;
	case FEWER:
		lose_worker(p, node);
		break;
	case REKEY_CHILD:
	case REKEY_IKE:
	case REAUTH:
	case CLEAR_CHILD:
	case CLEAR_IKE:
		(void)pair_operate(p, node, operation[d], NULL);
		break;
	case DEEDS:
	default:
		break;
	}
}

/* ---------------------------------------------------------------- what must be */

/* Of all workers, or of one, as the engine counts them. */
static unsigned children_of(struct pair *p, int node, const char *selector, bool own)
{
	const struct tunnel *t = tunnel_find(p->node[node].ike, model_policy_id("V", selector));
	const struct child *c;
	unsigned n = 0;

	assert_non_null(t);
	list_foreach (c, &t->children, of_tunnel)
		n += (c->resource != 0) == own;
	return n;
}

static void check_engine(struct pair *p, int node)
{
	const struct ike *ike = p->node[node].ike;
	struct ike_sa *sa, *next;

	assert_int_equal(ike->stats.ike_dead, 0);
	assert_int_equal(ike->stats.restore_failed, 0);
	assert_int_equal(ike->half_open, 0);
	assert_null(ike->jobs);
	assert_null(ike->holds.by_ticket);
	assert_null(ike->holds.installs);
	assert_int_equal(linger_count(ike), 0);
	assert_int_equal(ike->stats.child_up - ike->stats.child_down, pair_children(p, node));
	HASH_ITER(hh, ike->sas, sa, next)
	{
		if (sa->state != SA_UP)
			continue;
		assert_int_equal(sa->orphan, 0);
		assert_false(sa->want_close || sa->want_rekey || sa->want_probe);
		assert_true(sa->in == NULL && sa->out == NULL);
		assert_true(sa->has_children);
		assert_true(sa->successor == 0);
	}
	assert_in_range(children_of(p, node, "T1", false), 0, 1);
	assert_in_range(children_of(p, node, "T2", false), 0, 1);
	assert_in_range(children_of(p, node, "T1", true), 0, p->workers > 1 ? 2 : 0);
	assert_int_equal(children_of(p, node, "T2", true), 0);
}

static void check_rest(struct pair *p)
{
	pair_check_agreed(p, 0, 1);
	for (int i = 0; i < 2; i++) {
		struct ike_sa *sa = pair_sa(p, i);

		check_engine(p, i);
		assert_in_range(pair_open_sas(p, i), 0, 1);
		if (sa)
			assert_int_equal(sa->next_tx, pair_sa(p, !i)->next_rx);
	}
}

static void check_end(struct pair *p, enum deed a, enum deed b)
{
	bool both = stays(a) && stays(b);

	pair_pass(p, 240000);
	check_rest(p);
	if (both) {
		assert_int_equal(children_of(p, 0, "T1", false), 1);
		assert_int_equal(children_of(p, 0, "T2", false), a == MAKE || b == MAKE);
		/* After a new authentication it asks when it has traffic again. */
		if (a == OWN && b != FEWER && b != REAUTH)
			assert_in_range(children_of(p, 0, "T1", true), 1, 2);
	}
	if (both && a != REAUTH && b != REAUTH)
		assert_int_equal(
			p->node[0].ike->stats.ike_responded + p->node[1].ike->stats.ike_responded,
			1);
	/* What is left works, and can be made whole. */
	acquire(p, 0, "T1");
	acquire(p, 1, "T2");
	pair_pass(p, 60000);
	check_rest(p);
	assert_int_equal(pair_open_sas(p, 0), 1);
	assert_int_equal(children_of(p, 0, "T2", false), 1);
	/* One that a worker has serves the others, too. */
	if (children_of(p, 0, "T1", true) == 0)
		assert_int_equal(children_of(p, 0, "T1", false), 1);
}

/* ---------------------------------------------------------------- faults */

enum fault_kind { NO_FAULT, LOSS, TWICE };

struct fault {
	enum fault_kind kind;
	int node; /* that sent it, */
	unsigned nth;
	bool happened;
	uint32_t dice;
	unsigned later; /* steps until the other end's deed */
};

static bool faulty_wire(struct pair *p, struct packet *k)
{
	struct fault *f = (struct fault *)p->wire_ctx;

	if (f->kind == NO_FAULT || f->happened || k->node != f->node || k->nth != f->nth)
		return true;
	f->happened = true;
	if (f->kind == TWICE)
		pair_inject(p, k);
	return f->kind == TWICE;
}

static unsigned pick(void *ctx, unsigned n)
{
	struct fault *f = (struct fault *)ctx;

	f->dice = f->dice * 1664525 + 1013904223;
	return (f->dice >> 8) % n;
}

#define T2(local, remote)                                                                          \
	"set security ipsec vpn V traffic-selector T2 local-ip " local "\n"                        \
	"set security ipsec vpn V traffic-selector T2 remote-ip " remote "\n"

static struct pair *begin(const struct setting *in, enum deed a, enum deed b, struct fault *f)
{
	struct pair_side x = side_a, y = side_b;
	char extra[2][512];
	struct pair *p;

	(void)snprintf(
		extra[0], sizeof extra[0], "%s%s", T2("10.3.0.0/16", "10.4.0.0/16"), in->extra);
	(void)snprintf(
		extra[1], sizeof extra[1], "%s%s", T2("10.4.0.0/16", "10.3.0.0/16"), in->extra);
	x.extra = extra[0];
	y.extra = extra[1];
	p = pair_up_of(&x, &y);
	if (in->workers > 1)
		pair_workers(p, in->workers);
	f->nth += p->node[f->node].sent;
	p->wire_ctx = f;
	p->wire = faulty_wire;
	do_deed(p, 0, a);
	pair_stroll_a_little(p, f->later, pick, f);
	if (b == MAKE || (pair_sa(p, 1) && (b != CHILD_EXPIRES || pair_child(p, 1))))
		do_deed(p, 1, b);
	return p;
}

/* ---------------------------------------------------------------- walking */

struct tally {
	const struct setting *in;
	unsigned runs, all, collisions;
};

static void walk_orders(enum deed a, enum deed b, struct tally *t)
{
	struct pair_walk *w = calloc(1, sizeof *w);
	unsigned most = limit("IKE_ORDERS", t->in->orders), runs = 0;
	bool more;

	assert_non_null(w);
	do {
		struct fault f = {.kind = NO_FAULT};
		struct pair *p = begin(t->in, a, b, &f);

		if (pair_walk(w, p)) {
			check_end(p, a, b);
			t->runs++;
			t->collisions += p->node[0].ike->stats.collisions != 0;
		}
		pair_free(p);
		more = pair_walk_next(w);
	} while (more && ++runs < most);
	t->all += !more && !w->cut;
	free(w);
}

/* False: there is no such packet. */
static bool stroll_once(enum deed a, enum deed b, struct fault f, struct tally *t)
{
	struct pair *p = begin(t->in, a, b, &f);

	pair_stroll(p, pick, &f);
	check_end(p, a, b);
	t->runs++;
	t->collisions += p->node[0].ike->stats.collisions != 0;
	pair_free(p);
	return f.happened;
}

static void stroll_faults(enum deed a, enum deed b, enum fault_kind kind, struct tally *t)
{
	unsigned strolls = limit("IKE_STROLLS", t->in->strolls);

	for (int node = 0; node < 2; node++) {
		bool any = true;

		for (unsigned nth = 0; any; nth++) {
			any = false;
			for (unsigned i = 0; i < strolls; i++)
				any |= stroll_once(a, b,
					(struct fault){.kind = kind,
						.node = node,
						.nth = nth,
						.dice = (i * 31 + nth) * 2654435761u + kind},
					t);
		}
	}
}

typedef void walk_fn(enum deed a, enum deed b, struct tally *t);

static void each_pair_in(const struct setting *in, walk_fn *one, const char *how)
{
	struct tally t = {.in = in};
	unsigned pairs = 0;

	for (int a = 0; a < DEEDS; a++)
		for (int b = 0; b < DEEDS; b++) {
			if (!in->has((enum deed)a, (enum deed)b) ||
				(limit("IKE_PAIR", DEEDS * DEEDS) < DEEDS * DEEDS &&
					limit("IKE_PAIR", 0) != (unsigned)(a * DEEDS + b)))
				continue;
			print_message("# %s: a %s, b %s, %s\n", in->name, texts[a], texts[b], how);
			one((enum deed)a, (enum deed)b, &t);
			pairs++;
		}
	print_message("# %s, %s: %u runs of %u pairs, %u pairs in all orders, %u collisions\n",
		in->name, how, t.runs, pairs, t.all, t.collisions);
}

static void each_pair(walk_fn *one, const char *how)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		each_pair_in(&settings[i], one, how);
}

static void each_loss(enum deed a, enum deed b, struct tally *t)
{
	stroll_faults(a, b, LOSS, t);
}

static void each_repetition(enum deed a, enum deed b, struct tally *t)
{
	stroll_faults(a, b, TWICE, t);
}

/* The second deed begins when the first is under way, or just over. */
static void each_delay(enum deed a, enum deed b, struct tally *t)
{
	unsigned strolls = limit("IKE_STROLLS", t->in->strolls);

	for (unsigned later = 1; later < t->in->latest; later++)
		for (unsigned i = 0; i < strolls; i++)
			(void)stroll_once(a, b,
				(struct fault){.kind = NO_FAULT,
					.later = later,
					.dice = (i * 37 + later) * 2654435761u},
				t);
}

static void one_after_the_other(void **state)
{
	(void)state;
	each_pair(each_delay, "one a little later");
}

static void every_order(void **state)
{
	(void)state;
	each_pair(walk_orders, "every order");
}

static void every_packet_lost(void **state)
{
	(void)state;
	each_pair(each_loss, "a packet is lost");
}

static void every_packet_twice(void **state)
{
	(void)state;
	each_pair(each_repetition, "a packet comes twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order),
		cmocka_unit_test(every_packet_lost),
		cmocka_unit_test(every_packet_twice),
		cmocka_unit_test(one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
