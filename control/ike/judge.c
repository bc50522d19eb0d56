#include "ike/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "policy/dn.h"
#include "pki/trust.h"
#include "wire/iana.h"

void ike_sign_run(const struct crypto *c, const struct sign_key *key, struct ike_sign_job *job)
{
	job->rc = key ? sign_make(c, key, job->scheme, blob_view(&job->octets), &job->signature)
		      : -ERR_NOT_FOUND;
}

void ike_trust_refuse(struct ike_trust_job *job, int rc, const char *reason)
{
	job->rc = rc;
	(void)snprintf(job->reason, sizeof job->reason, "%s", reason);
}

static int step_add(const struct pki_store *store, const struct cert *c, const struct cert *issuer,
	struct blob *trail)
{
	const struct trail_step s = {.crl_url = c->crl_urls.n != 0 ? c->crl_urls.v[0] : "",
		.ocsp_url = c->ocsp_urls.n != 0 ? c->ocsp_urls.v[0] : "",
		.issuer = pki_store_of(store, issuer) ? (struct view){0} : issuer->der};

	return trail_add(trail, &s);
}

/* The anchor is trusted by name, not by whoever issued it. */
static int remember(struct ike_trust_job *job, const struct pki_store *store, const struct path *p)
{
	struct cert_ref *refs;
	int rc = 0;

	job->not_after_wall_ms = p->not_after_s > 0 ? (uint64_t)p->not_after_s * 1000 : 0;
	if (p->n < 2)
		return 0;
	refs = calloc(p->n - 1, sizeof *refs);
	if (!refs)
		return -ERR_NOMEM;
	for (size_t i = 0; i + 1 < p->n; i++)
		cert_ref_make(p->certs[i], p->certs[i + 1], &refs[i]);
	job->refs = refs;
	job->n_refs = p->n - 1;
	for (size_t i = 0; rc == 0 && i + 1 < p->n; i++)
		rc = step_add(store, p->certs[i], p->certs[i + 1], &job->trail);
	return rc;
}

struct judge {
	const struct crypto *crypto;
	const struct pki_store *store;
	struct pki_cache *cache;
	struct path *path; /* out */
};

static void key_refuse(struct ike_trust_job *job, const struct cert *c, const char *policy)
{
	char name[96];

	job->rc = -ERR_AUTH;
	(void)snprintf(job->reason, sizeof job->reason,
		"certificate of %s: its key is not of the configured method of policy %s",
		dn_text(c->subject, name, sizeof name), policy);
}

/* By one gateway's terms. true: no other gateway's would make a difference. */
static bool judge(const struct judge *g, struct ike_trust_job *job, const struct pki_trust_ask *ask,
	size_t which)
{
	const struct ike_trust_terms *terms = &job->terms[which];
	struct pki_trust t = {.rc = 0};
	bool final;

	pki_trust_check(g->store, g->cache, g->crypto, ask, &t);
	final = t.rc == 0 || t.final;
	if (t.rc < 0) {
		ike_trust_refuse(job, t.rc, t.reason);
	} else if ((sign_schemes(t.path.certs[0]->key) & terms->key_schemes) == 0) {
		key_refuse(job, t.path.certs[0], terms->policy->name);
		final = false;
	} else {
		job->chosen = which;
		(void)dn_text(t.path.certs[0]->subject, job->subject, sizeof job->subject);
		job->rc = remember(job, g->store, &t.path);
		if (job->rc == 0)
			path_copy(&t.path, g->path);
	}
	pki_trust_fini(&t);
	return final;
}

/* The names of the CA profiles that a policy is tied to; none: any. */
static int cas_of(const struct model_ike_policy *p, const char ***out, size_t *n)
{
	const char **cas = (const char **)calloc((size_t)p->n_trusted_cas + 1, sizeof(char *));

	if (!cas)
		return -ERR_NOMEM;
	*n = 0;
	for (uint32_t i = 0; i < p->n_trusted_cas && !p->use_all; i++)
		cas[(*n)++] = p->trusted_cas[i]->name;
	*out = cas;
	return 0;
}

static bool judge_by(const struct judge *g, struct ike_trust_job *job, size_t which)
{
	const struct model_ike_policy *p = job->terms[which].policy;
	struct view certs[IKE_CERTS_MAX];
	const char **cas;
	struct pki_trust_ask ask = {.terms = {.at_s = (int64_t)(job->wall_ms / 1000),
					    .policies = p->policy_oids,
					    .n_policies = p->n_policy_oids},
		.certs = certs,
		.n_certs = job->n_certs,
		.pkcs7 = job->n_certs != 0 && job->certs[0].encoding == CERT_PKCS7,
		.id_type = job->peer_id.type,
		.id = blob_view(&job->peer_id.data),
		.alg = job->alg,
		.octets = blob_view(&job->octets),
		.signature = blob_view(&job->signature)};
	bool final;

	if (ask.pkcs7 && !p->peer_cert_pkcs7) {
		ike_trust_refuse(job, -ERR_AUTH, "it sent PKCS #7, which is not configured");
		return false;
	}
	if (cas_of(p, &cas, &ask.terms.n_cas) < 0) {
		ike_trust_refuse(job, -ERR_NOMEM, err_text(-ERR_NOMEM));
		return true;
	}
	ask.terms.cas = cas;
	for (size_t i = 0; i < job->n_certs; i++)
		certs[i] = blob_view(&job->certs[i].data);
	final = judge(g, job, &ask, which);
	free((void *)cas);
	return final;
}

void ike_trust_run(const struct crypto *c, const struct pki_store *s, struct pki_cache *cache,
	struct ike_trust_job *job, struct path *path)
{
	const struct judge g = {c, s, cache, path};
	char first[IKE_TRUST_REASON_MAX];

	ike_trust_refuse(job, -ERR_AUTH, "no gateway could judge it");
	for (size_t i = 0; i < job->n_terms; i++) {
		if (judge_by(&g, job, i))
			return;
		if (i == 0)
			memcpy(first, job->reason, sizeof first);
	}
	if (job->n_terms > 1) /* the best candidate's word is what helps */
		memcpy(job->reason, first, sizeof first);
}
