#include "pki/trust.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/dn.h"
#include "pki/identity.h"

#define NAME_TEXT 96 /* of a name in a sentence; longer ones are cut */

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
	char name[NAME_TEXT], at[NAME_TEXT], issuer[NAME_TEXT];
	const struct cert *blame = NULL;
	struct chain_terms terms = ask->terms;
	const char *why;
	int rc;

	terms.blame = &blame;
	rc = chain_build(s, cache, set, &terms, &out->path, &why);
	if (rc == 0)
		return;
	if (r->n == 0) {
		refuse(out, rc, "%s", why);
		return;
	}
	(void)dn_text(r->v[0]->subject, name, sizeof name);
	if (!blame || blame == r->v[0])
		refuse(out, rc, "certificate of %s, issued by %s: %s", name,
			dn_text(r->v[0]->issuer, issuer, sizeof issuer), why);
	else
		refuse(out, rc, "certificate of %s: %s: that of %s, issued by %s", name, why,
			dn_text(blame->subject, at, sizeof at),
			dn_text(blame->issuer, issuer, sizeof issuer));
}

static void identity_check(const struct pki_trust_ask *ask, struct pki_trust *out)
{
	char name[NAME_TEXT];

	if (!identity_is_backed(out->path.certs[0], ask->id_type, ask->id))
		refuse(out, -ERR_AUTH,
			"certificate of %s: its identity is not in the certificate (RFC 4945 3.1)",
			dn_text(out->path.certs[0]->subject, name, sizeof name));
}

static void signature_check(
	const struct crypto *crypto, const struct pki_trust_ask *ask, struct pki_trust *out)
{
	int rc =
		sign_check(crypto, out->path.certs[0]->key, &ask->alg, ask->octets, ask->signature);

	char name[NAME_TEXT];

	if (rc < 0)
		refuse(out, rc,
			"certificate of %s: its signature (%s) does not verify with its "
			"certificate",
			dn_text(out->path.certs[0]->subject, name, sizeof name),
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
