#include <stdlib.h>

#include "base/err.h"
#include "dp.h"
#include "node/handover.h"

#define ALL_BUCKETS ((struct bucket_range){0, BUCKET_MAX - 1})

static struct rg_handover *handover_of(const struct dp *dp, uint32_t rg)
{
	return atomic_load(&dp->sh.rgs[rg].handover);
}

static struct rg_handover *handover_new(struct dp *dp, uint32_t rg)
{
	uint32_t n = 1u << atomic_load(&dp->sh.net)->bucket_bits;
	struct rg_handover *h = calloc(1, sizeof *h + n);

	if (!h)
		return NULL;
	h->n = n;
	atomic_init(&h->node, RG_OWNER_NONE);
	atomic_store_explicit(&dp->sh.rgs[rg].handover, h, memory_order_release);
	return h;
}

static int range_of(
	const struct dp *dp, uint32_t rg, const Dp__BucketRange *b, struct bucket_range *out)
{
	if (!dp->running)
		return -ERR_WRONG_STATE;
	if (rg == 0 || rg >= RG_MAX || !b || b->first > b->last ||
		b->last >= 1u << atomic_load(&dp->sh.net)->bucket_bits)
		return -ERR_VALUE;
	*out = (struct bucket_range){b->first, b->last};
	return 0;
}

/* One order a worker; what each does for its buckets. */
struct bucket_order {
	struct order o;
	struct rg_handover *h;
	struct bucket_range range;
	uint8_t rg;
	enum bucket_mode mode;
	struct job *job; /* may be NULL */
	void (*finish)(struct dp *dp, struct job *j);
	uint32_t n;
	uint32_t at[]; /* indices into the job */
};

/* A freeze or an activation: states of SAs, each filled in or used by its owner. */
struct job {
	struct reply *reply;
	uint32_t pieces, n;
	uint64_t epoch, grant;
	Dp__ChildState *v, **refs;
	uint64_t *windows; /* of all, one after the other */
};

static void job_free(struct job *j)
{
	if (!j)
		return;
	free(j->v);
	free(j->refs);
	free(j->windows);
	free(j);
}

static bool is_in(const struct sa *sa, uint32_t rg, struct bucket_range r)
{
	return sa->rg == rg && sa->bucket >= r.first && sa->bucket <= r.last;
}

/* Orders lie in the rings of workers that sleep, too, and for those no grace period waits: what
 * orders name goes a grace period after the last of them. */
static void order_finish(struct dp *dp, struct order *o)
{
	struct bucket_order *b = container_of(o, struct bucket_order, o);
	struct rg_handover *h = b->h;

	if (b->finish)
		b->finish(dp, b->job);
	if (--h->orders == 0 && h->ended)
		dp_defer(dp, defer_free, h, NULL);
}

static struct bucket_order *order_new(const struct bucket_order *like, uint32_t max)
{
	struct bucket_order *b = calloc(1, sizeof *b + max * sizeof b->at[0]);

	if (b) {
		*b = *like;
		b->o.finish = order_finish;
		if (b->job)
			b->job->pieces++;
	}
	return b;
}

/* To every worker; with a job, each gets the indices of its own SAs. */
static int order_all(struct dp *dp, const struct bucket_order *like, struct reply *r)
{
	struct bucket_order *v[WORKER_MAX] = {0};
	struct job *j = like->job;
	uint32_t n = dp->sh.n_workers;

	for (uint32_t i = 0; i < n; i++) {
		v[i] = order_new(like, j ? j->n : 0);
		if (v[i])
			continue;
		while (i--)
			free(v[i]);
		return -ERR_NOMEM;
	}
	for (uint32_t i = 0; j && i < j->n; i++) {
		const struct sa *sa = sad_find(&dp->sh.sad, j->v[i].spi_in);
		uint32_t to = sa ? atomic_load(&dp->sh.bucket_worker[sa->bucket]) : 0;

		v[to]->at[v[to]->n++] = i;
	}
	like->h->orders += n;
	for (uint32_t i = 0; i < n; i++)
		dp_order(dp, i, &v[i]->o, r);
	return 0;
}

/* ---- freeze */

static void export_one(const struct worker *w, Dp__ChildState *s)
{
	const struct sa *sa = sad_find(&w->sh->sad, s->spi_in);

	if (!sa) {
		s->spi_in = 0;
		return;
	}
	s->out_next = sa->out.next;
	s->in_top = sa->in.top;
	replay_export(&sa->in, (uint64_t *)(void *)s->in_window.data);
	s->packets_in = sa->n.packets_in;
	s->bytes_in = sa->n.bytes_in;
	s->packets_out = sa->n.packets_out;
	s->bytes_out = sa->n.bytes_out;
}

