#include "host/pki_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/dn.h"
#include "config/pki_dir.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/pki_job.h"

#define TICK_MS		 1000
#define EXPIRY_EACH_S	 86400
#define CATCH_UP_EACH_MS (6 * 3600 * 1000) /* well below the day after which is forgotten */

/* ---------------------------------------------------------------- work for the pool */

static void job_over(struct pki_job *j)
{
	struct pki_service *p = j->p;
	const struct pki_ca *ca;

	switch (j->kind) {
	case PKI_JOB_LIST:
		revocation_list(p->revocation, j->id, take_ptr(j->list), blob_view(&j->body),
			j->why, clock_wall_s());
		break;
	case PKI_JOB_ANSWER:
		revocation_answer(p->revocation, j->id, j->rc == 0 ? &j->answer : NULL, j->why,
			clock_wall_s());
		j->answer.responder = NULL;
		break;
	case PKI_JOB_READ_FILE:
		ca = pki_store_find(p->d->credentials.store, j->profile);
		if (j->rc == 0 && ca && ca->cert && cert_equal(ca->cert, j->issuer))
			revocation_load(p->revocation, ca, take_ptr(j->list), clock_wall_s());
		break;
	case PKI_JOB_WRITE_FILE:
	default:
		break;
	}
	if (j->rc < 0 && j->rc != -ERR_NOT_FOUND && j->kind >= PKI_JOB_READ_FILE)
		log_warn(
			&p->d->log, "pki.crl.file", "profile=%s reason=\"%s\"", j->profile, j->why);
}

static void on_work(uv_work_t *w)
{
	pki_job_run(container_of(w, struct pki_job, work));
}

static void on_worked(uv_work_t *w, int status)
{
	struct pki_job *j = container_of(w, struct pki_job, work);
	struct pki_service *p = j->p;

	p->working--;
	if (status == 0 && p->started) {
		job_over(j);
		work_drain(&p->d->work, p->d);
	}
	pki_job_free(j);
}

static void job_start(struct pki_job *j)
{
	j->p->working++;
	j->now_s = clock_wall_s();
	(void)uv_queue_work(&j->p->d->loop, &j->work, on_work, on_worked);
}

/* ---------------------------------------------------------------- what revocation asks for */

static void on_fetched(void *ctx, int rc, struct view body, const char *why)
{
	struct pki_job *j = (struct pki_job *)ctx;
	struct pki_service *p = j->p;

	list_del(&j->link);
	if (rc == 0 && blob_copy(body, &j->body) < 0) {
		rc = -ERR_NOMEM;
		why = err_text(rc);
	}
	if (rc == 0) {
		job_start(j);
		return;
	}
	if (j->kind == PKI_JOB_LIST)
		revocation_list(p->revocation, j->id, NULL, (struct view){0}, why, clock_wall_s());
	else
		revocation_answer(p->revocation, j->id, NULL, why, clock_wall_s());
	pki_job_free(j);
	work_drain(&p->d->work, p->d);
}

static int do_fetch(void *ctx, const struct revocation_fetch *f)
{
	struct pki_service *p = (struct pki_service *)ctx;
	bool list = f->kind == REVOCATION_FETCH_CRL;
	struct pki_job *j = pki_job_new(p, list ? PKI_JOB_LIST : PKI_JOB_ANSWER);
	size_t max = list ? CRL_DER_MAX : OCSP_DER_MAX;
	const struct model_ca_profile *ca = model_ca_profile(p->d->model, f->profile);
	const struct fetch_ask ask = {.url = f->url,
		.source = ca ? ca->source : NULL,
		.device = ca ? ca->instance : NULL,
		.password = f->password,
		.post = f->request,
		.post_type = "application/ocsp-request",
		.max = fetch_is_ldap(f->url) ? max / 2 * 3 : max,
		.allow_local = p->d->model->allow_local_fetch};
	int rc;

	if (!j)
		return -ERR_NOMEM;
	j->id = f->id;
	j->issuer = cert_ref(f->issuer);
	if (f->cert)
		j->cert = *f->cert;
	j->nonce_n = MIN(f->nonce.n, sizeof j->nonce);
	if (j->nonce_n != 0)
		memcpy(j->nonce, f->nonce.p, j->nonce_n);
	(void)snprintf(j->profile, sizeof j->profile, "%s", f->profile);
	rc = pki_io_get(&p->io, &ask, on_fetched, j);
	if (rc < 0)
		pki_job_free(j);
	else
		list_add_tail(&p->fetching, &j->link);
	return rc;
}

