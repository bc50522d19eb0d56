#include "host/workers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"

enum { WORKERS_MAX = 64, PICS = 2 }; /* workers of an FPC, as the dataplane has them */

struct asked {
	struct daemon *d;
	struct ctl_call *call;
	char text[160];
};

static struct asked *asked_new(struct daemon *d, struct ctl_call *call)
{
	struct asked *a = calloc(1, sizeof *a);

	if (!a) {
		ctl_fail(call, "%s", err_text(ERR_NOMEM));
		return NULL;
	}
	a->d = d;
	a->call = call;
	return a;
}

static void send_or_fail(struct daemon *d, Dp__Request *q, dp_reply_fn *done, struct asked *a)
{
	if (dp_client_send(&d->dp, q, done, a) < 0)
		done(a, -ERR_AGAIN, NULL);
}

/* What went wrong, in the dataplane's words when it had any. */
static void fail(const struct asked *a, int rc, const Dp__Reply *reply)
{
	if (reply && reply->reason && *reply->reason)
		ctl_fail(a->call, "%s", reply->reason);
	else
		ctl_fail(a->call, "dataplane: %s", err_text(-rc));
}

static void on_set(void *ctx, int rc, const Dp__Reply *reply)
{
	struct asked *a = (struct asked *)ctx;

	if (rc < 0)
		fail(a, rc, reply);
	else
		ctl_done(a->call, daemon_node(a->d), a->text, 1);
	free(a);
}

static void say(struct asked *a, const Ctl__WorkerSet *s)
{
	static const char *const words[] = {"offline", "online", "restart"};
	const char *word = words[MIN((unsigned)s->action, 2u)];

	if (s->one_pic)
		(void)snprintf(a->text, sizeof a->text,
			"fpc %u pic %u %s initiated, use \"show chassis fpc pic-status %u\" to "
			"verify\n",
			s->fpc, s->pic, word, s->fpc);
	else
		(void)snprintf(a->text, sizeof a->text,
			"%c%s initiated, use \"show chassis fpc\" to verify\n", word[0] - 'a' + 'A',
			word + 1);
}

void workers_set(struct daemon *d, const Ctl__WorkerSet *s, struct ctl_call *call)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__WorkerSet set = DP__WORKER_SET__INIT;
	uint32_t workers[PICS];
	struct asked *a;

	if (s->one_pic && s->pic >= PICS) {
		ctl_fail(call, "an FPC has PICs 0 to %u", PICS - 1);
		return;
	}
	a = asked_new(d, call);
	if (!a)
		return;
	say(a, s);
	set.workers = workers;
	for (uint32_t i = 0; i < PICS; i++)
		if (!s->one_pic || s->pic == i)
			workers[set.n_workers++] = s->fpc * PICS + i;
	set.group = !s->one_pic;
	set.action = (Dp__WorkerAction)s->action;
	q.body_case = DP__REQUEST__BODY_WORKER_SET;
	q.worker_set = &set;
	send_or_fail(d, &q, on_set, a);
}

static void on_rebalance(void *ctx, int rc, const Dp__Reply *reply)
{
	struct asked *a = (struct asked *)ctx;

	if (rc < 0 || !reply->rebalance) {
		fail(a, rc < 0 ? rc : -ERR_UNSUPPORTED, reply);
	} else {
		(void)snprintf(a->text, sizeof a->text, "Moved %u of %u buckets\n",
			reply->rebalance->moves, reply->rebalance->buckets);
		ctl_done(a->call, daemon_node(a->d), a->text, reply->rebalance->moves);
	}
	free(a);
}

void workers_rebalance(struct daemon *d, struct ctl_call *call)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Rebalance r = DP__REBALANCE__INIT;
	struct asked *a = asked_new(d, call);

	if (!a)
		return;
	q.body_case = DP__REQUEST__BODY_REBALANCE;
	q.rebalance = &r;
	send_or_fail(d, &q, on_rebalance, a);
}

static const char *state_text(Dp__WorkerSlot s)
{
	static const char *const words[] = {"Offline", "Online", "Leaving", "Stopping", "Hung"};

	return (unsigned)s < ARRAY_LEN(words) ? words[s] : "Unknown";
}

static void fill(Ctl__Worker *w, const Dp__WorkerStats *s)
{
	uint64_t all = s->busy_ns + s->idle_ns;

	ctl__worker__init(w);
	w->fpc = s->group;
	w->pic = s->place;
	w->worker = s->worker;
	w->state = (char *)(uintptr_t)state_text(s->state);
	w->busy_percent = all ? (uint32_t)(s->busy_ns / (all / 100 + 1)) : 0;
	w->packets = s->packets;
	w->busy_ns = s->busy_ns;
	w->idle_ns = s->idle_ns;
	w->buckets = s->buckets;
	w->ipsec_sas = s->children;
	w->lead = s->lead;
	w->handoffs = s->handoffs;
}

static void on_workers(void *ctx, int rc, const Dp__Reply *reply)
{
	struct asked *a = (struct asked *)ctx;
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__WorkerList list = CTL__WORKER_LIST__INIT;
	Ctl__Worker v[WORKERS_MAX], *refs[WORKERS_MAX];

	if (rc < 0) {
		fail(a, rc, reply);
	} else {
		for (size_t i = 0; i < reply->n_workers && i < WORKERS_MAX; i++) {
			fill(&v[i], reply->workers[i]);
			refs[list.n_workers++] = &v[i];
		}
		list.workers = refs;
		r.node = daemon_node(a->d);
		r.body_case = CTL__RESPONSE__BODY_WORKERS;
		r.workers = &list;
		ctl_end(a->call, &r);
	}
	free(a);
}

void workers_show(struct daemon *d, struct ctl_call *call)
{
	Dp__Request q = DP__REQUEST__INIT;
	Dp__Query query = DP__QUERY__INIT;
	struct asked *a = asked_new(d, call);

	if (!a)
		return;
	query.workers = true;
	q.body_case = DP__REQUEST__BODY_QUERY;
	q.query = &query;
	send_or_fail(d, &q, on_workers, a);
}
