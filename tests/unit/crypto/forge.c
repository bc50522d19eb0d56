#include "forge.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

/* ---------------------------------------------------------------- keys */

struct evp_pkey_st *forge_key(enum forge_key type)
{
	EVP_PKEY *key = NULL;

	switch (type) {
	case FORGE_P256:
		key = EVP_EC_gen("P-256");
		break;
	case FORGE_P384:
		key = EVP_EC_gen("P-384");
		break;
	case FORGE_RSA2048:
		key = EVP_RSA_gen(2048);
		break;
	case FORGE_RSA1024:
		key = EVP_RSA_gen(1024);
		break;
	case FORGE_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case FORGE_OTHER:
		key = EVP_EC_gen("secp256k1"); /* a curve we do not know */
		break;
	}
	MUST(key);
	return key;
}

void forge_key_free(struct evp_pkey_st *key)
{
	EVP_PKEY_free(key);
}

static const EVP_MD *digest_of(const EVP_PKEY *key, const char *name)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return NULL;
	return EVP_get_digestbyname(name ? name : "SHA256");
}

struct blob forge_sign(struct evp_pkey_st *key, const char *digest, struct view octets)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct blob out = {malloc(1024), 1024};

	MUST(ctx && out.p);
	MUST(EVP_DigestSignInit(
		     ctx, NULL, digest ? EVP_get_digestbyname(digest) : NULL, NULL, key) == 1);
	MUST(EVP_DigestSign(ctx, out.p, &out.n, octets.p, octets.n) == 1);
	EVP_MD_CTX_free(ctx);
	return out;
}

/* ---------------------------------------------------------------- names and extensions */

static X509_NAME *name_of(const char *text)
{
	X509_NAME *name = X509_NAME_new();
	char copy[2048], *save = NULL;

	MUST(name && strlen(text) < sizeof copy);
	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *value = strchr(p, '=');
		int set = 0;

		MUST(value);
		*value++ = '\0';
		while (*p == ' ')
			p++;
		if (*p == '+') { /* one more value of the RDN before */
			set = -1;
			p++;
		}
		MUST(X509_NAME_add_entry_by_txt(
			     name, p, MBSTRING_UTF8, (unsigned char *)value, -1, -1, set) == 1);
	}
	return name;
}

static void number_set(ASN1_INTEGER *to, uint64_t v)
{
	MUST(ASN1_INTEGER_set_uint64(to, v) == 1);
}

static void time_set(ASN1_TIME *to, int64_t offset)
{
	MUST(ASN1_TIME_set(to, (time_t)(FORGE_NOW + offset)));
}

/* ---------------------------------------------------------------- certificates */

/* One of both is NULL. */
static void exts_add(const struct forge_ext *ext, size_t n, X509 *issuer, X509 *x, X509_CRL *crl)
{
	X509V3_CTX ctx;
	CONF *conf = NCONF_new(NULL);

	X509V3_set_ctx(&ctx, issuer, x, NULL, crl, 0);
	X509V3_set_nconf(&ctx, conf);
	for (size_t i = 0; i < n && ext[i].name; i++) {
		X509_EXTENSION *e = X509V3_EXT_nconf(conf, &ctx, ext[i].name, ext[i].value);

		MUST(e && (x ? X509_add_ext(x, e, -1) : X509_CRL_add_ext(crl, e, -1)) == 1);
		X509_EXTENSION_free(e);
	}
	NCONF_free(conf);
}