static void do_revoked(void *ctx, const struct cert_ref *refs, size_t n)
{
	struct pki_service *p = (struct pki_service *)ctx;
	struct ike_event ev = {.type = IKE_EV_REVOKED};

	ev.revoked.refs = refs;
	ev.revoked.n = n;
	runner_feed(&p->d->runner, &ev);
}

static void do_keep(void *ctx, const char *profile, struct view der)
{
	struct pki_service *p = (struct pki_service *)ctx;
	struct pki_job *j = pki_job_new(p, PKI_JOB_WRITE_FILE);

	if (!j)
		return;
	(void)snprintf(j->profile, sizeof j->profile, "%s", profile);
	if (pki_path(p->d->args.pki_dir, PKI_CRL, profile, j->path) < 0 ||
		blob_copy(der, &j->body) < 0)
		pki_job_free(j);
	else
		job_start(j);
}

static void do_forget(void *ctx, const char *profile)
{
	const struct pki_service *p = (const struct pki_service *)ctx;
	char path[PKI_PATH_MAX];

	if (pki_path(p->d->args.pki_dir, PKI_CRL, profile, path) == 0)
		(void)unlink(path);
}

/* Dynamic profiles are of one run; a run before may have ended without a farewell. */
static void forget_dynamic(struct pki_service *p)
{
	char name[REVOCATION_NAME_MAX];

	for (unsigned i = 1; i <= REVOCATION_DYNAMIC_MAX; i++) {
		(void)snprintf(name, sizeof name, "dynamic-%03u", i);
		do_forget(p, name);
	}
}

/* ---------------------------------------------------------------- jobs of the engine */

struct waiting {
	struct list link;
	struct ike_trust_job *job; /* NULL: the operator's question, */
	pki_told_fn *told;
	void *ctx;
	struct path path;
	struct pki_store *store;
	uint64_t until_ms;
};

static void waiting_free(struct pki_service *p, struct waiting *w)
{
	list_del(&w->link);
	p->n_waiting--;
	path_fini(&w->path);
	pki_store_unref(w->store);
	if (w->job)
		ike_trust_job_free(w->job);
	free(w);
}

static void waiting_done(struct pki_service *p, struct waiting *w)
{
	struct ike_event ev = {.type = IKE_EV_TRUSTED, .trust = take_ptr(w->job)};

	waiting_free(p, w);
	runner_feed(&p->d->runner, &ev);
}

/* The operator's; true: it is answered and gone. */
static bool question_ask(struct pki_service *p, struct waiting *w)
{
	char why[IKE_TRUST_REASON_MAX] = "";
	enum revocation_result what = revocation_check(
		p->revocation, w->store, &w->path, clock_wall_s(), why, sizeof why);
	pki_told_fn *told = w->told;
	void *ctx = w->ctx;

	if (what == REVOCATION_WAIT && clock_boot_ms() < w->until_ms)
		return false;
	waiting_free(p, w);
	told(ctx, what, why);
	return true;
}

/* true: it is answered and gone. */
static bool job_ask(struct pki_service *p, struct waiting *w)
{
	enum revocation_result what = revocation_check(p->revocation, w->store, &w->path,
		clock_wall_s(), w->job->reason, sizeof w->job->reason);
	bool late = what == REVOCATION_WAIT && clock_boot_ms() >= w->until_ms;

	if (what == REVOCATION_WAIT && !late)
		return false;
	if (late)
		(void)snprintf(w->job->reason, sizeof w->job->reason,
			"what revocation takes did not come in time");
	if (what != REVOCATION_GOOD)
		w->job->rc = -ERR_AUTH;
	waiting_done(p, w);
	return true;
}

