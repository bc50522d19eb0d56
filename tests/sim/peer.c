#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { HISTORY = 4096, RETRANSMIT_MS = 150 };

struct peer {
	uint32_t p, rg;
	bool forgiven;
	uint64_t lineage; /* 0 = wants one */
	uint64_t token;
	uint32_t mid; /* of the request under way */
	bool waiting;
	uint64_t answers[HISTORY];  /* by message ID, 0 = none yet */
	uint64_t requests[HISTORY]; /* theirs */
	uint32_t their_mid;
	uint32_t spi;
	uint64_t seq; /* ESP sent */
	bool fresh;   /* nothing sent with this SPI yet */
	uint32_t from;
	uint64_t progress, asked_ns;
};

uint64_t peer_progress(const struct world *w, uint32_t p)
{
	return w->peer[p]->progress;
}

bool peer_is_at(const struct world *w, uint32_t p, uint32_t mid)
{
	return w->peer[p]->lineage && w->peer[p]->mid == mid;
}

static void begin_anew(struct peer *a)
{
	a->lineage = 0;
	a->token++;
	a->mid = 0;
	a->their_mid = 0;
	a->waiting = false;
	a->spi = 0;
	memset(a->answers, 0, sizeof a->answers);
	memset(a->requests, 0, sizeof a->requests);
}

void peer_forgive(struct world *w, uint32_t p)
{
	w->peer[p]->forgiven = true;
}

void peer_restart(struct world *w, uint32_t p)
{
	begin_anew(w->peer[p]);
	w->peer[p]->forgiven = true;
}

/* What may not happen, unless the observer knows why. */
static bool wrong(struct world *w, struct peer *a, const char *what, uint32_t n, uint32_t mid)
{
	if (a->forgiven || check_is_tainted(w, a->rg)) {
		begin_anew(a);
		return true;
	}
	world_violate(w, "%s: peer %u message %u from n%u", what, a->p, mid, n);
	return true;
}

/* ---------------------------------------------------------------- sending */

struct packet {
	struct datagram d;
};

static void punt(struct world *w, uint32_t n, void *data)
{
	app_datagram(w, n, (const struct datagram *)data);
}

/* At a node's port: its dataplane takes it only where it acts. */
static void arrive(struct world *w, uint32_t n, void *data)
{
	const struct packet *pk = data;
	struct datagram *copy;

	if (!dp_acts(w, n, pk->d.peer % w->rgs) || !w->proc[n][WHO_CONTROL].up)
		return;
	copy = malloc(sizeof *copy);
	if (!copy)
		abort();
	*copy = pk->d;
	to_control(w, n, punt, copy);
}

static void send(struct world *w, const struct datagram *d)
{
	if (chance(w, 3))
		return;
	for (uint32_t n = 0; n < w->nodes; n++) {
		struct packet *pk = malloc(sizeof *pk);

		if (!pk)
			abort();
		pk->d = *d;
		if (w->proc[n][WHO_DATAPLANE].up)
			world_at(w, US(rnd_between(w, 200, chance(w, 5) ? 90000 : 1500)),
				WHO_DATAPLANE, n, arrive, pk);
		else
			free(pk);
	}
}

static void send_request(struct world *w, struct peer *a)
{
	struct datagram d = {.peer = a->p,
		.lineage = a->lineage,
		.token = a->token,
		.mid = a->mid,
		.content = 1};

	a->asked_ns = w->now;
	send(w, &d);
}

static void ask(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(uint32_t *)data;
	struct peer *a = w->peer[p];
	uint32_t *again = malloc(sizeof *again);

	(void)node;
	if (!again)
		abort();
	*again = p;
	if (!a->waiting) {
		a->waiting = true;
		if (a->lineage)
			a->mid++;
		send_request(w, a);
	} else if (w->now - a->asked_ns >= MSEC(RETRANSMIT_MS)) {
		send_request(w, a);
	}
	if (a->mid >= HISTORY - 1)
		begin_anew(a);
	world_at(w, MSEC(rnd_between(w, 10, 60)), WHO_WORLD, 0, ask, again);
}

struct esp {
	uint32_t spi;
	uint64_t seq;
	bool fresh;
};

static void esp_arrive(struct world *w, uint32_t n, void *data)
{
	const struct esp *e = data;

	dp_receive(w, n, e->spi, e->seq, e->fresh);
}

static void esp_to_all(struct world *w, const struct peer *a, uint64_t seq, bool fresh)
{
	for (uint32_t n = 0; n < w->nodes; n++) {
		struct esp *e = malloc(sizeof *e);

		if (!e)
			abort();
		*e = (struct esp){a->spi, seq, fresh && n == a->from};
		if (w->proc[n][WHO_DATAPLANE].up)
			world_at(w, US(rnd_between(w, 100, 900)), WHO_DATAPLANE, n, esp_arrive, e);
		else
			free(e);
	}
}

