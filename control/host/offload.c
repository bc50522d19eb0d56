#include "host/offload.h"

#include <stdlib.h>

#include "base/err.h"

enum {
	LIGHT_US = 100,	       /* what costs more never runs on the loop */
	TURN_US = 300,	       /* all that does, in one turn */
	HANDFUL_US = 600,      /* what goes to a thread together */
	STRANGERS_AT_ONCE = 4, /* handfuls; as many as libuv has threads */
};

struct handful {
	uv_work_t work;
	struct offload *o;
	struct list jobs;
	bool strangers;
};

static void end(struct list *jobs, bool dropped)
{
	while (!list_is_empty(jobs)) {
		struct offload_job *j = list_item(jobs->next, struct offload_job, link);

		list_del(&j->link);
		j->done(j, dropped);
	}
}

/* ---------------------------------------------------------------- in the pool */

static void on_work(uv_work_t *w)
{
	struct handful *h = container_of(w, struct handful, work);
	struct offload_job *j;

	list_foreach (j, &h->jobs, link)
		j->run(j);
}

static void submit_all(struct offload *o);

static void on_worked(uv_work_t *w, int status)
{
	struct handful *h = container_of(w, struct handful, work);
	struct offload *o = h->o;

	o->running--;
	o->strangers_running -= h->strangers;
	submit_all(o);
	end(&h->jobs, status != 0 || o->closing);
	free(h);
	work_drain(o->work, o->d);
}

/* The first of them, and as many behind it as do not make it long. */
static bool submit(struct offload *o, struct list *from)
{
	struct handful *h = calloc(1, sizeof *h);
	uint32_t us = 0;

	if (!h)
		return false; /* they wait for another turn */
	list_init(&h->jobs);
	h->o = o;
	h->strangers = from == &o->strangers;
	while (!list_is_empty(from)) {
		struct offload_job *j = list_item(from->next, struct offload_job, link);

		if (us != 0 && us + j->cost_us > HANDFUL_US)
			break;
		us += j->cost_us;
		list_del(&j->link);
		list_add_tail(&h->jobs, &j->link);
	}
	o->running++;
	o->handfuls++;
	o->strangers_running += h->strangers;
	(void)uv_queue_work(o->loop, &h->work, on_work, on_worked);
	return true;
}

static void submit_all(struct offload *o)
{
	if (o->closing)
		return;
	while (!list_is_empty(&o->known) && submit(o, &o->known))
		;
	while (o->strangers_running < STRANGERS_AT_ONCE && !list_is_empty(&o->strangers) &&
		submit(o, &o->strangers))
		;
}

static void on_turn(uv_prepare_t *p)
{
	struct offload *o = (struct offload *)p->data;

	o->spent_us = 0;
	submit_all(o);
}

/* ---------------------------------------------------------------- on the loop */

/* After the effects at hand: the engine is not entered twice. */
struct here {
	struct work work;
	struct offload_job *job;
};

static void run_here(struct daemon *d, struct work *w, bool drop)
{
	struct here *h = container_of(w, struct here, work);
	struct offload_job *j = h->job;

	(void)d;
	free(h);
	if (!drop)
		j->run(j);
	j->done(j, drop);
}

/* Those that wait are not overtaken. */
static bool runs_here(const struct offload *o, const struct offload_job *j)
{
	return j->cost_us <= LIGHT_US && o->spent_us + j->cost_us <= TURN_US &&
	       list_is_empty(&o->known) && (!j->stranger || list_is_empty(&o->strangers));
}

void offload_post(struct offload *o, struct offload_job *j)
{
	struct here *h = runs_here(o, j) ? calloc(1, sizeof *h) : NULL;

	if (!h) {
		list_add_tail(j->stranger ? &o->strangers : &o->known, &j->link);
		return;
	}
	o->spent_us += j->cost_us;
	h->work.run = run_here;
	h->job = j;
	work_post(o->work, &h->work);
}

/* ---------------------------------------------------------------- life */

int offload_init(struct offload *o, uv_loop_t *loop, struct work_queue *work, struct daemon *d)
{
	*o = (struct offload){.loop = loop, .work = work, .d = d};
	list_init(&o->known);
	list_init(&o->strangers);
	if (uv_prepare_init(loop, &o->turn) != 0 || uv_prepare_start(&o->turn, on_turn) != 0)
		return -ERR_IO;
	o->turn.data = o;
	return 0;
}

void offload_fini(struct offload *o)
{
	if (!o->loop)
		return;
	o->closing = true;
	if (!uv_is_closing((uv_handle_t *)&o->turn))
		uv_close((uv_handle_t *)&o->turn, NULL);
	while (o->running != 0 && uv_run(o->loop, UV_RUN_ONCE) != 0)
		;
	end(&o->known, true);
	end(&o->strangers, true);
}
