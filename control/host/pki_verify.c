/*
 * request security pki ca-certificate|local-certificate verify: chain, validity, key, and
 * revocation by the lists that are here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/cert_text.h"
#include "crypto/crl.h"
#include "host/clock.h"
#include "host/daemon.h"
#include "host/pki_files.h"
#include "host/pki_operator.h"
#include "pki/chain.h"

enum verdict { VERIFIED, UNDECIDED, FAILED };

#define PROGRESS                                                                                   \
	"CRL verification in progress. Please check the PKId debug logs for completion status\n"

struct verifying {
	struct daemon *d;
	struct ctl_call *call;
	char name[64];
	struct blob public_key;
	enum verdict verdict;
	const char *why;
};

/* ---------------------------------------------------------------- revocation */

static enum verdict look_up(
	const struct crl *l, const struct cert *c, int64_t now_s, const char **why)
{
	const struct crl_entry *entry;

	if (now_s < l->this_update_s || now_s >= l->next_update_s || !crl_covers(l, c))
		return UNDECIDED;
	if (crl_find(l, c->serial, &entry) != CRL_REVOKED)
		return VERIFIED;
	*why = "a certificate of the chain is revoked";
	return FAILED;
}

/* OCSP is not asked here: an answer is good for minutes, and peers ask for themselves. */
static enum verdict check_one(
	const struct daemon *d, const struct cert *c, const struct cert *issuer, const char **why)
{
	const struct pki_ca *ca = pki_store_of(d->credentials.store, issuer);
	struct crl *l = NULL;
	auto_blob file = {0};
	const char *odd;
	enum verdict v = UNDECIDED;

	if (ca && ca->profile->revocation == MODEL_REVOCATION_OFF)
		return VERIFIED;
	if (ca && pki_file_read(d->args.pki_dir, PKI_CRL, ca->profile->name, &file) == 0 &&
		crl_parse_file(blob_view(&file), issuer, &l, &odd) == 0) {
		v = look_up(l, c, clock_wall_s(), why);
		crl_unref(l);
	}
	return v == UNDECIDED && ca && ca->profile->skip_on_download_failure ? VERIFIED : v;
}

/* All links; the worst counts. */
static enum verdict check_links(
	const struct daemon *d, const struct cert *const *certs, size_t n, const char **why)
{
	enum verdict worst = VERIFIED;

	for (size_t i = 0; i + 1 < n; i++) {
		enum verdict v = check_one(d, certs[i], certs[i + 1], why);

		worst = MAX(worst, v);
	}
	return worst;
}

/* ---------------------------------------------------------------- a CA */

static bool is_valid(const struct cert *c, int64_t now_s)
{
	return now_s >= c->not_before_s && now_s <= c->not_after_s;
}

/* Up through the profiles; one that has no parent here is trusted because it was loaded. */
static enum verdict verify_ca(const struct daemon *d, const struct pki_ca *ca, const char **why)
{
	const struct cert *certs[CERT_CHAIN_MAX];
	size_t n = 0;

	for (; ca && n < ARRAY_LEN(certs); ca = ca->parent) {
		const struct cert *c = ca->cert;

		certs[n++] = c;
		*why = "a certificate is not valid now";
		if (!is_valid(c, clock_wall_s()))
			return FAILED;
		*why = "the signature of the CA on itself is wrong";
		if (c->self_issued && !cert_signed_by(c, c))
			return FAILED;
	}
	return check_links(d, certs, n, why);
}

static void answer_ca(struct daemon *d, const char *name, struct ctl_call *call)
{
	const struct pki_ca *ca = pki_store_find(d->credentials.store, name);
	const char *why = "it is not loaded";
	enum verdict v = ca && ca->cert ? verify_ca(d, ca, &why) : FAILED;
	char text[256];

	if (v == FAILED) {
		log_warn(&d->log, "pki.verify.failed", "kind=ca-certificate name=%s reason=\"%s\"",
			name, why);
		ctl_fail(call, "CA certificate %s verification failed", name);
		return;
	}
	(void)snprintf(text, sizeof text, "CA certificate %s%s", name,
		v == VERIFIED ? " verified successfully\n" : ": " PROGRESS);
	ctl_done(call, daemon_node(d), text, 1);
}

/* ---------------------------------------------------------------- our own */

static enum verdict verify_chain(
	const struct daemon *d, const struct cert *const *certs, size_t n, const char **why)
{
	const struct chain_terms terms = {.at_s = clock_wall_s()};
	struct path path = {.n = 0};
	enum verdict v = FAILED;

	if (chain_build(d->credentials.store, NULL, (struct path_set){certs, n}, &terms, &path,
		    why) == 0)
		v = check_links(d, (const struct cert *const *)path.certs, path.n, why);
	path_fini(&path);
	return v;
}

static enum verdict verify_file(struct verifying *v)
{
	struct cert *certs[CERT_CHAIN_MAX];
	auto_blob text = {0};
	size_t at = 0, n = 0;
	enum verdict result = FAILED;

	v->why = "it is not loaded";
	if (pki_file_read(v->d->args.pki_dir, PKI_LOCAL, v->name, &text) < 0)
		return FAILED;
	while (n < ARRAY_LEN(certs)) {
		auto_blob der = {0};

		if (pem_next(blob_view(&text), &at, "CERTIFICATE", &der) < 0 ||
			cert_parse(blob_view(&der), &certs[n]) < 0)
			break;
		n++;
	}
	v->why = "its file cannot be read";
	if (n > 0 && blob_copy(certs[0]->public_key_info, &v->public_key) == 0)
		result = verify_chain(v->d, (const struct cert *const *)certs, n, &v->why);
	while (n > 0)
		cert_unref(certs[--n]);
	return result;
}

static void on_key(void *ctx, int rc, const Keys__Response *r)
{
	struct verifying *v = ctx;
	struct daemon *d = v->d;
	char text[256];

	if (v->verdict != FAILED &&
		(rc < 0 || !view_equal(view_of(r->public_key.data, r->public_key.len),
				   blob_view(&v->public_key)))) {
		v->verdict = FAILED;
		v->why = rc < 0 ? "its key cannot be used" : "its key is another one";
	}
	if (v->verdict == FAILED) {
		log_warn(&d->log, "pki.verify.failed",
			"kind=local-certificate name=%s reason=\"%s\"", v->name, v->why);
		ctl_fail(v->call, "Local certificate %s verification failed", v->name);
	} else {
		(void)snprintf(text, sizeof text, "Local certificate %s%s", v->name,
			v->verdict == VERIFIED ? " verification success\n" : ": " PROGRESS);
		ctl_done(v->call, daemon_node(d), text, 1);
	}
	blob_fini(&v->public_key);
	free(v);
}

void pki_verify(struct daemon *d, const Ctl__PkiVerify *q, struct ctl_call *call)
{
	struct verifying *v;

	if (!pki_name_is_good(call, q->name))
		return;
	if (q->object == CTL__PKI_OBJECT__PKI_CA) {
		answer_ca(d, q->name, call);
		return;
	}
	v = calloc(1, sizeof *v);
	if (!v) {
		ctl_fail(call, "%s", err_text(-ERR_NOMEM));
		return;
	}
	v->d = d;
	v->call = call;
	(void)snprintf(v->name, sizeof v->name, "%s", q->name);
	v->verdict = verify_file(v);
	keys_client_load(&d->keys, v->name, on_key, v);
}