static void freeze_run(struct worker *w, struct command *c)
{
	struct bucket_order *b = container_of(c, struct bucket_order, o.c);

	handover_mode(w, b->h, b->range, BUCKET_FROZEN);
	for (uint32_t i = 0; i < b->n; i++)
		export_one(w, &b->job->v[b->at[i]]);
}

static void freeze_finish(struct dp *dp, struct job *j)
{
	Dp__Reply body;
	size_t n = 0;

	(void)dp;
	if (--j->pieces > 0)
		return;
	for (uint32_t i = 0; i < j->n; i++)
		if (j->v[i].spi_in && j->v[i].out_next) /* 0: has never been used here */
			j->refs[n++] = &j->v[i];
	dp__reply__init(&body);
	body.handover = j->refs;
	body.n_handover = n;
	reply_body(j->reply, &body);
	job_free(j);
}

static struct job *freeze_job(struct dp *dp, uint32_t rg, struct bucket_range range)
{
	struct job *j = calloc(1, sizeof *j);
	size_t words = 0, at = 0;
	struct sa *sa;

	if (!j)
		return NULL;
	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa && is_in(sa, rg, range)) {
			j->n++;
			words += sa->in.window / 64;
		}
	j->v = calloc(j->n + 1u, sizeof *j->v);
	j->refs = calloc(j->n + 1u, sizeof *j->refs);
	j->windows = calloc(words + 1, sizeof *j->windows);
	if (!j->v || !j->refs || !j->windows) {
		job_free(j);
		return NULL;
	}
	j->n = 0;
	for (uint32_t i = 0; sad_at(&dp->sh.sad, i, &sa); i++)
		if (sa && is_in(sa, rg, range)) {
			Dp__ChildState *s = &j->v[j->n++];

			dp__child_state__init(s);
			s->spi_in = sa->spi_in;
			s->in_window.len = sa->in.window / 8;
			s->in_window.data = (uint8_t *)&j->windows[at];
			at += sa->in.window / 64;
		}
	return j;
}

void api_handover_freeze(struct dp *dp, const Dp__HandoverFreeze *f, struct reply *r)
{
	struct bucket_order like = {.rg = (uint8_t)f->rg};
	int rc = range_of(dp, f->rg, f->buckets, &like.range);

	if (rc == 0 && !rg_acts(&dp->rgs[f->rg], dp_now()))
		rc = -ERR_WRONG_STATE;
	if (rc == 0) {
		like.h = handover_of(dp, f->rg);
		if (!like.h)
			like.h = handover_new(dp, f->rg);
		like.job = like.h ? freeze_job(dp, f->rg, like.range) : NULL;
		rc = like.job ? 0 : -ERR_NOMEM;
	}
	if (rc == 0) {
		like.job->reply = r;
		like.o.c.run = freeze_run;
		like.finish = freeze_finish;
		rc = order_all(dp, &like, r);
		if (rc < 0)
			job_free(like.job);
	}
	if (rc < 0)
		reply_fail(r, rc, "freeze of redundancy group %u: %s", f->rg, err_text(rc));
}

/* ---- forward, or take back */

static void decide_run(struct worker *w, struct command *c)
{
	struct bucket_order *b = container_of(c, struct bucket_order, o.c);

	handover_mode(w, b->h, b->range, b->mode);
	handover_release(w, b->rg, b->range);
}

void api_handover_forward(struct dp *dp, const Dp__HandoverForward *f, struct reply *r)
{
	struct bucket_order like = {.rg = (uint8_t)f->rg};
	int rc = range_of(dp, f->rg, f->buckets, &like.range);

	like.mode = f->abort ? BUCKET_BY_ROLE : BUCKET_FORWARD;
	like.o.c.run = decide_run;
	if (rc == 0) {
		like.h = handover_of(dp, f->rg);
		rc = !like.h				     ? -ERR_WRONG_STATE
		     : f->node >= RG_OWNER_NONE && !f->abort ? -ERR_VALUE
							     : 0;
	}
	if (rc == 0) {
		if (!f->abort)
			atomic_store(&like.h->node, (uint8_t)f->node);
		rc = order_all(dp, &like, r);
	}
	if (rc < 0)
		reply_fail(r, rc, "forwarding of redundancy group %u: %s", f->rg, err_text(rc));
}

/* ---- activate */