struct blob forge_cert_der(
	const struct forge_cert *f, const struct forge_ca *issuer, struct evp_pkey_st *key)
{
	EVP_PKEY *signer = issuer ? issuer->key : key;
	X509_NAME *subject = name_of(f->subject);
	struct blob out = {0};
	X509 *x = X509_new();
	static uint64_t serial = 0x1000;
	int n;

	MUST(x);
	MUST(X509_set_version(x, f->version1 ? X509_VERSION_1 : X509_VERSION_3) == 1);
	number_set(X509_get_serialNumber(x), f->serial != 0 ? f->serial : ++serial);
	MUST(X509_set_subject_name(x, subject) == 1);
	MUST(X509_set_issuer_name(
		     x, issuer ? X509_get_subject_name(issuer->cert->x509) : subject) == 1);
	time_set(X509_getm_notBefore(x), f->not_before != 0 ? f->not_before : -HOUR);
	time_set(X509_getm_notAfter(x), f->not_after != 0 ? f->not_after : 365 * DAY);
	MUST(X509_set_pubkey(x, key) == 1);
	exts_add(f->ext, ARRAY_LEN(f->ext), issuer ? issuer->cert->x509 : x, x, NULL);
	MUST(X509_sign(x, signer, digest_of(signer, f->digest)) > 0);
	n = i2d_X509(x, &out.p);
	MUST(n > 0);
	out.n = (size_t)n;
	X509_NAME_free(subject);
	X509_free(x);
	return out;
}

struct forge_ca forge_issue(const struct forge_cert *f, const struct forge_ca *issuer)
{
	struct forge_ca ca = {.key = forge_key(f->key_type)};
	auto_blob der = forge_cert_der(f, issuer, ca.key);

	MUST(cert_parse(blob_view(&der), &ca.cert) == 0);
	return ca;
}

struct forge_ca forge_make_ca(const char *subject, const struct forge_ca *issuer, int path_len)
{
	char basic[64] = "critical,CA:TRUE";
	struct forge_cert f = {.subject = subject,
		.ext = {{"basicConstraints", basic}, {"keyUsage", "critical,keyCertSign,cRLSign"},
			{"subjectKeyIdentifier", "hash"}}};

	if (path_len >= 0)
		(void)snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d", path_len);
	if (issuer)
		f.ext[3] = (struct forge_ext){"authorityKeyIdentifier", "keyid"};
	return forge_issue(&f, issuer);
}

struct forge_ca forge_make_leaf(const char *subject, const struct forge_ca *issuer, const char *san)
{
	struct forge_cert f = {.subject = subject,
		.ext = {{"keyUsage", "critical,digitalSignature"},
			{san ? "subjectAltName" : NULL, san}}};

	return forge_issue(&f, issuer);
}

void forge_ca_free(struct forge_ca *ca)
{
	EVP_PKEY_free(ca->key);
	cert_unref(ca->cert);
	*ca = (struct forge_ca){0};
}

/* ---------------------------------------------------------------- CRLs */

static void crl_number(X509_CRL *crl, int nid, uint64_t v, int critical)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	MUST(number);
	if (v != 0) {
		number_set(number, v);
		MUST(X509_CRL_add1_ext_i2d(crl, nid, number, critical, 0) == 1);
	}
	ASN1_INTEGER_free(number);
}

static void crl_entry(X509_CRL *crl, const struct forge_crl *f, uint64_t serial)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

	MUST(r && number && t && reason);
	number_set(number, serial);
	time_set(t, -2 * HOUR);
	MUST(X509_REVOKED_set_serialNumber(r, number) == 1);
	MUST(X509_REVOKED_set_revocationDate(r, t) == 1);
	if (f->remove) {
		MUST(ASN1_ENUMERATED_set(reason, CRL_REASON_REMOVE_FROM_CRL) == 1);
		MUST(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0) == 1);
	}
	MUST(X509_CRL_add0_revoked(crl, r) == 1);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(t);
	ASN1_ENUMERATED_free(reason);
}

struct blob forge_crl_der(const struct forge_crl *f, const struct forge_ca *issuer)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	struct blob out = {0};
	int n;

	MUST(crl && t && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
	MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert->x509)) == 1);
	time_set(t, f->this_update != 0 ? f->this_update : -HOUR);
	MUST(X509_CRL_set1_lastUpdate(crl, t) == 1);
	time_set(t, f->next_update != 0 ? f->next_update : DAY);
	if (!f->no_next_update)
		MUST(X509_CRL_set1_nextUpdate(crl, t) == 1);
	crl_number(crl, NID_crl_number, f->number, 0);
	crl_number(crl, NID_delta_crl, f->delta_of, 1);
	exts_add(f->ext, ARRAY_LEN(f->ext), issuer->cert->x509, NULL, crl);
	for (size_t i = 0; i < f->n; i++)
		crl_entry(crl, f, f->serials[i]);
	MUST(X509_CRL_sort(crl) == 1);
	MUST(X509_CRL_sign(crl, issuer->key, digest_of(issuer->key, f->digest)) > 0);
	n = i2d_X509_CRL(crl, &out.p);
	MUST(n > 0);
	out.n = (size_t)n;
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return out;
}

