#include "host/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "host/daemon.h"
#include "host/dp_child.h"
#include "host/manual.h"

enum { LEASE_KEY_LEN = 5, LEASE_BODY_MAX = 128 };

#define TMPFS 0x01021994 /* statfs(2) */

static const uint8_t epoch_key[] = {'E'};

/* ---------------------------------------------------------------- what waits for the disk */

enum local_wish { WISH_COMMIT, WISH_GRANT, WISH_ACT };

struct local_waiting {
	struct local_waiting *next;
	uint64_t serial;
	enum local_wish wish;
	uint64_t ticket;   /* COMMIT */
	struct blob grant; /* GRANT: packed dp.LeaseGrant */
	uint32_t round;	   /* ACT */
};

static void grant(struct local *l, struct view packed)
{
	Dp__Request r = DP__REQUEST__INIT;
	Dp__LeaseGrant *g = dp__lease_grant__unpack(NULL, packed.n, packed.p);

	if (!g)
		return;
	r.body_case = DP__REQUEST__BODY_LEASE_GRANT;
	r.lease_grant = g;
	if (dp_client_send(&l->d->dp, &r, NULL, NULL) < 0)
		log_debug(&l->d->log, "local.grant.late", "leases=%zu", g->n_leases);
	dp__lease_grant__free_unpacked(g, NULL);
}

static void fulfil(struct local *l, const struct local_waiting *w)
{
	if (w->wish == WISH_COMMIT)
		runner_post_committed(&l->d->runner, w->ticket);
	else if (w->wish == WISH_GRANT)
		grant(l, blob_view(&w->grant));
	else if (w->round == l->round && l->d->dp_ready)
		local_act(l);
}

static void waiting_free(struct local_waiting *w)
{
	blob_fini(&w->grant);
	free(w);
}

/* Takes w over. */
static void wait_for(struct local *l, struct local_waiting *w, uint64_t serial)
{
	w->serial = serial;
	*l->last = w;
	l->last = &w->next;
}

static void on_written(void *ctx, uint64_t serial, enum journal_end end)
{
	struct local *l = (struct local *)ctx;

	if (end == JOURNAL_OFF)
		log_err(&l->d->log, "journal.off",
			"file=%s reason=\"cannot be written\" effect=\"a crash of tandemd loses "
			"its "
			"SAs\"",
			l->journal.path);
	if (end == JOURNAL_STALE) {
		daemon_stop(l->d, "the journal can neither be written nor removed");
		return;
	}
	while (l->first && l->first->serial <= serial) {
		struct local_waiting *w = l->first;

		l->first = w->next;
		if (!l->first)
			l->last = &l->first;
		fulfil(l, w);
		waiting_free(w);
	}
	work_drain(&l->d->work, l->d);
}

/* Writes, then fulfils; without a journal at once. Takes w over; NULL: nobody waits. */
static void write_then(
	struct local *l, const struct journal_item *items, size_t n, struct local_waiting *w)
{
	uint64_t serial = 0;
	int rc = journal_append(&l->journal, items, n, &serial);

	if (rc < 0 && rc != -ERR_WRONG_STATE)
		daemon_stop(l->d, "out of memory");
	if (!w)
		return;
	if (rc == 0 && l->journal.on) {
		wait_for(l, w, serial);
		return;
	}
	if (rc == 0 || rc == -ERR_WRONG_STATE)
		fulfil(l, w);
	waiting_free(w);
}

static struct local_waiting *wish(struct local *l, enum local_wish what)
{
	struct local_waiting *w = calloc(1, sizeof *w);

	if (w)
		w->wish = what;
	else
		daemon_stop(l->d, "out of memory");
	return w;
}

/* ---------------------------------------------------------------- records */

static void lease_key(uint32_t spi_in, uint8_t out[LEASE_KEY_LEN])
{
	out[0] = 'L';
	dp_lease_key(spi_in, out + 1);
}

struct changes {
	struct journal_item *v;
	uint8_t (*keys)[LEASE_KEY_LEN]; /* of leases */
	size_t n, n_keys;
};

static int changes_init(struct changes *c, size_t n)
{
	*c = (struct changes){
		.v = calloc(2 * n + 1, sizeof *c->v), .keys = calloc(n + 1, sizeof *c->keys)};
	return c->v && c->keys ? 0 : -ERR_NOMEM;
}

