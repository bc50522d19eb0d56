/*
 * IKEv2 set-ups with pre-shared keys between two engines in one process: what a set-up costs the
 * responder, and what an IKE SA with its child keeps in memory.
 *
 *     ike_setups PEERS [JSON-FILE]
 *
 * The responder's share is the CPU time of its steps and of its key exchanges; the initiator's is
 * not counted. Then all children are rekeyed at once, and all deletes follow: what a rekey costs an
 * end, both halves of it on the average. Beside it, in the same run: two x25519 operations (one key
 * pair, one secret), the least that any responder must do. With `records` the packed records of
 * each set-up are copied as a log would; without, they are dropped.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "config/config.h"
#include "crypto/random.h"
#include "ike/show.h"
#include "ike/stats.h"
#include "ike/step.h"

enum { PEERS_MAX = 50000, QUEUE_MAX = 1 << 18, /* datagrams under way */ RG = 0 };

struct side {
	struct ike *ike;
	struct model *model;
	struct ike_effects fx;
	uint64_t cpu_ns, records, record_octets;
	bool measured, keep_records;
};

struct world {
	struct side side[2]; /* 0 initiator, 1 responder */
	struct crypto *crypto;
	uint64_t now_ms;

	struct {
		int to;
		struct ike_ev_datagram dg;
		struct blob octets;
	} queue[QUEUE_MAX];

