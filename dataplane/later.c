#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "dp.h"
#include "qsbr.h"

struct reply *reply_new(struct dp *dp, uint64_t id)
{
	struct reply *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->id = id;
	r->waits = 1; /* the handler itself */
	list_add_tail(&dp->replies, &r->link);
	return r;
}

void reply_fail(struct reply *r, int error, const char *fmt, ...)
{
	va_list ap;

	if (r->error)
		return;
	r->error = error;
	va_start(ap, fmt);
	(void)vsnprintf(r->reason, sizeof r->reason, fmt, ap);
	va_end(ap);
}

void reply_wait(struct reply *r)
{
	r->waits++;
}

static void output_pack(const Dp__Output *o, struct blob *out)
{
	if (frame_pack(&o->base, out) < 0)
		*out = (struct blob){0};
}

void reply_body(struct reply *r, Dp__Reply *body)
{
	Dp__Output o = DP__OUTPUT__INIT;

	body->id = r->id;
	o.body_case = DP__OUTPUT__BODY_REPLY;
	o.reply = body;
	blob_fini(&r->packed);
	output_pack(&o, &r->packed);
}

static void reply_send(struct dp *dp, struct reply *r)
{
	Dp__Reply body;

	dp__reply__init(&body);
	if (r->error || r->packed.n == 0) {
		body.error = (uint32_t)(r->error < 0 ? -r->error : r->error);
		body.reason = r->reason;
		reply_body(r, &body);
	}
	list_del(&r->link); /* the connection may end here, and all replies in the list with it */
	if (!r->orphan)
		api_output(dp, &r->packed);
	blob_fini(&r->packed);
	free(r);
}

void reply_done(struct dp *dp, struct reply *r)
{
	if (!r || --r->waits > 0)
		return;
	while (!list_is_empty(&dp->replies)) {
		r = list_item(dp->replies.next, struct reply, link);
		if (r->waits)
			return;
		reply_send(dp, r);
	}
}

/* The connection is gone: what is still under way answers into the void. */
void reply_drop_all(struct dp *dp)
{
	struct reply *r, *tmp;

	list_foreach_safe (r, tmp, &dp->replies, link) {
		if (r->waits == 0) {
			list_del(&r->link);
			blob_fini(&r->packed);
			free(r);
		} else {
			r->orphan = true;
		}
	}
}

void dp_defer(struct dp *dp, void (*run)(struct dp *, void *), void *what, struct reply *r)
{
	struct deferred *d = calloc(1, sizeof *d);

	if (!d)
		dp_give_up(dp, "out of memory"); /* no way to keep the promise */
	*d = (struct deferred){.token = qsbr_token(dp->sh.qsbr), .run = run, .what = what};
	d->reply = r;
	if (r)
		reply_wait(r);
	list_add_tail(&dp->deferred, &d->link);
}

void defer_free(struct dp *dp, void *p)
{
	(void)dp;
	free(p);
}

static uint32_t hung_workers(const struct dp *dp)
{
	uint32_t set = 0;

	for (uint32_t i = 0; dp->crew.hung && i < dp->sh.n_workers; i++)
		if (dp->crew.state[i] == CREW_HUNG)
			set |= UINT32_C(1) << i;
	return set;
}

static void defer_end(struct dp *dp, struct deferred *d)
{
	if (d->run)
		d->run(dp, d->what);
	free(d);
}

void dp_defer_step(struct dp *dp)
{
	uint32_t hung = hung_workers(dp);

	while (!list_is_empty(&dp->deferred)) {
		struct deferred *d = list_item(dp->deferred.next, struct deferred, link);

		if (dp->running && !qsbr_passed(dp->sh.qsbr, d->token, hung))
			return;
		list_del(&d->link);
		reply_done(dp, take_ptr(d->reply));
		if (hung)
			list_add_tail(&dp->buried, &d->link);
		else
			defer_end(dp, d);
	}
}

void dp_bury(struct dp *dp)
{
	while (!list_is_empty(&dp->buried)) {
		struct deferred *d = list_item(dp->buried.next, struct deferred, link);

		list_del(&d->link);
		defer_end(dp, d);
	}
}

static bool order_put(struct dp *dp, uint32_t worker, struct order *o)
{
	struct command *c = &o->c;

	if (!ring_put(&dp->sh.workers[worker]->commands, &c))
		return false;
	worker_wake(dp->sh.workers[worker]);
	return true;
}

static void order_finish(struct dp *dp, struct order *o)
{
	struct reply *r = o->reply;

	if (o->finish)
		o->finish(dp, o);
	free(o);
	dp->n_orders--;
	reply_done(dp, r);
}

/* A worker without a thread has no packets and no buckets, but states to be told of; a hung one's
 * memory is its own. */
static void order_here(struct dp *dp, uint32_t worker, struct order *o)
{
	struct worker *w = dp->sh.workers[worker];

	if (dp->crew.state[worker] == CREW_OFFLINE) {
		w->now_ns = dp_now();
		w->net = atomic_load(&dp->sh.net);
		o->c.run(w, &o->c);
	}
	order_finish(dp, o);
}

static void order_pass(struct dp *dp, uint32_t worker, struct order *o)
{
	list_init(&o->link);
	if (!crew_obeys(dp, worker))
		order_here(dp, worker, o);
	else if (!list_is_empty(&dp->overflow[worker]) || !order_put(dp, worker, o))
		list_add_tail(&dp->overflow[worker], &o->link);
}

void dp_order(struct dp *dp, uint32_t worker, struct order *o, struct reply *r)
{
	o->reply = r;
	if (r)
		reply_wait(r);
	dp->n_orders++;
	order_pass(dp, worker, o);
}

void dp_order_step(struct dp *dp)
{
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		struct worker *w = dp->sh.workers[i];
		struct command *c;

		while (ring_get(&w->done, &c, 1) == 1)
			order_finish(dp, container_of(c, struct order, c));
		while (!list_is_empty(&dp->overflow[i])) {
			struct order *o = list_item(dp->overflow[i].next, struct order, link);

			if (!order_put(dp, i, o))
				break;
			list_del(&o->link);
		}
	}
}

static void order_give(struct dp *dp, uint32_t heir, struct order *o)
{
	if (o->crew)
		order_finish(dp, o);
	else
		order_pass(dp, heir, o);
}

void dp_order_inherit(struct dp *dp, uint32_t hung, uint32_t heir)
{
	struct command *c;

	while (ring_get(&dp->sh.workers[hung]->commands, &c, 1) == 1)
		order_give(dp, heir, container_of(c, struct order, c));
	while (!list_is_empty(&dp->overflow[hung])) {
		struct order *o = list_item(dp->overflow[hung].next, struct order, link);

		list_del(&o->link);
		order_give(dp, heir, o);
	}
}

void dp_send_packet(struct dp *dp, struct pkt *p)
{
	struct worker *w = dp->running ? dp->sh.workers[atomic_load(&dp->sh.lead)] : NULL;

	if (!w || !ring_put(&w->api_in, &p)) {
		count_add(&dp->stats[STAT_DROP_RING], 1);
		pkt_free(p);
		return;
	}
	worker_wake(w);
}
