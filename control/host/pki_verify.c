/*
 * request security pki ca-certificate|local-certificate verify: chain, validity, key, and
 * revocation as for a peer: lists are fetched and responders asked, and waited for a little.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cert_text.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/pki_files.h"
#include "host/pki_operator.h"
#include "pki/chain.h"

#define PROGRESS                                                                                   \
	"CRL verification in progress. Please check the PKId debug logs for completion status\n"

struct verifying {
	struct daemon *d;
	struct ctl_call *call;
	bool ca;
	char name[64];
	struct blob public_key;
	struct path path; /* when it is good so far */
	bool good;
	const char *why;
};

/* ---------------------------------------------------------------- the answer */

static void verifying_free(struct verifying *v)
{
	blob_fini(&v->public_key);
	path_fini(&v->path);
	free(v);
}

static void refuse(struct verifying *v, const char *why)
{
	log_warn(&v->d->log, "pki.verify.failed", "kind=%s name=%s reason=\"%s\"",
		v->ca ? "ca-certificate" : "local-certificate", v->name, why);
	ctl_fail(v->call, "%s certificate %s verification failed", v->ca ? "CA" : "Local", v->name);
	verifying_free(v);
}

static void on_told(void *ctx, enum revocation_result what, const char *why)
{
	struct verifying *v = ctx;
	char text[256];

	if (what == REVOCATION_FAILED || what == REVOCATION_REVOKED) {
		refuse(v, why);
		return;
	}
	(void)snprintf(text, sizeof text, "%s certificate %s%s", v->ca ? "CA" : "Local", v->name,
		what == REVOCATION_WAIT ? ": " PROGRESS
		: v->ca			? " verified successfully\n"
					: " verification success\n");
	ctl_done(v->call, daemon_node(v->d), text, 1);
	verifying_free(v);
}

/* What is left is revocation. */
static void ask(struct verifying *v)
{
	struct daemon *d = v->d;

	if (!v->good)
		refuse(v, v->why);
	else if (pki_service_ask(&d->pki, &v->path, d->credentials.store, on_told, v) < 0)
		refuse(v, err_text(-ERR_NOMEM));
}

/* ---------------------------------------------------------------- a CA */

static bool is_valid(const struct cert *c, int64_t now_s)
{
	return now_s >= c->not_before_s && now_s <= c->not_after_s;
}

/* Up through the profiles; one that has no parent here is trusted because it was loaded. */
static bool verify_ca(struct verifying *v)
{
	const struct pki_ca *ca = pki_store_find(v->d->credentials.store, v->name);

	v->why = "it is not loaded";
	if (!ca || !ca->cert)
		return false;
	for (; ca && v->path.n < ARRAY_LEN(v->path.certs); ca = ca->parent) {
		struct cert *c = ca->cert;

		v->path.certs[v->path.n++] = cert_ref(c);
		v->why = "a certificate is not valid now";
		if (!is_valid(c, clock_wall_s()))
			return false;
		v->why = "the signature of the CA on itself is wrong";
		if (c->self_issued && !cert_signed_by(c, c))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- our own */

static bool verify_chain(struct verifying *v, const struct cert *const *certs, size_t n)
{
	const struct chain_terms terms = {.at_s = clock_wall_s()};

	return chain_build(v->d->credentials.store, NULL, (struct path_set){certs, n}, &terms,
		       &v->path, &v->why) == 0;
}

static bool verify_file(struct verifying *v)
{
	struct cert *certs[CERT_CHAIN_MAX];
	auto_blob text = {0};
	size_t at = 0, n = 0;
	bool good = false;

	v->why = "it is not loaded";
	if (pki_file_read(v->d->args.pki_dir, PKI_LOCAL, v->name, &text) < 0)
		return false;
	while (n < ARRAY_LEN(certs)) {
		auto_blob der = {0};

		if (pem_next(blob_view(&text), &at, "CERTIFICATE", &der) < 0 ||
			cert_parse(blob_view(&der), &certs[n]) < 0)
			break;
		n++;
	}
	v->why = "its file cannot be read";
	if (n > 0 && blob_copy(certs[0]->public_key_info, &v->public_key) == 0)
		good = verify_chain(v, (const struct cert *const *)certs, n);
	while (n > 0)
		cert_unref(certs[--n]);
	return good;
}

static void on_key(void *ctx, int rc, const Keys__Response *r)
{
	struct verifying *v = ctx;

	if (v->good && (rc < 0 || !view_equal(view_of(r->public_key.data, r->public_key.len),
					  blob_view(&v->public_key)))) {
		v->good = false;
		v->why = rc < 0 ? "its key cannot be used" : "its key is another one";
	}
	ask(v);
}

void pki_verify(struct daemon *d, const Ctl__PkiVerify *q, struct ctl_call *call)
{
	struct verifying *v;

	if (!pki_name_is_good(call, q->name))
		return;
	v = calloc(1, sizeof *v);
	if (!v) {
		ctl_fail(call, "%s", err_text(-ERR_NOMEM));
		return;
	}
	v->d = d;
	v->call = call;
	v->ca = q->object == CTL__PKI_OBJECT__PKI_CA;
	(void)snprintf(v->name, sizeof v->name, "%s", q->name);
	v->good = v->ca ? verify_ca(v) : verify_file(v);
	if (v->ca)
		ask(v);
	else
		keys_client_load(&d->keys, v->name, on_key, v);
}