static void import_one(struct worker *w, const struct job *j, const Dp__ChildState *s)
{
	struct seqno_state state = {j->epoch, s->out_next, j->grant};
	struct sa *sa = sad_find(&w->sh->sad, s->spi_in);

	if (!sa || (sa->out.entered && sa->out.epoch >= j->epoch))
		return; /* not installed, or activated before */
	if (s->in_window.len == sa->in.window / 8)
		replay_import(
			&sa->in, s->in_top, (const uint64_t *)(const void *)s->in_window.data);
	else
		replay_raise(&sa->in, s->in_top);
	if (seqno_take_over(&sa->out, &state, w->now_ns, &sa->in) < 0)
		return; /* it will enter by a jump, or not at all */
	count_set(&sa->n.packets_in, s->packets_in);
	count_set(&sa->n.bytes_in, s->bytes_in);
	count_set(&sa->n.packets_out, s->packets_out);
	count_set(&sa->n.bytes_out, s->bytes_out);
	if (s->in_top)
		sa->flags |= SA_SEEN_IN;
}

static void activate_run(struct worker *w, struct command *c)
{
	struct bucket_order *b = container_of(c, struct bucket_order, o.c);

	for (uint32_t i = 0; i < b->n; i++)
		import_one(w, b->job, &b->job->v[b->at[i]]);
	handover_mode(w, b->h, b->range, BUCKET_ACTIVE);
}

static void activate_finish(struct dp *dp, struct job *j)
{
	(void)dp;
	if (--j->pieces == 0)
		job_free(j);
}

/* The message goes when the request is answered: windows are copied, words aligned. */
static struct job *activate_job(const Dp__HandoverActivate *a)
{
	struct job *j = calloc(1, sizeof *j);
	size_t words = 0, at = 0;

	if (!j)
		return NULL;
	for (size_t i = 0; i < a->n_states; i++)
		words += (a->states[i]->in_window.len + 7) / 8;
	j->v = calloc(a->n_states + 1, sizeof *j->v);
	j->windows = calloc(words + 1, sizeof *j->windows);
	if (!j->v || !j->windows) {
		job_free(j);
		return NULL;
	}
	j->epoch = a->epoch;
	j->grant = a->grant;
	for (size_t i = 0; i < a->n_states; i++) {
		Dp__ChildState *s = &j->v[j->n++];

		*s = *a->states[i];
		if (s->in_window.len)
			memcpy(&j->windows[at], s->in_window.data, s->in_window.len);
		s->in_window.data = (uint8_t *)&j->windows[at];
		at += (s->in_window.len + 7) / 8;
	}
	return j;
}

void api_handover_activate(struct dp *dp, const Dp__HandoverActivate *a, struct reply *r)
{
	struct bucket_order like = {.rg = (uint8_t)a->rg};
	int rc = range_of(dp, a->rg, a->buckets, &like.range);

	if (rc == 0 && (a->epoch <= dp->rgs[a->rg].epoch || dp->rgs[a->rg].role == RG_ROLE_ACTIVE))
		rc = -ERR_EPOCH;
	if (rc == 0) {
		like.h = handover_of(dp, a->rg);
		if (!like.h)
			like.h = handover_new(dp, a->rg);
		like.job = like.h ? activate_job(a) : NULL;
		rc = like.job ? 0 : -ERR_NOMEM;
	}
	if (rc == 0) {
		atomic_store(&like.h->epoch, a->epoch);
		atomic_store(&like.h->deadline_ns, a->deadline_ns);
		like.o.c.run = activate_run;
		like.finish = activate_finish;
		rc = order_all(dp, &like, r);
		if (rc < 0)
			job_free(like.job);
	}
	if (rc < 0)
		reply_fail(r, rc, "activation of redundancy group %u: %s", a->rg, err_text(rc));
}

/* ---- the end: the role says it all */

static void end_run(struct worker *w, struct command *c)
{
	struct bucket_order *b = container_of(c, struct bucket_order, o.c);

	handover_release(w, b->rg, b->range);
}

void handover_end(struct dp *dp, uint32_t rg, struct reply *r)
{
	struct rg_handover *h = atomic_exchange(&dp->sh.rgs[rg].handover, NULL);
	struct bucket_order like = {.rg = (uint8_t)rg, .range = ALL_BUCKETS, .h = h};

	if (!h)
		return;
	like.o.c.run = end_run;
	if (dp->running && order_all(dp, &like, r) < 0)
		log_err(&dp->log, "dp.handover.end", "rg=%u", rg);
	h->ended = true;
	if (h->orders == 0)
		dp_defer(dp, defer_free, h, r);
}
