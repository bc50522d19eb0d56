#include "pki/trust.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/dn.h"
#include "pki/identity.h"

static void refuse(struct pki_trust *out, int rc, const char *fmt, ...) PRINTF(3, 4);

static void refuse(struct pki_trust *out, int rc, const char *fmt, ...)
{
	va_list ap;

	out->rc = rc;
	va_start(ap, fmt);
	(void)vsnprintf(out->reason, sizeof out->reason, fmt, ap);
	va_end(ap);
}

struct received {
	struct cert *v[CERT_CHAIN_MAX];
	size_t n;
};

static void received_fini(struct received *r)
{
	while (r->n != 0)
		cert_unref(r->v[--r->n]);
}

static int received_read(
	const struct pki_trust_ask *ask, struct pki_cache *cache, struct received *r)
{
	int rc = 0;

	if (ask->pkcs7)
		return ask->n_certs == 1
			       ? cert_parse_pkcs7(ask->certs[0], r->v, CERT_CHAIN_MAX, &r->n)
			       : -ERR_SYNTAX;
	if (ask->n_certs > CERT_CHAIN_MAX)
		return -ERR_LIMIT;
	for (size_t i = 0; rc == 0 && i < ask->n_certs; i++) {
		rc = cache ? pki_cache_cert(cache, ask->certs[i], &r->v[i])
			   : cert_parse(ask->certs[i], &r->v[i]);
		r->n += rc == 0;
	}
	return rc;
}

static void chain_check(const struct pki_store *s, struct pki_cache *cache,
	const struct pki_trust_ask *ask, const struct received *r, struct pki_trust *out)
{
	const struct path_set set = {(const struct cert *const *)r->v, r->n};
	char name[96];
	const char *why;
	int rc = chain_build(s, cache, set, &ask->terms, &out->path, &why);

	if (rc < 0 && r->n != 0)
		refuse(out, rc, "certificate of %s: %s",
			dn_text(r->v[0]->subject, name, sizeof name), why);
	else if (rc < 0)
		refuse(out, rc, "%s", why);
}

static void identity_check(const struct pki_trust_ask *ask, struct pki_trust *out)
{
	char name[96];

	if (!identity_is_backed(out->path.certs[0], ask->id_type, ask->id))
		refuse(out, -ERR_AUTH, "its identity is not in the certificate of %s",
			dn_text(out->path.certs[0]->subject, name, sizeof name));
}

static void signature_check(
	const struct crypto *crypto, const struct pki_trust_ask *ask, struct pki_trust *out)
{
	int rc =
		sign_check(crypto, out->path.certs[0]->key, &ask->alg, ask->octets, ask->signature);

	if (rc < 0)
		refuse(out, rc, "its signature (%s) does not verify with its certificate",
			sign_text(ask->alg.scheme));
}

void pki_trust_check(const struct pki_store *s, struct pki_cache *cache,
	const struct crypto *crypto, const struct pki_trust_ask *ask, struct pki_trust *out)
{
	struct received r = {0};
	bool by_terms = false;
	int rc = received_read(ask, cache, &r);

	*out = (struct pki_trust){0};
	if (rc == -ERR_LIMIT)
		refuse(out, rc, "a certificate is too large, or more than %d were sent",
			CERT_CHAIN_MAX);
	else if (rc < 0)
		refuse(out, rc, "a certificate cannot be read: %s", err_text(rc));
	if (out->rc == 0) {
		chain_check(s, cache, ask, &r, out);
		by_terms = out->rc < 0;
	}
	if (out->rc == 0)
		identity_check(ask, out);
	if (out->rc == 0)
		signature_check(crypto, ask, out);
	out->final = out->rc < 0 && !by_terms;
	if (out->rc < 0)
		path_fini(&out->path);
	received_fini(&r);
}

void pki_trust_fini(struct pki_trust *t)
{
	path_fini(&t->path);
}
