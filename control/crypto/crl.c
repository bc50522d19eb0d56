#include "crypto/crl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "crypto/der.h"

/* ---------------------------------------------------------------- life */

struct crl *crl_ref(struct crl *c)
{
	(void)__atomic_add_fetch(&c->refs_, 1, __ATOMIC_RELAXED);
	return c;
}

static void crl_free(struct crl *c)
{
	blob_fini(&c->issuer_der_);
	blob_fini(&c->texts_);
	free(c->entries);
	free(c);
}

void crl_unref(struct crl *c)
{
	if (c && __atomic_sub_fetch(&c->refs_, 1, __ATOMIC_ACQ_REL) == 0)
		crl_free(c);
}

/* ---------------------------------------------------------------- pieces */

static int number_take(const ASN1_INTEGER *n, uint8_t out[CERT_SERIAL_MAX])
{
	size_t len = (size_t)ASN1_STRING_length(n);

	if (ASN1_STRING_type(n) == V_ASN1_NEG_INTEGER || len > CERT_SERIAL_MAX)
		return -ERR_VALUE;
	memset(out, 0, CERT_SERIAL_MAX);
	memcpy(out + CERT_SERIAL_MAX - len, ASN1_STRING_get0_data(n), len);
	return 0;
}

static int ext_number(X509_CRL *crl, int nid, uint8_t out[CERT_SERIAL_MAX], bool *there)
{
	int critical, rc = 0;
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, nid, &critical, NULL);

	if (!n)
		return critical == -1 ? 0 : -ERR_VALUE;
	*there = true;
	rc = number_take(n, out);
	ASN1_INTEGER_free(n);
	return rc;
}

/* Room for the texts is made beforehand, so that they stay where they are. */
static int url_keep(struct crl *c, const GENERAL_NAME *g, struct cert_urls *urls, size_t room)
{
	const ASN1_STRING *s;
	size_t len;

	if (g->type != GEN_URI || urls->n == CERT_URL_MAX)
		return 0;
	s = g->d.uniformResourceIdentifier;
	len = (size_t)ASN1_STRING_length(s);
	if (c->texts_.n + len + 1 > room)
		return -ERR_LIMIT;
	if (memchr(ASN1_STRING_get0_data(s), '\0', len))
		return -ERR_VALUE;
	memcpy(c->texts_.p + c->texts_.n, ASN1_STRING_get0_data(s), len);
	c->texts_.p[c->texts_.n + len] = '\0';
	urls->v[urls->n++] = (const char *)c->texts_.p + c->texts_.n;
	c->texts_.n += len + 1;
	return 0;
}

#define TEXTS_MAX 4096

static int names_keep(struct crl *c, const DIST_POINT_NAME *p, struct cert_urls *urls)
{
	int rc = 0;

	/* Relative names and names that are no URL are of lists that nobody could fetch. */
	if (!p || p->type != 0)
		return p ? -ERR_UNSUPPORTED : 0;
	for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(p->name.fullname); i++)
		rc = url_keep(c, sk_GENERAL_NAME_value(p->name.fullname, i), urls, TEXTS_MAX);
	return rc < 0 ? rc : urls->n == 0 ? -ERR_UNSUPPORTED : 0;
}

static int read_point(struct crl *c, X509_CRL *crl)
{
	int critical, rc;
	ISSUING_DIST_POINT *p =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);

	if (!p)
		return critical == -1 ? 0 : -ERR_VALUE;
	c->only_users = p->onlyuser > 0;
	c->only_cas = p->onlyCA > 0;
	rc = p->onlyattr > 0 || p->indirectCRL > 0 || p->onlysomereasons
		     ? -ERR_UNSUPPORTED
		     : names_keep(c, p->distpoint, &c->points);
	ISSUING_DIST_POINT_free(p);
	return rc;
}

static int read_freshest(struct crl *c, X509_CRL *crl)
{
	int critical, rc = 0;
	CRL_DIST_POINTS *points = X509_CRL_get_ext_d2i(crl, NID_freshest_crl, &critical, NULL);

	if (!points)
		return critical == -1 ? 0 : -ERR_VALUE;
	for (int i = 0; rc == 0 && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);

		if (!p->reasons && !p->CRLissuer && p->distpoint && p->distpoint->type == 0)
			(void)names_keep(c, p->distpoint, &c->delta_urls);
	}
	CRL_DIST_POINTS_free(points);
	return rc;
}