static void changes_fini(struct changes *c)
{
	free(c->v);
	free(c->keys);
}

static void add_remove(struct local *l, struct changes *c, uint32_t rg, struct view key)
{
	local_store_remove(&l->store, key);
	c->v[c->n++] = (struct journal_item){.tombstone = true, .rg = rg, .key = key};
}

/* A child that goes takes its lease along. */
static void add_tombstone(struct local *l, struct changes *c, uint32_t rg, struct view key)
{
	struct view lease, body;
	uint32_t spi;

	add_remove(l, c, rg, key);
	routes_record_gone(&l->d->routes, key);
	if (!dp_child_key(key, &spi))
		return;
	lease = view_of(c->keys[c->n_keys], LEASE_KEY_LEN);
	lease_key(spi, c->keys[c->n_keys]);
	if (!local_store_find(&l->store, lease, &body))
		return;
	c->n_keys++;
	add_remove(l, c, rg, lease);
}

static int add_upsert(struct local *l, struct changes *c, const struct journal_item *i)
{
	int rc = local_store_put(&l->store, i->rg, i->key, i->body);

	if (rc == 0) {
		c->v[c->n++] = *i;
		routes_record(&l->d->routes, i->rg, i->key, i->body);
	}
	return rc;
}

void local_replicate(struct local *l, const struct ike_fx_replicate *p)
{
	struct local_waiting *w = wish(l, WISH_COMMIT);
	struct changes c;
	int rc = changes_init(&c, p->n);

	for (size_t i = 0; w && rc == 0 && i < p->n; i++) {
		const struct ike_fx_item *item = &p->items[i];

		if (item->tombstone)
			add_tombstone(l, &c, p->rg, item->key);
		else
			rc = add_upsert(l, &c,
				&(struct journal_item){
					.rg = p->rg, .key = item->key, .body = item->body});
	}
	if (rc < 0 || !w) {
		daemon_stop(l->d, err_text(rc < 0 ? rc : ERR_NOMEM));
		free(w);
	} else {
		w->ticket = p->ticket;
		write_then(l, c.v, c.n, w);
	}
	changes_fini(&c);
}

void local_forget(struct local *l, uint32_t rg, struct view key)
{
	struct changes c;

	if (changes_init(&c, 1) < 0)
		daemon_stop(l->d, "out of memory");
	else
		add_tombstone(l, &c, rg, key);
	write_then(l, c.v, c.n, NULL);
	changes_fini(&c);
}

/* ---------------------------------------------------------------- leases */

/* Of children that are known: the others are on their way out and need no numbers. */
static int keep_leases(struct local *l, const Dp__LeaseWant *w, struct changes *c, uint8_t *room,
	Dp__LeaseGrant *granted)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->n_wants; i++) {
		uint8_t *key = c->keys[c->n_keys], child[LEASE_KEY_LEN], *body;
		struct view have;

		lease_key(w->wants[i]->spi_in, key);
		memcpy(child, key, sizeof child);
		child[0] = 'C';
		if (!manual_has(l->d, w->wants[i]->spi_in) &&
			!local_store_find(&l->store, view_of_array(child), &have))
			continue;
		body = room + c->n_keys++ * LEASE_BODY_MAX;
		rc = add_upsert(l, c,
			&(struct journal_item){.rg = w->rg,
				.key = view_of(key, LEASE_KEY_LEN),
				.body = view_of(body, dp__lease__pack(w->wants[i], body))});
		granted->leases[granted->n_leases++] = w->wants[i];
	}
	return rc;
}

static int grant_pack(const Dp__LeaseGrant *g, struct blob *out)
{
	out->p = malloc(dp__lease_grant__get_packed_size(g) + 1);
	if (!out->p)
		return -ERR_NOMEM;
	out->n = dp__lease_grant__pack(g, out->p);
	return 0;
}