static bool waiting_ask(struct pki_service *p, struct waiting *w)
{
	return w->job ? job_ask(p, w) : question_ask(p, w);
}

/* An answer may make the engine ask for more: whatever is added meanwhile is at the end. */
static void waiting_ask_all(struct pki_service *p)
{
	struct waiting *w, *next;

	list_foreach_safe (w, next, &p->waiting, link)
		(void)waiting_ask(p, w);
}

static void do_changed(void *ctx)
{
	waiting_ask_all((struct pki_service *)ctx);
}

void pki_service_judge(struct pki_service *p, struct ike_trust_job *job, struct path *path,
	struct pki_store *store)
{
	struct waiting *w = p->started ? calloc(1, sizeof *w) : NULL;

	if (!w) {
		path_fini(path);
		pki_store_unref(store);
		ike_trust_job_free(job);
		if (p->started)
			daemon_stop(p->d, "out of memory");
		return;
	}
	w->job = job;
	w->path = *path;
	*path = (struct path){0};
	w->store = store;
	w->until_ms = clock_boot_ms() + PKI_WAIT_MS;
	list_add_tail(&p->waiting, &w->link);
	p->n_waiting++;
	if (job->rc < 0)
		waiting_done(p, w);
	else
		(void)waiting_ask(p, w);
}

int pki_service_ask(struct pki_service *p, struct path *path, struct pki_store *store,
	pki_told_fn *told, void *ctx)
{
	struct waiting *w = p->started ? calloc(1, sizeof *w) : NULL;

	if (!w) {
		path_fini(path);
		return -ERR_NOMEM;
	}
	w->told = told;
	w->ctx = ctx;
	w->path = *path;
	*path = (struct path){0};
	w->store = pki_store_ref(store);
	w->until_ms = clock_boot_ms() + PKI_ASK_MS;
	list_add_tail(&p->waiting, &w->link);
	p->n_waiting++;
	(void)waiting_ask(p, w);
	return 0;
}

/* ---------------------------------------------------------------- time */

static void expiry_say(const struct pki_service *p, const char *kind, const char *name,
	const struct cert *c, uint32_t days)
{
	int64_t left = c->not_after_s - clock_wall_s();
	char subject[128];

	if (left < (int64_t)days * EXPIRY_EACH_S)
		log_warn(&p->d->log, left < 0 ? "pki.expired" : "pki.expiring",
			"%s=%s days=%lld subject=\"%s\"", kind, name,
			(long long)(left / EXPIRY_EACH_S),
			dn_text(c->subject, subject, sizeof subject));
}

static void expiry_check(struct pki_service *p)
{
	const struct credentials *c = &p->d->credentials;

	p->expiry_said_s = clock_wall_s();
	for (size_t i = 0; i < c->store->n; i++) {
		const struct pki_ca *ca = &c->store->cas[i];

		if (ca->cert)
			expiry_say(p, "ca-profile", ca->profile->name, ca->cert,
				model_expiry_days(p->d->model, true, ca->profile->identity));
	}
	for (uint32_t i = 0; i < p->d->model->n_ike_policies; i++) {
		const char *id = p->d->model->ike_policies[i].local_certificate;
		const struct ike_local_cert *own = id ? c->face.local(c->face.ctx, id) : NULL;
		auto_cert cert = NULL;

		if (own && own->n_chain != 0 && cert_parse(own->chain[0], &cert) == 0)
			expiry_say(p, "local-certificate", id, cert,
				model_expiry_days(p->d->model, false, id));
	}
}

static void want_chain(void *ctx, const struct peer_cert *peer)
{
	struct pki_service *p = (struct pki_service *)ctx;
	struct cert *issuers[IKE_CERTS_MAX] = {NULL};
	struct revocation_link chain[IKE_CERTS_MAX];
	size_t n = MIN(peer->n_refs, ARRAY_LEN(chain));

	for (size_t i = 0; i < n; i++) {
		struct trail_step s = trail_at(&peer->trail, i);

		if (s.issuer.n != 0 &&
			pki_cache_cert(p->d->credentials.cache, s.issuer, &issuers[i]) < 0)
			issuers[i] = NULL;
		chain[i] =
			(struct revocation_link){&peer->refs[i], s.crl_url, s.ocsp_url, issuers[i]};
	}
	revocation_want(p->revocation, chain, n, clock_wall_s());
	for (size_t i = 0; i < n; i++)
		cert_unref(issuers[i]);
}

