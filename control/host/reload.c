#include "host/reload.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"

struct reload {
	uv_work_t work;
	struct list link;
	struct daemon *d;
	struct ctl_call *call;
	bool check_only;
	/* What the thread finds. */
	int rc;
	struct model *fresh;
	struct complaints complaints;
};

static const char stops[] = "tandemd stops";

static void log_complaints(struct daemon *d, const struct complaints *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		log_emit(&d->log, c->v[i].level == COMPLAINT_ERROR ? LOG_LEVEL_ERR : LOG_LEVEL_WARN,
			"config.complaint", "path=\"%s\" statement=\"%s\" line=%u reason=\"%s\"",
			c->v[i].path, c->v[i].statement, c->v[i].line, c->v[i].reason);
}

int reload_first(struct daemon *d)
{
	auto_complaints c = {0};
	int rc = config_load_file(d->args.config, d->args.node, &d->model, &c);

	log_complaints(d, &c);
	return rc;
}

/* ---------------------------------------------------------------- what came of it */

static void answer(struct reload *r, const char *text)
{
	if (r->call)
		ctl_done(r->call, daemon_node(r->d), text, 1);
	r->call = NULL;
}

static void refuse(struct reload *r, const char *why)
{
	log_err(&r->d->log, "config.refused", "file=%s", r->d->args.config);
	if (r->call)
		ctl_fail(r->call, "%s", why);
	r->call = NULL;
}

static void refuse_text(struct reload *r)
{
	auto_blob text = {0};
	char why[900];

	if (complaints_text(&r->complaints, &text) < 0)
		refuse(r, err_text(-ERR_NOMEM));
	else if (text.n == 0)
		refuse(r, err_text(r->rc));
	else {
		(void)snprintf(why, sizeof why, "%.*s", (int)text.n, (const char *)text.p);
		refuse(r, why);
	}
}

/* From here on it is in effect. */
static int take_over(struct daemon *d, struct model **fresh)
{
	struct ike_event ev = {.type = IKE_EV_CONFIG};
	int rc = credentials_load(&d->credentials, *fresh);

	if (rc < 0)
		return rc;
	model_free(d->model);
	d->model = take_ptr(*fresh);
	pki_service_reload(&d->pki);
	routes_make(&d->routes);
	ev.model = d->model;
	runner_feed(&d->runner, &ev);
	resolver_configure(&d->resolver);
	if (d->dp_greeted)
		daemon_dp_configure(d);
	log_notice(&d->log, "config.loaded", "file=%s", d->args.config);
	return 0;
}

static void judge(struct reload *r)
{
	struct daemon *d = r->d;
	int rc;

	log_complaints(d, &r->complaints);
	if (r->rc < 0) {
		refuse_text(r);
		return;
	}
	if (r->fresh->cluster.enabled != d->model->cluster.enabled) {
		refuse(r, "chassis cluster is switched at a restart only");
		return;
	}
	if (r->check_only) {
		answer(r, "configuration check succeeds\n");
		return;
	}
	rc = take_over(d, &r->fresh);
	if (rc < 0)
		refuse(r, err_text(rc));
	else
		answer(r, "configuration loaded\n");
}

/* ---------------------------------------------------------------- one after the other */

static void read_file(uv_work_t *w)
{
	struct reload *r = container_of(w, struct reload, work);

	r->rc = config_load_file(r->d->args.config, r->d->args.node, &r->fresh, &r->complaints);
}

static void reload_end(struct reload *r)
{
	list_del(&r->link);
	if (r->call)
		ctl_fail(r->call, "%s", stops);
	if (r->fresh)
		model_free(r->fresh);
	complaints_fini(&r->complaints);
	free(r);
}

static void next(struct daemon *d);

static void on_read(uv_work_t *w, int status)
{
	struct reload *r = container_of(w, struct reload, work);
	struct daemon *d = r->d;

	(void)status;
	if (!d->reloads.closing)
		judge(r);
	reload_end(r);
	if (!d->reloads.closing)
		next(d);
	work_drain(&d->work, d);
}

static void next(struct daemon *d)
{
	struct list *all = &d->reloads.waiting;

	if (!list_is_empty(all))
		(void)uv_queue_work(&d->loop, &list_item(all->next, struct reload, link)->work,
			read_file, on_read);
}

/* Nobody waits for it and it was not begun: what it will read is as new. */
static bool is_asked_already(const struct reloads *all)
{
	const struct reload *last;

	if (list_is_empty(&all->waiting) || all->waiting.prev == all->waiting.next)
		return false;
	last = list_item(all->waiting.prev, struct reload, link);
	return !last->call && !last->check_only;
}

void reload_begin(struct daemon *d, bool check_only, struct ctl_call *call)
{
	bool idle = list_is_empty(&d->reloads.waiting);
	struct reload *r;

	if (!call && !check_only && is_asked_already(&d->reloads))
		return;
	r = d->reloads.closing ? NULL : calloc(1, sizeof *r);
	if (!r) {
		log_err(&d->log, "config.refused", "file=%s", d->args.config);
		if (call)
			ctl_fail(call, "%s", d->reloads.closing ? stops : err_text(ERR_NOMEM));
		return;
	}
	r->d = d;
	r->call = call;
	r->check_only = check_only;
	list_add_tail(&d->reloads.waiting, &r->link);
	if (idle)
		next(d);
}

void reloads_init(struct reloads *r)
{
	*r = (struct reloads){0};
	list_init(&r->waiting);
}

void reloads_fini(struct daemon *d)
{
	struct list *all = &d->reloads.waiting;

	d->reloads.closing = true;
	while (!list_is_empty(all) && all->next != all->prev)
		reload_end(list_item(all->prev, struct reload, link));
	while (!list_is_empty(all) && uv_run(&d->loop, UV_RUN_ONCE) != 0)
		;
}