void local_leases(struct local *l, const Dp__LeaseWant *w)
{
	struct local_waiting *waiting = wish(l, WISH_GRANT);
	uint8_t *room = malloc(w->n_wants * LEASE_BODY_MAX + 1);
	Dp__LeaseGrant g = DP__LEASE_GRANT__INIT;
	struct changes c;
	int rc = changes_init(&c, w->n_wants);

	g.leases = calloc(w->n_wants + 1, sizeof *g.leases);
	if (!waiting || !room || !g.leases)
		rc = -ERR_NOMEM;
	if (rc == 0)
		rc = keep_leases(l, w, &c, room, &g);
	if (rc == 0)
		rc = grant_pack(&g, &waiting->grant);
	if (rc < 0) {
		daemon_stop(l->d, err_text(rc));
		free(waiting);
	} else {
		write_then(l, c.v, c.n, waiting);
	}
	changes_fini(&c);
	free(g.leases);
	free(room);
}

/* ---------------------------------------------------------------- epoch */

uint64_t local_epoch_kept(const struct local *l)
{
	struct view body;
	struct cur c;
	uint64_t epoch;

	if (!local_store_find(&l->store, view_of_array(epoch_key), &body))
		return 0;
	c = cur_of(body);
	epoch = cur_be64(&c);
	return cur_done(&c) ? epoch : 0;
}

struct view local_ivs_kept(const struct local *l)
{
	uint8_t key[IV_FLOOR_KEY_LEN];
	struct view body = {0};

	iv_floor_key(l->d->node, key);
	(void)local_store_find(&l->store, view_of_array(key), &body);
	return body;
}

void local_life_keep(struct local *l)
{
	struct local_waiting *w = wish(l, WISH_ACT);
	uint8_t octets[8], iv_key[IV_FLOOR_KEY_LEN], ivs[IV_FLOOR_BODY_LEN];
	struct emit e = emit_to(octets, sizeof octets);
	const struct journal_item items[] = {
		{.key = view_of_array(epoch_key), .body = view_of_array(octets)},
		{.key = view_of_array(iv_key), .body = view_of_array(ivs)},
	};
	size_t n = iv_guard_note(&l->d->iv, 0, local_ivs_kept(l), ivs) ? 2 : 1;

	emit_be64(&e, l->epoch);
	iv_floor_key(l->d->node, iv_key);
	for (size_t i = 0; i < n; i++)
		if (local_store_put(&l->store, items[i].rg, items[i].key, items[i].body) < 0)
			daemon_stop(l->d, "out of memory");
	if (!w)
		return;
	w->round = l->round;
	write_then(l, items, n, w);
}

/* ---------------------------------------------------------------- life */

static void tell_record(void *ctx, uint32_t rg, struct view key, struct view body)
{
	struct daemon *d = (struct daemon *)ctx;

	routes_record(&d->routes, rg, key, body);
}

int local_init(struct local *l, struct daemon *d)
{
	char file[PATH_MAX], key[PATH_MAX];
	struct journal_found found;
	struct statfs fs;
	const char *why;
	int rc;

	*l = (struct local){.d = d};
	l->last = &l->first;
	(void)snprintf(file, sizeof file, "%s/journal", d->args.state_dir);
	(void)snprintf(key, sizeof key, "%s/journal.key", d->args.run_dir);
	rc = journal_open(
		&l->journal, &d->loop, &(struct journal_paths){file, key}, &l->store, &found, &why);
	if (rc < 0)
		return rc;
	local_store_each(&l->store, tell_record, d);
	l->journal.done = on_written;
	l->journal.ctx = l;
	if (why)
		log_warn(&d->log, "journal.refused", "file=%s reason=\"%s\"", file, why);
	else
		log_info(&d->log, "journal.read", "records=%zu items=%llu cut=%llu", l->store.n,
			(unsigned long long)found.items, (unsigned long long)found.cut_octets);
	if (statfs(d->args.run_dir, &fs) == 0 && fs.f_type != TMPFS)
		log_warn(&d->log, "journal.key",
			"file=%s reason=\"not on a tmpfs: keys on this disk can be read by whoever "
			"has it\"",
			key);
	return 0;
}

void local_fini(struct local *l)
{
	if (!l->d)
		return;
	journal_close(&l->journal);
	while (l->first) {
		struct local_waiting *w = l->first;

		l->first = w->next;
		waiting_free(w);
	}
	local_store_fini(&l->store);
}