/* ESP, and an attacker who plays some of it again. */
static void traffic(struct world *w, uint32_t node, void *data)
{
	uint32_t p = *(uint32_t *)data;
	struct peer *a = w->peer[p];
	uint32_t *again = malloc(sizeof *again);

	(void)node;
	if (!again)
		abort();
	*again = p;
	if (a->spi) {
		a->seq += rnd_between(w, 1, 40);
		esp_to_all(w, a, a->seq, false);
		if (chance(w, 20))
			esp_to_all(w, a, a->seq - rnd_below(w, a->seq < 50 ? a->seq : 50), false);
	}
	world_at(w, MSEC(rnd_between(w, 5, 40)), WHO_WORLD, 0, traffic, again);
}

/* ---------------------------------------------------------------- receiving */

struct from_node {
	uint32_t n;
	struct datagram d;
};

static void new_child(struct world *w, struct peer *a, uint32_t spi, uint32_t n)
{
	if (spi == 0 || spi == a->spi)
		return;
	a->spi = spi;
	a->seq = 1;
	a->from = n;
	esp_to_all(w, a, 1, true);
}

static void on_answer(struct world *w, struct peer *a, uint32_t n, const struct datagram *d)
{
	if (a->lineage == 0) { /* the first answer */
		if (d->token != a->token)
			return;
		a->forgiven = false;
		a->waiting = false;
		a->lineage = d->lineage;
		a->answers[0] = d->content;
		a->progress++;
		new_child(w, a, d->spi, n);
		return;
	}
	if (d->lineage != a->lineage || d->mid >= HISTORY)
		return; /* of an IKE SA that is gone */
	if (d->mid > a->mid) {
		(void)wrong(w, a, "I6 an answer to what was never asked", n, d->mid);
		return;
	}
	if (a->answers[d->mid] && a->answers[d->mid] != d->content) {
		(void)wrong(w, a, "I2 two answers to one request", n, d->mid);
		return;
	}
	a->answers[d->mid] = d->content;
	if (d->mid == a->mid && a->waiting) {
		a->waiting = false;
		a->progress++;
		new_child(w, a, d->spi, n);
	}
}

static void on_request(struct world *w, struct peer *a, uint32_t n, const struct datagram *d)
{
	struct datagram answer = {.peer = a->p,
		.answer = true,
		.lineage = d->lineage,
		.mid = d->mid,
		.content = d->content};

	if (d->lineage != a->lineage || d->mid >= HISTORY)
		return;
	if (a->requests[d->mid] != d->content)
		world_say(w, "   peer %u lineage %llx gets request %u %llx from n%u", a->p,
			(unsigned long long)d->lineage, d->mid, (unsigned long long)d->content, n);
	if (d->mid > a->their_mid + 1) {
		(void)wrong(w, a, "I6 a message ID left out", n, d->mid);
		return;
	}
	if (a->requests[d->mid] && a->requests[d->mid] != d->content) {
		(void)wrong(w, a, "I1 two requests with one message ID", n, d->mid);
		return;
	}
	a->requests[d->mid] = d->content;
	if (d->mid == a->their_mid + 1)
		a->their_mid++;
	if (d->mid == a->their_mid)
		send(w, &answer);
}

static void receive(struct world *w, uint32_t node, void *data)
{
	const struct from_node *f = data;
	struct peer *a = w->peer[f->d.peer];

	(void)node;
	if (f->d.lost_state) {
		if (a->lineage && f->d.lineage == a->lineage)
			(void)wrong(w, a, "I8 the IKE SA was lost", f->n, a->mid);
	} else if (f->d.answer) {
		on_answer(w, a, f->n, &f->d);
	} else {
		on_request(w, a, f->n, &f->d);
	}
}

/* The node's own dataplane sends it, if it acts. */
void peer_datagram(struct world *w, uint32_t n, const struct datagram *d)
{
	struct from_node *f;

	if (!dp_acts(w, n, d->peer % w->rgs) || chance(w, 3))
		return;
	f = malloc(sizeof *f);
	if (!f)
		abort();
	*f = (struct from_node){n, *d};
	world_at(w, US(rnd_between(w, 200, chance(w, 5) ? 90000 : 1500)), WHO_WORLD, 0, receive, f);
}

struct peer *peer_new(struct world *w, uint32_t p)
{
	struct peer *a = calloc(1, sizeof *a);
	uint32_t *x = malloc(sizeof *x), *y = malloc(sizeof *y);

	if (!a || !x || !y)
		abort();
	a->p = p;
	a->rg = p % w->rgs;
	a->token = 1;
	*x = *y = p;
	world_at(w, MSEC(500), WHO_WORLD, 0, ask, x);
	world_at(w, MSEC(500), WHO_WORLD, 0, traffic, y);
	return a;
}

void peer_free(struct peer *peer)
{
	free(peer);
}