static int check_critical(X509_CRL *crl)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (X509_EXTENSION_get_critical(e) && nid != NID_issuing_distribution_point &&
			nid != NID_delta_crl && nid != NID_authority_key_identifier &&
			nid != NID_crl_number)
			return -ERR_UNSUPPORTED;
	}
	return 0;
}

/* ---------------------------------------------------------------- entries */

static int entry_extensions(const X509_REVOKED *r, struct crl_entry *e)
{
	const STACK_OF(X509_EXTENSION) *exts = X509_REVOKED_get0_extensions(r);
	ASN1_ENUMERATED *reason;
	int critical;
	long v;

	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		X509_EXTENSION *x = sk_X509_EXTENSION_value(exts, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(x));

		/* certificateIssuer would be of an indirect list. */
		if (X509_EXTENSION_get_critical(x) && nid != NID_crl_reason &&
			nid != NID_invalidity_date)
			return -ERR_UNSUPPORTED;
	}
	if (sk_X509_EXTENSION_num(exts) <= 0)
		return 0;
	reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, &critical, NULL);
	if (!reason)
		return critical == -1 ? 0 : -ERR_VALUE;
	v = ASN1_ENUMERATED_get(reason);
	ASN1_ENUMERATED_free(reason);
	e->reason = v >= 0 && v <= 10 ? (uint8_t)v : 0;
	return 0;
}

static int by_serial(const void *a, const void *b)
{
	return memcmp(((const struct crl_entry *)a)->serial, ((const struct crl_entry *)b)->serial,
		CERT_SERIAL_MAX);
}

static int read_entries(struct crl *c, X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	int n = sk_X509_REVOKED_num(list), rc = 0;

	if (n <= 0)
		return 0;
	c->entries = calloc((size_t)n, sizeof *c->entries);
	if (!c->entries)
		return -ERR_NOMEM;
	for (int i = 0; rc == 0 && i < n; i++) {
		const X509_REVOKED *r = sk_X509_REVOKED_value(list, i);
		struct crl_entry *e = &c->entries[i];

		rc = number_take(X509_REVOKED_get0_serialNumber(r), e->serial);
		if (rc == 0 && !der_unix_time(X509_REVOKED_get0_revocationDate(r), &e->date_s))
			rc = -ERR_VALUE;
		if (rc == 0)
			rc = entry_extensions(r, e);
	}
	c->n = (size_t)n;
	qsort(c->entries, c->n, sizeof *c->entries, by_serial);
	return rc;
}

/* ---------------------------------------------------------------- the whole */

static bool is_weak(int signature_nid)
{
	int digest;

	if (OBJ_find_sigid_algs(signature_nid, &digest, NULL) != 1)
		return true;
	return digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1 ||
	       digest == NID_md4 || digest == NID_md2;
}

static const char *signature_refusal(X509_CRL *crl, const struct cert *issuer)
{
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer->x509)) != 0)
		return "the list is of another issuer";
	if (issuer->has_key_usage && !(issuer->key_usage & CERT_KU_CRL_SIGN))
		return "the issuer may not sign lists";
	if (is_weak(X509_CRL_get_signature_nid(crl)))
		return "the list is signed with SHA-1 or older";
	if (!issuer->key || X509_CRL_verify(crl, issuer->key) != 1)
		return "the signature of the list is wrong";
	return NULL;
}

static int read_all(struct crl *c, X509_CRL *crl, const struct cert *issuer)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	const unsigned char *der;
	int rc = check_critical(crl);
	size_t n;

	if (!der_unix_time(X509_CRL_get0_lastUpdate(crl), &c->this_update_s))
		rc = -ERR_VALUE;
	c->next_update_s = INT64_MAX;
	if (next && !der_unix_time(next, &c->next_update_s))
		rc = -ERR_VALUE;
	c->version = (uint8_t)(X509_CRL_get_version(crl) + 1);
	c->texts_.p = malloc(TEXTS_MAX);
	if (!c->texts_.p)
		return -ERR_NOMEM;
	memcpy(c->issuer_key_hash, issuer->key_hash, CERT_HASH);
	if (rc == 0)
		rc = ext_number(crl, NID_crl_number, c->number, &c->has_number);
	if (rc == 0)
		rc = ext_number(crl, NID_delta_crl, c->base, &c->is_delta);
	if (rc == 0)
		rc = read_point(c, crl);
	if (rc == 0)
		rc = read_freshest(c, crl);
	if (rc == 0)
		rc = read_entries(c, crl);
	if (rc < 0 || X509_NAME_get0_der(X509_CRL_get_issuer(crl), &der, &n) != 1 || n > TEXTS_MAX)
		return rc < 0 ? rc : -ERR_SYNTAX;
	rc = blob_copy(view_of(der, n), &c->issuer_der_);
	c->issuer = blob_view(&c->issuer_der_);
	return rc;
}