/* ---------------------------------------------------------------- OCSP */

static int ocsp_status(enum forge_status s)
{
	return s == FORGE_GOOD	    ? V_OCSP_CERTSTATUS_GOOD
	       : s == FORGE_REVOKED ? V_OCSP_CERTSTATUS_REVOKED
				    : V_OCSP_CERTSTATUS_UNKNOWN;
}

static OCSP_BASICRESP *ocsp_basic(
	const struct forge_ocsp *f, const struct cert *about, const struct forge_ca *issuer)
{
	const struct forge_ca *signer = f->signer ? f->signer : issuer;
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *from = ASN1_TIME_new(), *to = ASN1_TIME_new(), *at = ASN1_TIME_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), about->x509, issuer->cert->x509);
	ASN1_INTEGER *serial = NULL;

	MUST(basic && from && to && at && id);
	if (f->other_serial != 0) {
		OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
		number_set(serial, f->other_serial);
	}
	MUST(ASN1_GENERALIZEDTIME_set(
		from, (time_t)(FORGE_NOW + (f->this_update != 0 ? f->this_update : -HOUR))));
	MUST(ASN1_GENERALIZEDTIME_set(
		to, (time_t)(FORGE_NOW + (f->next_update != 0 ? f->next_update : DAY))));
	MUST(ASN1_GENERALIZEDTIME_set(at, (time_t)(FORGE_NOW - 2 * HOUR)));
	MUST(OCSP_basic_add1_status(basic, id, ocsp_status(f->status), OCSP_REVOKED_STATUS_NOSTATUS,
		at, from, f->no_next_update ? NULL : to));
	if (f->nonce.n != 0)
		MUST(OCSP_basic_add1_nonce(
			     basic, (unsigned char *)(uintptr_t)f->nonce.p, (int)f->nonce.n) == 1);
	MUST(OCSP_basic_sign(basic, signer->cert->x509, signer->key, digest_of(signer->key, NULL),
		     NULL, f->leave_out_signer ? OCSP_NOCERTS : 0) == 1);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(at);
	OCSP_CERTID_free(id);
	return basic;
}

struct blob forge_ocsp_der(
	const struct forge_ocsp *f, const struct cert *about, const struct forge_ca *issuer)
{
	OCSP_BASICRESP *basic = f->try_later ? NULL : ocsp_basic(f, about, issuer);
	OCSP_RESPONSE *r = OCSP_response_create(
		f->try_later ? OCSP_RESPONSE_STATUS_TRYLATER : OCSP_RESPONSE_STATUS_SUCCESSFUL,
		basic);
	struct blob out = {0};
	int n;

	MUST(r);
	n = i2d_OCSP_RESPONSE(r, &out.p);
	MUST(n > 0);
	out.n = (size_t)n;
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	return out;
}

struct blob forge_pkcs7_der(const struct cert *const *v, size_t n)
{
	PKCS7 *p = PKCS7_new();
	struct blob out = {0};
	int len;

	MUST(p && PKCS7_set_type(p, NID_pkcs7_signed) == 1);
	MUST(PKCS7_content_new(p, NID_pkcs7_data) == 1);
	for (size_t i = 0; i < n; i++)
		MUST(PKCS7_add_certificate(p, v[i]->x509) == 1);
	len = i2d_PKCS7(p, &out.p);
	MUST(len > 0);
	out.n = (size_t)len;
	PKCS7_free(p);
	return out;
}
