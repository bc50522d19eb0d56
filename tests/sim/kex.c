#include "kex.h"

#include <stdlib.h>

#include "base/err.h"
#include "crypto/cert_ref.h"
#include "crypto/hash.h"
#include "models.h"

#define CERTIFICATE "what stands for a certificate"

/* ---------------------------------------------------------------- what stands for signatures */

static const struct ike_local_cert *local(void *ctx, const char *certificate_id)
{
	static const struct view chain = {(const uint8_t *)CERTIFICATE, sizeof CERTIFICATE - 1};
	static const uint8_t issuers[1][20];
	static const struct ike_local_cert cert = {.chain = &chain,
		.n_chain = 1,
		.subject = {(const uint8_t *)"0", 1},
		.schemes = SIGN_BIT(SIGN_ED25519),
		.issuers = issuers};

	(void)ctx;
	(void)certificate_id;
	return &cert;
}

static struct view anchors(void *ctx, const struct model_ike_policy *policy)
{
	(void)ctx;
	(void)policy;
	return view_of_literal("twenty octets of it.");
}

const struct ike_credentials sim_credentials = {.local = local, .anchors = anchors};

static void sign(struct crypto *c, struct ike_sign_job *job)
{
	uint8_t digest[HASH_MAX];

	job->rc = hash(c, HASH_SHA256, VIEWS(blob_view(&job->octets)), digest);
	if (job->rc == 0)
		job->rc = blob_copy(view_of(digest, HASH_SHA256_LEN), &job->signature);
}

void kex_ref(uint32_t p, struct cert_ref *out)
{
	*out = (struct cert_ref){.serial_len = 1};
	out->serial[0] = (uint8_t)p;
}

static uint32_t peer_of(const struct ike_trust_job *job)
{
	struct addr a;

	return addr_from_view(blob_view(&job->peer_id.data), &a) == 0 ? peer_of_address(&a)
								      : UINT32_MAX;
}

static void judge(struct crypto *c, struct ike_trust_job *job, uint32_t revoked)
{
	uint8_t digest[HASH_MAX];
	uint32_t p = peer_of(job);

	if (hash(c, HASH_SHA256, VIEWS(blob_view(&job->octets)), digest) < 0)
		abort();
	job->rc = -ERR_AUTH;
	job->refs = calloc(1, sizeof *job->refs);
	job->n_refs = job->refs ? 1 : 0;
	if (job->refs)
		kex_ref(p, job->refs);
	if (p < PEERS && (revoked & 1u << p))
		return;
	if (job->n_certs == 1 && job->alg.scheme == SIGN_ED25519 &&
		view_equal(blob_view(&job->certs[0].data), view_of_literal(CERTIFICATE)) &&
		view_equal(blob_view(&job->signature), view_of(digest, HASH_SHA256_LEN)))
		job->rc = 0;
}

/* ---------------------------------------------------------------- the pool */

static uint64_t id_of(const struct ike_effect *e)
{
	return e->type == IKE_FX_KEX	? e->kex->id
	       : e->type == IKE_FX_SIGN ? e->sign->id
					: e->trust->id;
}

uint64_t kexes_add(struct kexes *k, struct ike_effect *e)
{
	struct ike_effect *mine = &k->v[k->n];

	if (k->n++ == KEXES)
		abort();
	*mine = *e;
	/* The effects free what nobody took. */
	if (e->type == IKE_FX_KEX)
		e->kex = NULL;
	else if (e->type == IKE_FX_SIGN)
		e->sign = NULL;
	else
		e->trust = NULL;
	return id_of(mine);
}

static void do_one(struct ike_effect *e, struct crypto *c, uint32_t revoked, struct ike_event *ev)
{
	if (e->type == IKE_FX_KEX) {
		ike_kex_run(c, e->kex);
		ev->type = IKE_EV_KEX_DONE;
		ev->kex = e->kex;
	} else if (e->type == IKE_FX_SIGN) {
		sign(c, e->sign);
		ev->type = IKE_EV_SIGNED;
		ev->sign = e->sign;
	} else {
		judge(c, e->trust, revoked);
		ev->type = IKE_EV_TRUSTED;
		ev->trust = e->trust;
	}
}

bool kexes_do(
	struct kexes *k, uint64_t id, struct crypto *c, uint32_t revoked, struct ike_event *ev)
{
	for (size_t i = 0; i < k->n; i++) {
		struct ike_effect e = k->v[i];

		if (id_of(&e) != id)
			continue;
		k->v[i] = k->v[--k->n];
		do_one(&e, c, revoked, ev);
		return true;
	}
	return false;
}

void kexes_fini(struct kexes *k)
{
	while (k->n) {
		struct ike_effect *e = &k->v[--k->n];

		if (e->type == IKE_FX_KEX)
			ike_kex_job_free(e->kex);
		else if (e->type == IKE_FX_SIGN)
			ike_sign_job_free(e->sign);
		else
			ike_trust_job_free(e->trust);
	}
}
