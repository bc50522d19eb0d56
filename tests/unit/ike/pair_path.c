#include "pair.h"

/* Longest that a packet may be on its way. */
#define LATE_MS (LINGER_MS - 500)

static struct pair_child *held(struct pair_node *n, uint32_t spi_in)
{
	struct pair_child *c = n->sad;

	while (c && (c->spi_in != spi_in || !c->live))
		c = c->next;
	return c;
}

/* The newest of that worker that may send. */
static const struct pair_child *newest(const struct pair_node *n, uint8_t hint, bool any)
{
	const struct pair_child *c, *best = NULL;

	for (c = n->sad; c; c = c->next)
		if (c->outbound && c->live && (any || c->worker_hint == hint) &&
			(!best || c->order > best->order))
			best = c;
	return best;
}

/* As dataplane/node/spd_out.c chooses: its own, else everybody's, else anybody's. */
static const struct pair_child *sender(const struct pair_node *n, int worker)
{
	const struct pair_child *c = newest(n, (uint8_t)(worker + 1), false);

	if (!c)
		c = newest(n, 0, false);
	return c ? c : newest(n, 0, true);
}

static void retire(struct pair *p, struct pair_path *w)
{
	unsigned k = 0;

	if (w->sending == 0)
		return;
	for (unsigned i = 0; i < w->n_late; i++)
		if (w->late[i].until_ms > p->now_ms)
			w->late[k++] = w->late[i];
	w->n_late = k;
	assert_in_range(k, 0, ARRAY_LEN(w->late) - 1);
	w->late[w->n_late].spi = w->sending;
	w->late[w->n_late++].until_ms = p->now_ms + LATE_MS;
}

static void begin(struct pair *p, int n, struct pair_path *w, const struct pair_child *c)
{
	const struct pair_child *there = held(&p->node[!n], c->spi_out);
	struct pair_node *node = &p->node[n];

	retire(p, w);
	w->sending = c->spi_out;
	pair_task_add(p, TASK_DATA, !n)->spi = c->spi_out;
	/* A timer (architecture rule 10) hopes; a message knows. */
	if (p->running && there && node->clock[!n] < there->stamp)
		fail_msg("%s sends with %08x before it can know that it is installed", node->name,
			c->spi_out);
}

static void look_at(struct pair *p, int n, int worker)
{
	const struct pair_child *c = sender(&p->node[n], worker);
	struct pair_path *w = &p->node[n].path[worker];

	if (!c) {
		fail_msg("%s has nothing to send with", p->node[n].name);
		return;
	}
	if (c->spi_out != w->sending)
		begin(p, n, w, c);
	if (!held(&p->node[!n], w->sending))
		fail_msg("%s sends with %08x, which is not installed", p->node[n].name, w->sending);
	for (unsigned i = 0; i < w->n_late; i++)
		if (w->late[i].until_ms > p->now_ms && !held(&p->node[!n], w->late[i].spi))
			fail_msg("%08x is gone while packets are on the way", w->late[i].spi);
}

void pair_path_look(struct pair *p)
{
	for (int w = 0; w < p->workers; w++) {
		look_at(p, 0, w);
		look_at(p, 1, w);
	}
}

/* It opens the SA, as dataplane/node/esp_in.c does. */
void pair_path_data(struct pair *p, const struct task *t)
{
	struct ike_event ev = {.type = IKE_EV_INBOUND_FIRST, .inbound_first = t->spi};
	struct pair_child *c = held(&p->node[t->node], t->spi);

	if (!c) {
		fail_msg("a packet with %08x is lost", t->spi);
		return;
	}
	if (c->seen)
		return;
	c->seen = c->outbound = true;
	assert_int_equal(pair_feed(p, t->node, &ev), 0);
}

void pair_path_on(struct pair *p)
{
	for (int w = 0; w < PAIR_WORKERS; w++)
		p->node[0].path[w] = p->node[1].path[w] = (struct pair_path){0};
	p->path = true;
	pair_path_look(p);
}

void pair_workers(struct pair *p, int n)
{
	struct ike_event ev = {.type = IKE_EV_WORKERS, .workers = (1u << n) - 1};

	assert_in_range(n, 1, PAIR_WORKERS);
	p->workers = n;
	for (int i = 0; i < PAIR_NODES; i++)
		if (p->node[i].ike)
			assert_int_equal(pair_feed(p, i, &ev), 0);
}

void pair_own(struct pair *p, int node, uint8_t worker)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = pair_policy(p, node);
	ev.acquire.worker_hint = (uint8_t)(worker + 1);
	assert_int_equal(pair_feed(p, node, &ev), 0);
}
