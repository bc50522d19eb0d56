#include "ike/resource.h"
#include "ike/restore.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"
#include "ike/engine.h"
#include "ike/idle.h"
#include "ike/record.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "ike/v2/reauth.h"

struct waiting {
	struct list link;
	uint32_t rg;
	struct blob body;
};

const struct rg_state *rg_active(const struct ike *ike, uint32_t rg)
{
	struct rg_state *s;

	HASH_FIND(hh, ike->rgs, &rg, sizeof rg, s);
	return s && s->active && !s->restoring ? s : NULL;
}

static struct rg_state *rg_get(struct ike *ike, uint32_t rg)
{
	struct rg_state *s;

	HASH_FIND(hh, ike->rgs, &rg, sizeof rg, s);
	if (s)
		return s;
	s = calloc(1, sizeof *s);
	if (!s) {
		ike->failed = true;
		return NULL;
	}
	s->rg = rg;
	HASH_ADD(hh, ike->rgs, rg, sizeof s->rg, s);
	return s;
}

static void waiting_free(struct waiting *w)
{
	list_del(&w->link);
	secret_wipe_blob(&w->body);
	free(w);
}

static void waiting_drop(struct ike *ike, uint32_t rg)
{
	struct waiting *w, *next;

	list_foreach_safe (w, next, &ike->waiting, link)
		if (w->rg == rg)
			waiting_free(w);
}

/* The log has it; here nothing of it may act any more. */
static void forget_all(struct ike *ike, uint32_t rg)
{
	struct ike_sa *sa, *next;

	holds_forget(ike, rg);
	waiting_drop(ike, rg);
	linger_end(ike, rg);
	map_foreach (ike->sas, sa, next) {
		if (sa->rg != rg)
			continue;
		sa_drop(ike, sa);
		sa->state = SA_GONE;
	}
}

void restore_rg(struct ike *ike, const struct ike_ev_rg *ev)
{
	struct rg_state *s = rg_get(ike, ev->rg);
	bool was;

	if (!s)
		return;
	was = s->active;
	s->active = ev->active;
	s->epoch = ev->epoch;
	if (!ev->active || !(was && ev->continued)) {
		forget_all(ike, ev->rg);
		s->restoring = ev->active;
	}
}

void restore_record(struct ike *ike, const struct ike_ev_record *ev)
{
	struct log_ctx log = {.sink = ike->cfg.log};
	struct waiting *w;
	int rc = 0;

	if (ev->key.n == 0)
		return;
	if (ev->key.p[0] == 'I') {
		rc = record_restore_sa(ike, ev->rg, ev->body);
		ike->stats.restored_sas += rc == 0;
	} else if (ev->key.p[0] == 'C') {
		w = calloc(1, sizeof *w);
		if (!w || blob_copy(ev->body, &w->body) < 0) {
			free(w);
			ike->failed = true;
			return;
		}
		w->rg = ev->rg;
		list_add_tail(&ike->waiting, &w->link);
	}
	if (rc < 0 && rc != -ERR_EXISTS) {
		ike->stats.restore_failed++;
		log_warn(&log, "ike.restore.failed", "rg=%u reason=\"%s\"", ev->rg, err_text(rc));
	}
}

void restore_forget(struct ike *ike, const struct ike_ev_record *ev)
{
	struct ike_sa *sa = record_key_find_sa(ike, ev->key);
	struct child *c = record_key_find_child(ike, ev->key);

	if (sa) {
		sa_drop(ike, sa);
		sa->state = SA_GONE;
	} else if (c) {
		child_drop(ike, c);
	}
}

/* Children name their IKE SA by the first of its chain of rekeys: one pass finds all (a search for
 * each would be quadratic). */
static struct family *families_new(struct ike *ike, uint32_t rg)
{
	struct family *all = NULL, *f;
	struct ike_sa *sa, *next;

	map_foreach (ike->sas, sa, next) {
		if (sa->rg != rg || !sa->has_children)
			continue;
		f = calloc(1, sizeof *f);
		if (!f) {
			ike->failed = true;
			break;
		}
		f->lineage = sa->lineage;
		f->sa = sa;
		HASH_ADD(hh, all, lineage, sizeof f->lineage, f);
	}
	return all;
}

static void families_free(struct family *all)
{
	struct family *f, *next;

	map_foreach (all, f, next) {
		HASH_DELETE(hh, all, f);
		free(f);
	}
}

static void restore_children(struct ike *ike, uint32_t rg)
{
	struct log_ctx log = {.sink = ike->cfg.log};
	struct family *families = families_new(ike, rg);
	struct waiting *w, *next;

	list_foreach_safe (w, next, &ike->waiting, link) {
		int rc;

		if (w->rg != rg)
			continue;
		rc = record_restore_child(ike, rg, families, blob_view(&w->body));
		if (rc == 0) {
			ike->stats.restored_children++;
		} else if (rc != -ERR_EXISTS) {
			ike->stats.restore_failed++;
			log_warn(&log, "child.restore.failed", "rg=%u reason=\"%s\"", rg,
				err_text(rc));
		}
		waiting_free(w);
	}
	families_free(families);
}

/* The request may never have left, or its answer may be lost: the same octets again (I1, I2). */
static void resend(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;

	if (!x || !x->flight)
		return;
	x->released = false;
	tx_request_release(ike, sa, x->mid);
}

static void resume_child(struct ike *ike, struct child *c)
{
	if (!c->outbound && c->state == CHILD_UP)
		c->at_outbound = ike->now_ms + OUTBOUND_AFTER_MS;
	idle_begin(ike, c);
	child_rearm(ike, c);
}

static void resume(struct ike *ike, struct ike_sa *sa)
{
	struct child *c;

	sched_resumed(ike, sa);
	reauth_resumed(ike, sa);
	resend(ike, sa);
	list_foreach (c, &sa->children, of_sa)
		resume_child(ike, c);
	sa_rearm(ike, sa);
	sched_work(ike, sa);
}

void restore_done(struct ike *ike, uint32_t rg)
{
	struct rg_state *s = rg_get(ike, rg);
	struct ike_sa *sa, *next;

	if (!s || !s->active)
		return;
	s->restoring = false;
	restore_children(ike, rg);
	map_foreach (ike->sas, sa, next)
		if (sa->rg == rg)
			resume(ike, sa);
	tunnels_start(ike, rg);
	resource_check(ike);
}

void restore_fini(struct ike *ike)
{
	struct waiting *w, *next_w;
	struct rg_state *s, *next;

	list_foreach_safe (w, next_w, &ike->waiting, link)
		waiting_free(w);
	map_foreach (ike->rgs, s, next) {
		HASH_DELETE(hh, ike->rgs, s);
		free(s);
	}
}
