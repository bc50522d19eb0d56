#include "host/sign_work.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "ike/judge.h"

/* ---------------------------------------------------------------- our signature */

struct signing {
	struct runner *r;
	struct ike_sign_job *job;
};

static void on_signed(void *ctx, int rc, const Keys__Response *answer)
{
	struct signing *s = (struct signing *)ctx;
	struct runner *r = s->r;
	struct ike_event ev = {.type = IKE_EV_SIGNED, .sign = s->job};

	if (rc == 0)
		rc = blob_copy(view_of(answer->signature.data, answer->signature.len),
			&ev.sign->signature);
	ev.sign->rc = rc;
	free(s);
	r->signing--;
	if (!r->started || r->d->stopping) {
		ike_sign_job_free(ev.sign);
		return;
	}
	runner_feed(r, &ev);
	work_drain(&r->d->work, r->d);
}

void sign_work(struct runner *r, struct ike_sign_job *job)
{
	struct signing *s = calloc(1, sizeof *s);

	if (s)
		*s = (struct signing){r, job};
	if (!s || keys_client_sign(&r->d->keys, job->key_id, (uint32_t)job->scheme,
			  blob_view(&job->octets), on_signed, s) < 0) {
		free(s);
		ike_sign_job_free(job);
		daemon_stop(r->d, "out of memory");
		return;
	}
	r->signing++;
}

/* ---------------------------------------------------------------- the peer's certificates */

/* About: a certificate that nobody has seen, its signature and that of the peer. */
#define TRUST_US 150

struct req {
	struct offload_job work;
	struct runner *r;
	struct ike_trust_job *trust;
	struct pki_store *store;
	struct path path; /* that was found, when the rest holds */
};

static void run(struct offload_job *w)
{
	struct req *q = container_of(w, struct req, work);
	const struct daemon *d = q->r->d;

	ike_trust_run(d->crypto, q->store, d->credentials.cache, q->trust, &q->path);
}

static void req_free(struct req *q)
{
	path_fini(&q->path);
	pki_store_unref(q->store);
	free(q);
}

static void done(struct offload_job *w, bool dropped)
{
	struct req *q = container_of(w, struct req, work);

	if (dropped || !q->r->started)
		ike_trust_job_free(q->trust);
	else /* Revocation is what is left; it may take a while. */
		pki_service_judge(&q->r->d->pki, q->trust, &q->path, take_ptr(q->store));
	req_free(q);
}

void trust_work(struct runner *r, struct ike_trust_job *job)
{
	struct req *q = calloc(1, sizeof *q);

	if (!q) {
		ike_trust_job_free(job);
		daemon_stop(r->d, "out of memory");
		return;
	}
	q->work = (struct offload_job){
		.cost_us = TRUST_US, .stranger = true, .run = run, .done = done};
	q->r = r;
	q->trust = job;
	q->store = pki_store_ref(r->d->credentials.store);
	offload_post(&r->offload, &q->work);
}