/* SAs are here that were not: what is known of their peers' chains is told, what is not is got. And
 * from time to time: what speaks of an SA that is up is in use, and not to be forgotten. */
static void catch_up(struct pki_service *p)
{
	p->restored = false;
	p->caught_up_ms = clock_boot_ms();
	ike_peer_chains(p->d->runner.ike, want_chain, p);
	revocation_tell(p->revocation);
}

static void on_tick(uv_timer_t *t)
{
	struct pki_service *p = (struct pki_service *)t->data;

	revocation_tick(p->revocation, clock_wall_s());
	if (p->restored || clock_boot_ms() - p->caught_up_ms >= CATCH_UP_EACH_MS)
		catch_up(p);
	waiting_ask_all(p);
	if (clock_wall_s() - p->expiry_said_s >= EXPIRY_EACH_S)
		expiry_check(p);
	work_drain(&p->d->work, p->d);
}

/* ---------------------------------------------------------------- life */

void pki_service_reload(struct pki_service *p)
{
	struct pki_store *store = p->d->credentials.store;

	for (size_t i = 0; i < store->n; i++) {
		const struct pki_ca *ca = &store->cas[i];
		struct pki_job *j = ca->cert ? pki_job_new(p, PKI_JOB_READ_FILE) : NULL;

		if (!j)
			continue;
		j->issuer = cert_ref(ca->cert);
		(void)snprintf(j->profile, sizeof j->profile, "%s", ca->profile->name);
		if (pki_path(p->d->args.pki_dir, PKI_CRL, ca->profile->name, j->path) < 0)
			pki_job_free(j);
		else
			job_start(j);
	}
	revocation_store(p->revocation, store, clock_wall_s());
	p->expiry_said_s = 0; /* what was loaded, or is warned of earlier now, is said at once */
}

void pki_service_restored(struct pki_service *p)
{
	p->restored = true;
}

void pki_service_clear(struct pki_service *p, const char *profile)
{
	revocation_clear(p->revocation, profile);
}

int pki_service_init(struct pki_service *p, struct daemon *d)
{
	const struct revocation_ops ops = {
		p, do_fetch, do_changed, do_revoked, do_keep, do_forget, &d->env, &d->log};
	int rc;

	*p = (struct pki_service){.d = d};
	list_init(&p->waiting);
	list_init(&p->fetching);
	rc = fetch_library_start();
	if (rc == 0)
		rc = pki_io_init(&p->io, &d->loop);
	if (rc == 0)
		rc = revocation_new(&ops, &p->revocation);
	if (rc < 0 || uv_timer_init(&d->loop, &p->tick) != 0)
		return rc < 0 ? rc : -ERR_IO;
	p->tick.data = p;
	p->started = true;
	forget_dynamic(p);
	(void)uv_timer_start(&p->tick, on_tick, TICK_MS, TICK_MS);
	pki_service_reload(p);
	return 0;
}

void pki_service_fini(struct pki_service *p)
{
	struct waiting *w, *next;
	struct pki_job *j, *j_next;

	if (!p->d)
		return;
	if (p->started && !uv_is_closing((uv_handle_t *)&p->tick))
		uv_close((uv_handle_t *)&p->tick, NULL);
	p->started = false;
	pki_io_fini(&p->io);
	while (p->working != 0 && uv_run(&p->d->loop, UV_RUN_ONCE) != 0)
		;
	list_foreach_safe (w, next, &p->waiting, link)
		waiting_free(p, w);
	list_foreach_safe (j, j_next, &p->fetching, link)
		pki_job_free(j);
	revocation_free(p->revocation);
	fetch_library_end();
	p->revocation = NULL;
	p->d = NULL; /* the rest stays: the loop closes the timer later */
}