int crl_parse(struct view der, const struct cert *issuer, struct crl **out, const char **why)
{
	const unsigned char *p = der.p;
	X509_CRL *crl = NULL;
	struct crl *c = NULL;
	int rc = -ERR_SYNTAX;

	*why = "it is no revocation list";
	if (der.n > CRL_DER_MAX) {
		*why = "the list is larger than 8 MB";
		return -ERR_LIMIT;
	}
	if (der.n != 0)
		crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	if (!crl || p != der.p + der.n)
		goto out;
	rc = -ERR_AUTH;
	*why = signature_refusal(crl, issuer);
	if (*why)
		goto out;
	c = calloc(1, sizeof *c);
	rc = c ? read_all(c, crl, issuer) : -ERR_NOMEM;
	*why = rc == -ERR_UNSUPPORTED ? "the list is partial, indirect or of an unknown kind"
				      : err_text(rc);
out:
	X509_CRL_free(crl);
	der_forget_errors();
	if (rc < 0) {
		if (c)
			crl_free(c);
		return rc;
	}
	c->refs_ = 1;
	*out = c;
	return 0;
}

int crl_parse_file(struct view text, const struct cert *issuer, struct crl **out, const char **why)
{
	auto_blob der = {0};
	int rc;

	if (text.n != 0 && text.p[0] == 0x30)
		return crl_parse(text, issuer, out, why);
	*why = "it is no revocation list";
	rc = der_of_pem(text, PEM_STRING_X509_CRL, &der);
	return rc < 0 ? rc : crl_parse(blob_view(&der), issuer, out, why);
}

/* ---------------------------------------------------------------- questions */

static bool urls_meet(const struct cert_urls *a, const struct cert_urls *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (strcmp(a->v[i], b->v[j]) == 0)
				return true;
	return false;
}

bool crl_covers(const struct crl *c, const struct cert *cert)
{
	const struct cert_urls *named = c->is_delta ? &cert->delta_urls : &cert->crl_urls;

	if ((c->only_users && cert->is_ca) || (c->only_cas && !cert->is_ca))
		return false;
	/* RFC 5280 6.3.3 (b)(2)(i): another part of a divided list would say "not listed". */
	return c->points.n == 0 || urls_meet(&c->points, named) ||
	       urls_meet(&c->points, &cert->crl_urls);
}

enum crl_finding crl_find(const struct crl *c, struct view serial, const struct crl_entry **entry)
{
	struct crl_entry want = {0};
	const struct crl_entry *e;

	if (serial.n > CERT_SERIAL_MAX || c->n == 0)
		return CRL_NOT_LISTED;
	memcpy(want.serial + CERT_SERIAL_MAX - serial.n, serial.p, serial.n);
	e = bsearch(&want, c->entries, c->n, sizeof want, by_serial);
	if (!e)
		return CRL_NOT_LISTED;
	if (entry)
		*entry = e;
	return e->reason == CRL_REASON_REMOVE_FROM_CRL ? CRL_REMOVED : CRL_REVOKED;
}

bool crl_delta_fits(const struct crl *delta, const struct crl *base)
{
	return delta->is_delta && !base->is_delta && base->has_number && delta->has_number &&
	       view_equal(delta->issuer, base->issuer) &&
	       memcmp(delta->issuer_key_hash, base->issuer_key_hash, CERT_HASH) == 0 &&
	       memcmp(base->number, delta->base, CERT_SERIAL_MAX) >= 0 &&
	       memcmp(delta->number, base->number, CERT_SERIAL_MAX) >= 0;
}

bool crl_is_newer(const struct crl *a, const struct crl *than)
{
	int order = memcmp(a->number, than->number, CERT_SERIAL_MAX);

	if (a->has_number && than->has_number && order != 0)
		return order > 0;
	return a->this_update_s > than->this_update_s;
}
