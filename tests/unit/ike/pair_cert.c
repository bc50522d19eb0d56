#include "pair_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/err.h"
#include "ike/judge.h"
#include "pki/store.h"

void pair_ca_init(struct pair_ca *ca)
{
	ca->root = forge_make_ca("O=test, CN=Root", NULL, -1);
	ca->sub = forge_make_ca("O=test, CN=Sub", &ca->root, 0);
	ca->other = forge_make_ca("O=test, CN=Root", NULL, -1);
}

void pair_ca_fini(struct pair_ca *ca)
{
	forge_ca_free(&ca->root);
	forge_ca_free(&ca->sub);
	forge_ca_free(&ca->other);
}

static const struct ike_local_cert *face_local(void *ctx, const char *certificate_id)
{
	struct pair_cert *c = (struct pair_cert *)ctx;

	if (c->more && strcmp(certificate_id, "me2") == 0)
		return &c->more->lent;
	return c->leaf.cert && strcmp(certificate_id, "me") == 0 ? &c->lent : NULL;
}

static struct cert *anchor_of(const struct pair_cert *c, const char *profile)
{
	if (strcmp(profile, "Other") == 0)
		return c->more ? c->more->anchor : NULL;
	assert_string_equal(profile, "Root");
	return c->anchor;
}

static struct view face_anchors(void *ctx, const struct model_ike_policy *policy)
{
	struct pair_cert *c = (struct pair_cert *)ctx;
	size_t n = 0;

	assert_true(policy->n_trusted_cas != 0);
	for (uint32_t i = 0; i < policy->n_trusted_cas; i++) {
		const struct cert *a = anchor_of(c, policy->trusted_cas[i]->name);

		if (a && n < ARRAY_LEN(c->anchors))
			memcpy(c->anchors[n++], a->public_key_hash, 20);
	}
	return view_of(c->anchors, n * 20);
}

struct pair_cert *pair_cert_of(
	const struct pair_ca *ca, const struct forge_cert *form, const struct forge_ca *issuer)
{
	struct pair_cert *c = calloc(1, sizeof *c);

	assert_non_null(c);
	c->leaf = forge_issue(form, issuer);
	assert_int_equal(sign_key_wrap(c->leaf.key, &c->key), 0);
	c->chain[0] = c->leaf.cert->der;
	c->lent.n_chain = 1;
	memcpy(c->issuers[0], issuer->cert->public_key_hash, 20);
	if (issuer == &ca->sub) {
		c->chain[1] = ca->sub.cert->der;
		c->lent.n_chain = 2;
		memcpy(c->issuers[1], ca->root.cert->public_key_hash, 20);
	}
	c->lent.chain = c->chain;
	c->lent.issuers = (const uint8_t(*)[20])c->issuers;
	c->lent.subject = c->leaf.cert->subject;
	c->lent.schemes = sign_schemes(c->leaf.cert->key);
	c->anchor = ca->root.cert;
	c->face = (struct ike_credentials){.ctx = c, .local = face_local, .anchors = face_anchors};
	return c;
}

struct pair_cert *pair_cert_new(
	const struct pair_ca *ca, enum pair_key key, const char *name, const char *san)
{
	const struct forge_cert form = {.subject = name,
		.key_type = (enum forge_key)key,
		.ext = {{"keyUsage", "critical,digitalSignature"},
			{san ? "subjectAltName" : NULL, san}}};

	return pair_cert_of(ca, &form, &ca->sub);
}

void pair_cert_free(struct pair_cert *c)
{
	ike_trust_job_free(c->held);
	forge_ca_free(&c->leaf);
	sign_key_free(c->key);
	free(c);
}

void pair_cert_sign(struct pair_cert *c, const struct crypto *crypto, struct ike_sign_job *job)
{
	bool second = c->more && strcmp(job->key_id, "me2") == 0;

	assert_true(second || strcmp(job->key_id, "me") == 0);
	c->signs++;
	ike_sign_run(crypto, second ? c->more->key : c->key, job);
	if (c->sign_rc != 0 && c->signs >= c->sign_from)
		job->rc = c->sign_rc;
}

static int source(void *ctx, const char *profile, struct cert **out)
{
	const struct pair_cert *c = (const struct pair_cert *)ctx;

	struct cert *a = anchor_of(c, profile);

	*out = a ? cert_ref(a) : NULL;
	return 0;
}

void pair_cert_trust(struct pair_cert *c, const struct crypto *crypto, struct ike_trust_job *job)
{
	const struct pki_source from = {source, c};
	struct pki_store *store = NULL;
	struct path path = {.n = 0};

	c->trusts++;
	assert_int_equal(pki_store_new(job->model, &from, 1, &store), 0);
	ike_trust_run(crypto, store, NULL, job, &path);
	path_fini(&path);
	pki_store_unref(store);
	if (c->trust_rc != 0)
		ike_trust_refuse(job, c->trust_rc, "as the test wants");
	c->n_certs = job->n_certs;
	c->n_refs = MIN(job->n_refs, ARRAY_LEN(c->refs));
	for (size_t i = 0; i < c->n_refs; i++)
		c->refs[i] = job->refs[i];
}
