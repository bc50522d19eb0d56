#include "host/sign_work.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "ike/judge.h"

struct req {
	uv_work_t work;
	struct runner *r;
	struct ike_sign_job *sign; /* one of both */
	struct ike_trust_job *trust;
	struct sign_key *key; /* a reference of its own: the configuration may change */
	struct pki_store *store;
	struct path path; /* that was found, when the rest holds */
};

static void run(uv_work_t *w)
{
	struct req *q = container_of(w, struct req, work);
	const struct daemon *d = q->r->d;

	if (q->sign) {
		ike_sign_run(d->crypto, q->key, q->sign);
		return;
	}
	ike_trust_run(d->crypto, q->store, d->credentials.cache, q->trust, &q->path);
}

static void req_free(struct req *q)
{
	sign_key_free(q->key);
	path_fini(&q->path);
	pki_store_unref(q->store);
	free(q);
}

static void done(uv_work_t *w, int status)
{
	struct req *q = container_of(w, struct req, work);
	struct runner *r = q->r;
	struct ike_event ev = {.type = IKE_EV_SIGNED, .sign = q->sign};
	struct ike_trust_job *trust = q->trust;

	r->kex_running--;
	if (status != 0 || !r->started) {
		if (trust)
			ike_trust_job_free(trust);
		else
			ike_sign_job_free(ev.sign);
	} else if (trust) {
		/* Revocation is what is left; it may take a while. */
		pki_service_judge(&r->d->pki, trust, &q->path, take_ptr(q->store));
		work_drain(&r->d->work, r->d);
	} else {
		runner_feed(r, &ev);
		work_drain(&r->d->work, r->d);
	}
	req_free(q);
}

static void start(struct runner *r, struct req *q)
{
	q->r = r;
	r->kex_running++;
	(void)uv_queue_work(&r->d->loop, &q->work, run, done);
}

void sign_work(struct runner *r, struct ike_sign_job *job)
{
	const struct sign_key *key = credentials_key(&r->d->credentials, job->key_id);
	struct req *q = calloc(1, sizeof *q);

	if (!q || (key && sign_key_share(key, &q->key) < 0)) {
		free(q);
		ike_sign_job_free(job);
		daemon_stop(r->d, "out of memory");
		return;
	}
	q->sign = job;
	start(r, q);
}

void trust_work(struct runner *r, struct ike_trust_job *job)
{
	struct req *q = calloc(1, sizeof *q);

	if (!q) {
		ike_trust_job_free(job);
		daemon_stop(r->d, "out of memory");
		return;
	}
	q->trust = job;
	q->store = pki_store_ref(r->d->credentials.store);
	start(r, q);
}