	unsigned head, tail;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t interface_id(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static void feed(struct world *w, int who, struct ike_event *ev);

static void send_all(struct world *w, int from, const struct ike_fx_send *s)
{
	for (size_t i = 0; !s->keepalive && i < s->n; i++) {
		unsigned at = w->tail++ % QUEUE_MAX;

		if (blob_copy(s->datagrams[i], &w->queue[at].octets) < 0)
			abort();
		w->queue[at].to = 1 - from;
		w->queue[at].dg = (struct ike_ev_datagram){.interface_id = 1,
			.local = s->remote,
			.remote = s->local,
			.natt = s->natt,
			.octets = blob_view(&w->queue[at].octets)};
	}
}

static void log_records(struct side *s, const struct ike_fx_replicate *r)
{
	for (size_t i = 0; i < r->n; i++) {
		auto_blob copy = {0};

		s->records++;
		s->record_octets += r->items[i].body.n;
		if (s->keep_records && blob_copy(r->items[i].body, &copy) < 0)
			abort();
	}
}

/* Effects of one step; what they answer is fed after all of them. */
static void execute(struct world *w, int who)
{
	struct side *s = &w->side[who];
	struct ike_event *later = calloc(s->fx.n + 1, sizeof *later);
	size_t n = 0;

	if (!later)
		abort();
	for (size_t i = 0; i < s->fx.n; i++) {
		struct ike_effect *e = &s->fx.v[i];
		struct ike_event ev = {0};

		if (e->type == IKE_FX_SEND) {
			send_all(w, who, &e->send);
			continue;
		}
		if (e->type == IKE_FX_KEX) {
			uint64_t began = cpu_ns();

			ev.type = IKE_EV_KEX_DONE;
			ev.kex = take_ptr(e->kex);
			ike_kex_run(w->crypto, ev.kex);
			s->cpu_ns += cpu_ns() - began;
		} else if (e->type == IKE_FX_INSTALL) {
			ev.type = IKE_EV_INSTALLED;
			ev.installed.ticket = e->install.ticket;
		} else if (e->type == IKE_FX_REPLICATE) {
			log_records(s, &e->replicate);
			ev.type = IKE_EV_COMMITTED;
			ev.committed = e->replicate.ticket;
		} else {
			continue;
		}
		later[n++] = ev;
	}
	ike_effects_clear(&s->fx);
	for (size_t i = 0; i < n; i++)
		feed(w, who, &later[i]);
	free(later);
}

static void feed(struct world *w, int who, struct ike_event *ev)
{
	struct side *s = &w->side[who];
	uint64_t began = cpu_ns();

	ev->now_ms = w->now_ms;
	ev->wall_ms = w->now_ms;
	if (ike_step(s->ike, ev, &s->fx) < 0)
		abort();
	s->cpu_ns += cpu_ns() - began;
	execute(w, who);
}

static void settle(struct world *w)
{
	while (w->head != w->tail) {
		unsigned at = w->head++ % QUEUE_MAX;
		struct ike_event ev = {.type = IKE_EV_DATAGRAM, .datagram = w->queue[at].dg};
		struct blob octets = blob_take(&w->queue[at].octets);
		int to = w->queue[at].to;

		feed(w, to, &ev);
		blob_fini(&octets);
	}
}

/* ---------------------------------------------------------------- configuration */

static void add(FILE *f, int initiator, unsigned i)
{
	char peer[20];
	unsigned unit = initiator ? i : 0;

	(void)snprintf(peer, sizeof peer, "198.%u.%u.%u", 18 + (i >> 16), i >> 8 & 255, i & 255);
	if (initiator)
		fprintf(f, "set interfaces ge-0/0/0 unit %u family inet address %s/32\n", i, peer);
	fprintf(f, "set interfaces st0 unit %u family inet\n", i);
	fprintf(f, "set security ike gateway G%u ike-policy P\n", i);
	fprintf(f, "set security ike gateway G%u address %s\n", i, initiator ? "192.0.2.1" : peer);
	fprintf(f, "set security ike gateway G%u external-interface ge-0/0/0.%u\n", i, unit);
	fprintf(f, "set security ike gateway G%u version v2-only\n", i);
	fprintf(f, "set security ipsec vpn V%u bind-interface st0.%u\n", i, i);
	fprintf(f, "set security ipsec vpn V%u ike gateway G%u\n", i, i);
	fprintf(f, "set security ipsec vpn V%u ike ipsec-policy E\n", i);
	fprintf(f, "set security ipsec vpn V%u traffic-selector T local-ip %s\n", i,
		initiator ? "10.1.0.0/24" : "10.2.0.0/24");
	fprintf(f, "set security ipsec vpn V%u traffic-selector T remote-ip %s\n", i,
		initiator ? "10.2.0.0/24" : "10.1.0.0/24");
}

static struct model *configure(int initiator, unsigned peers)
{
	struct complaints c = {0};
	struct model *m = NULL;
	auto_blob why = {0};
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	fputs("set security ike proposal I dh-group group31\n"
	      "set security ike proposal I encryption-algorithm aes-256-gcm\n"
	      "set security ike policy P proposals I\n"
	      "set security ike policy P pre-shared-key ascii-text bench-key-1234\n"
	      "set security ipsec proposal E encryption-algorithm aes-256-gcm\n"
	      "set security ipsec policy E proposals E\n",
		f);
	if (!initiator)
		fputs("set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24\n", f);
	for (unsigned i = 0; i < peers; i++)
		add(f, initiator, i);
	(void)fclose(f);
	if (config_load(view_of(text, n), CONFIG_STANDALONE, &m, &c) < 0) {
		if (complaints_text(&c, &why) == 0)
			fprintf(stderr, "%.*s\n", (int)MIN(why.n, (size_t)2000), (char *)why.p);
		exit(1);
	}
	complaints_fini(&c);
	free(text);
	return m;
}

static void start(struct world *w, int who, unsigned peers)
{
	struct ike_config config = {.env = random_env(),
		.crypto = w->crypto,
		.iv_node = (uint8_t)who,
		.incarnation = 1,
		.interface_id = interface_id};
	struct ike_event ev = {.type = IKE_EV_RG, .rg = {.rg = RG, .active = true, .epoch = 1}};

	w->side[who].model = configure(who == 0, peers);
	ike_effects_init(&w->side[who].fx);
	if (ike_new(&config, w->side[who].model, &w->side[who].ike) < 0)
		abort();
	feed(w, who, &ev);
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	ev.rg.rg = RG;
	feed(w, who, &ev);
}

/* ---------------------------------------------------------------- runs */

static double bare_us(struct world *w)
{
	struct kex *a, *b;
	struct secret *s;
	uint64_t best = UINT64_MAX;

	if (kex_generate(w->crypto, 31, &b) < 0)
		abort();
	for (int i = 0; i < 200; i++) {
		uint64_t began = cpu_ns();

		if (kex_generate(w->crypto, 31, &a) < 0 ||
			kex_derive(w->crypto, a, kex_public(b), &s) < 0)
			abort();
		best = MIN(best, cpu_ns() - began);
		kex_free(a);
		secret_free(s);
	}
	kex_free(b);
	return (double)best / 1000;
}

static void run(struct world *w, unsigned peers, FILE *json)
{
	struct side *r = &w->side[1];
	size_t before = mallinfo2().uordblks, after;
	uint64_t cpu = r->cpu_ns;
	double us, bare = bare_us(w);

	for (unsigned i = 0; i < peers; i++) {
		char vpn[16];
		struct ike_event ev = {.type = IKE_EV_OPERATOR};

		(void)snprintf(vpn, sizeof vpn, "V%u", i);
		ev.operator_.op = IKE_OP_INITIATE;
		ev.operator_.filter.vpn = vpn;
		feed(w, 0, &ev);
		settle(w);
		w->now_ms++;
	}
	after = mallinfo2().uordblks;
	us = (double)(r->cpu_ns - cpu) / 1000 / peers;
	if (ike_show_stats(r->ike)->ike_up != peers || ike_show_stats(r->ike)->child_up != peers) {
		fprintf(stderr, "only %llu of %u came up\n",
			(unsigned long long)ike_show_stats(r->ike)->ike_up, peers);
		exit(1);
	}
	/* Both engines live in this process and keep the same: half of it is one's. */
	printf("%8u %12.1f %14.0f %12.1f %8.2f %16zu %12llu\n", peers, us, 1e6 / us, bare,
		us / bare, (after - before) / peers / 2,
		(unsigned long long)(r->record_octets / peers));
	if (json)
		fprintf(json,
			"{\"suite\":\"ike\",\"daemon\":\"engine\",\"replication\":\"packed\","
			"\"auth\":\"psk\",\"kex\":"
			"\"x25519\","
			"\"peers\":%u,\"responder_us\":%.1f,\"setups_per_cpu_s\":%.0f,"
			"\"bare_kex_us\":%.1f,\"bytes_per_sa\":%zu,\"record_bytes\":%llu}\n",
			peers, us, 1e6 / us, bare, (after - before) / peers / 2,
			(unsigned long long)(r->record_octets / peers));
}

static void pass(struct world *w, uint64_t ms)
{
	uint64_t end = w->now_ms + ms;

	while (w->now_ms < end) {
		uint64_t due = MIN(ike_deadline(w->side[0].ike), ike_deadline(w->side[1].ike));

		w->now_ms = MIN(end, MAX(due, w->now_ms + 1));
		for (int i = 0; i < 2; i++) {
			struct ike_event ev = {.type = IKE_EV_TICK};

			if (ike_deadline(w->side[i].ike) <= w->now_ms)
				feed(w, i, &ev);
		}
		settle(w);
	}
}

/* All at once, with their deletes a second later. */
static void rekey(struct world *w, unsigned peers, FILE *json)
{
	uint64_t cpu = w->side[0].cpu_ns + w->side[1].cpu_ns;
	struct ike_event ev = {.type = IKE_EV_OPERATOR};
	double us;

	ev.operator_.op = IKE_OP_REKEY_CHILD;
	feed(w, 0, &ev);
	settle(w);
	pass(w, 5000);
	us = (double)(w->side[0].cpu_ns + w->side[1].cpu_ns - cpu) / 1000 / 2 / peers;
	for (int i = 0; i < 2; i++) {
		const struct ike_stats *s = ike_show_stats(w->side[i].ike);

		if (s->child_rekeyed != peers || s->child_up - s->child_down != peers ||
			s->ike_dead != 0 || s->ike_down != 0) {
			fprintf(stderr, "%llu of %u rekeyed, %llu children left\n",
				(unsigned long long)s->child_rekeyed, peers,
				(unsigned long long)(s->child_up - s->child_down));
			exit(1);
		}
	}
	printf("%8u rekeys of children at once: %.1f us each, none lost\n", peers, us);
	if (json)
		fprintf(json,
			"{\"suite\":\"ike\",\"daemon\":\"engine\",\"what\":\"rekey\",\"children\":%"
			"u,"
			"\"rekey_us\":%.1f}\n",
			peers, us);
}

int main(int argc, char **argv)
{
	unsigned peers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
	FILE *json = argc > 2 ? fopen(argv[2], "w") : NULL;
	struct world *w = calloc(1, sizeof *w);

	if (!w || peers == 0 || peers > PEERS_MAX || (argc > 2 && !json) ||
		crypto_new(&w->crypto) < 0) {
		fprintf(stderr, "usage: ike_setups PEERS(1..%d) [JSON-FILE]\n", PEERS_MAX);
		return 2;
	}
	w->now_ms = 1000000;
	w->side[1].keep_records = true;
	start(w, 0, peers);
	start(w, 1, peers);
	printf("%8s %12s %14s %12s %8s %16s %12s\n", "peers", "us a set-up", "set-ups/CPU s",
		"bare x25519", "ratio", "octets an SA", "records");
	run(w, peers, json);
	rekey(w, peers, json);
	for (int i = 0; i < 2; i++) {
		ike_free(w->side[i].ike);
		ike_effects_fini(&w->side[i].fx);
		model_free(w->side[i].model);
	}
	crypto_free(w->crypto);
	free(w);
	return json ? fclose(json) : 0;
}
