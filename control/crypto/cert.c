#include "crypto/cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/cert_ext.h"
#include "crypto/cert_lib.h"
#include "crypto/der.h"

/* ---------------------------------------------------------------- life */

static void own_free(struct cert *c)
{
	if (c->own)
		cert_own_free(c->own);
	EVP_PKEY_free(c->key);
	X509_free(c->x509);
	free(c);
}

struct cert *cert_ref(const struct cert *c)
{
	atomic_fetch_add(&c->own->refs, 1);
	return (struct cert *)(uintptr_t)c;
}

void cert_unref(struct cert *c)
{
	if (c && atomic_fetch_sub(&c->own->refs, 1) == 1)
		own_free(c);
}

void cert_cleanup(struct cert **c)
{
	cert_unref(*c);
}

/* ---------------------------------------------------------------- fields */

static int read_names(struct cert *c)
{
	const unsigned char *p;
	size_t n;

	if (X509_NAME_get0_der(X509_get_subject_name(c->x509), &p, &n) != 1)
		return -ERR_SYNTAX;
	c->subject = view_of(p, n);
	if (X509_NAME_get0_der(X509_get_issuer_name(c->x509), &p, &n) != 1)
		return -ERR_SYNTAX;
	c->issuer = view_of(p, n);
	c->self_issued = view_equal(c->subject, c->issuer);
	(void)SHA1(c->subject.p, c->subject.n, c->subject_hash);
	(void)SHA1(c->issuer.p, c->issuer.n, c->issuer_hash);
	return 0;
}

static int read_serial(struct cert *c)
{
	const ASN1_INTEGER *s = X509_get0_serialNumber(c->x509);

	c->serial = view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	if (ASN1_STRING_type(s) == V_ASN1_NEG_INTEGER || c->serial.n == 0 ||
		c->serial.n > CERT_SERIAL_MAX)
		return -ERR_VALUE;
	return 0;
}

static int read_validity(struct cert *c)
{
	if (!der_unix_time(X509_get0_notBefore(c->x509), &c->not_before_s) ||
		!der_unix_time(X509_get0_notAfter(c->x509), &c->not_after_s))
		return -ERR_VALUE;
	return 0;
}

static enum cert_key_type curve_of(EVP_PKEY *key)
{
	char name[32];
	size_t n;

	if (EVP_PKEY_get_group_name(key, name, sizeof name, &n) != 1)
		return CERT_KEY_OTHER;
	switch (OBJ_txt2nid(name)) {
	case NID_X9_62_prime256v1:
		return CERT_KEY_EC_P256;
	case NID_secp384r1:
		return CERT_KEY_EC_P384;
	case NID_secp521r1:
		return CERT_KEY_EC_P521;
	default:
		return CERT_KEY_OTHER;
	}
}

static enum cert_key_type key_type_of(EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return CERT_KEY_RSA;
	case EVP_PKEY_EC:
		return curve_of(key);
	case EVP_PKEY_ED25519:
		return CERT_KEY_ED25519;
	case EVP_PKEY_ED448:
		return CERT_KEY_ED448;
	default:
		return CERT_KEY_OTHER;
	}
}

#define KEY_BITS_MAX 8192 /* of RSA: what a peer may make us compute with */

static int read_key(struct cert *c)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(c->x509);
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &der);

	if (n <= 0 || !bits)
		return -ERR_SYNTAX;
	c->own->spki = der;
	c->public_key_info = view_of(der, (size_t)n);
	(void)SHA1(der, (size_t)n, c->public_key_hash);
	(void)SHA256(der, (size_t)n, c->key_fingerprint);
	(void)SHA1(ASN1_STRING_get0_data((const ASN1_STRING *)bits),
		(size_t)ASN1_STRING_length((const ASN1_STRING *)bits), c->key_hash);
	c->key = X509_get_pubkey(c->x509);
	if (!c->key)
		return 0;
	n = EVP_PKEY_get_bits(c->key);
	if (n <= 0 || n > KEY_BITS_MAX)
		return -ERR_VALUE;
	c->key_bits = (uint16_t)n;
	c->key_type = key_type_of(c->key);
	return 0;
}

static int read_all(struct cert *c)
{
	int rc = read_names(c);

	if (rc == 0)
		rc = read_serial(c);
	if (rc == 0)
		rc = read_validity(c);
	if (rc == 0)
		rc = read_key(c);
	if (rc == 0)
		rc = cert_read_extensions(c);
	return rc;
}

/* ---------------------------------------------------------------- parsing */

int cert_parse(struct view der, struct cert **out)
{
	const unsigned char *p = der.p;
	struct cert *c;
	int rc;

	if (der.n == 0)
		return -ERR_SYNTAX;
	if (der.n > CERT_DER_MAX)
		return -ERR_LIMIT;
	c = calloc(1, sizeof *c);
	if (c)
		c->own = calloc(1, sizeof *c->own);
	if (!c || !c->own) {
		free(c);
		return -ERR_NOMEM;
	}
	atomic_init(&c->own->refs, 1);
	c->x509 = X509_new_ex(cert_lib(), NULL);
	if (!c->x509 || !d2i_X509(&c->x509, &p, (long)der.n) || p != der.p + der.n) {
		rc = -ERR_SYNTAX;
		goto refuse;
	}
	rc = blob_copy(der, &c->own->der);
	if (rc < 0)
		goto refuse;
	c->der = blob_view(&c->own->der);
	c->version = (uint8_t)(X509_get_version(c->x509) + 1);
	(void)SHA256(der.p, der.n, c->fingerprint);
	rc = read_all(c);
	if (rc < 0)
		goto refuse;
	der_forget_errors();
	*out = c;
	return 0;
refuse:
	der_forget_errors();
	own_free(c);
	return rc;
}

int cert_parse_file(struct view text, struct cert **out)
{
	auto_blob der = {0};
	int rc;

	if (text.n != 0 && text.p[0] == 0x30)
		return cert_parse(text, out);
	rc = der_of_pem(text, PEM_STRING_X509, &der);
	return rc < 0 ? rc : cert_parse(blob_view(&der), out);
}

int cert_of_x509(X509 *x, struct cert **out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der), rc;

	if (n <= 0)
		return -ERR_SYNTAX;
	rc = cert_parse(view_of(der, (size_t)n), out);
	OPENSSL_free(der);
	return rc;
}

#define PKCS7_MAX ((size_t)CERT_CHAIN_MAX * CERT_DER_MAX)

int cert_parse_pkcs7(struct view der, struct cert **out, size_t max, size_t *n)
{
	const unsigned char *p = der.p;
	STACK_OF(X509) *certs = NULL;
	size_t got = 0;
	PKCS7 *p7;
	int rc = 0;

	if (der.n == 0 || der.n > PKCS7_MAX)
		return der.n == 0 ? -ERR_SYNTAX : -ERR_LIMIT;
	p7 = d2i_PKCS7(NULL, &p, (long)der.n);
	if (p7 && p == der.p + der.n && PKCS7_type_is_signed(p7) && p7->d.sign)
		certs = p7->d.sign->cert;
	if (!certs)
		rc = -ERR_SYNTAX;
	else if ((size_t)sk_X509_num(certs) > max)
		rc = -ERR_LIMIT;
	for (int i = 0; rc == 0 && i < sk_X509_num(certs); i++) {
		rc = cert_of_x509(sk_X509_value(certs, i), &out[got]);
		got += rc == 0;
	}
	PKCS7_free(p7);
	der_forget_errors();
	if (rc == 0) {
		*n = got;
		return 0;
	}
	for (; got != 0; got--)
		cert_unref(take_ptr(out[got - 1]));
	return rc;
}

/* ---------------------------------------------------------------- questions */

static bool signer_is(const struct cert *c, const struct cert *issuer)
{
	const struct cert_signer *s = &c->own->signer;

	return atomic_load_explicit(&s->state, memory_order_acquire) == SIGNER_KNOWN &&
	       memcmp(s->key_fingerprint, issuer->key_fingerprint, sizeof s->key_fingerprint) == 0;
}

static void signer_keep(const struct cert *c, const struct cert *issuer)
{
	struct cert_signer *s = &c->own->signer;
	int unknown = SIGNER_UNKNOWN;

	if (!atomic_compare_exchange_strong(&s->state, &unknown, SIGNER_BEING_WRITTEN))
		return;
	memcpy(s->key_fingerprint, issuer->key_fingerprint, sizeof s->key_fingerprint);
	atomic_store_explicit(&s->state, SIGNER_KNOWN, memory_order_release);
}

bool cert_signature_holds(const struct cert *c, const struct cert *issuer)
{
	bool ok;

	if (!issuer->key)
		return false;
	if (signer_is(c, issuer))
		return true;
	ok = X509_verify(c->x509, issuer->key) == 1;
	der_forget_errors();
	if (ok)
		signer_keep(c, issuer);
	return ok;
}

bool cert_signed_by(const struct cert *c, const struct cert *issuer)
{
	return issuer->key &&
	       X509_NAME_cmp(X509_get_issuer_name(c->x509), X509_get_subject_name(issuer->x509)) ==
		       0 &&
	       cert_signature_holds(c, issuer);
}

void cert_ref_make(const struct cert *c, const struct cert *issuer, struct cert_ref *out)
{
	*out = (struct cert_ref){.serial_len = (uint8_t)MIN(c->serial.n, sizeof out->serial)};
	memcpy(out->issuer_name_hash, issuer->subject_hash, sizeof out->issuer_name_hash);
	memcpy(out->issuer_key_hash, issuer->key_hash, sizeof out->issuer_key_hash);
	memcpy(out->serial, c->serial.p, out->serial_len);
}

bool cert_is_issuer(const struct cert *issuer, const struct cert_ref *ref)
{
	return memcmp(issuer->key_hash, ref->issuer_key_hash, sizeof issuer->key_hash) == 0 &&
	       memcmp(issuer->subject_hash, ref->issuer_name_hash, sizeof issuer->subject_hash) ==
		       0;
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
	return view_equal(a->der, b->der);
}

const char *cert_key_name(const struct cert *c)
{
	ASN1_OBJECT *o = NULL;

	if (X509_PUBKEY_get0_param(&o, NULL, NULL, NULL, X509_get_X509_PUBKEY(c->x509)) != 1)
		return "unknown";
	return OBJ_obj2nid(o) == NID_undef ? "unknown" : OBJ_nid2ln(OBJ_obj2nid(o));
}

const char *cert_signature_name(const struct cert *c)
{
	int nid = X509_get_signature_nid(c->x509);

	return nid == NID_undef ? "unknown" : OBJ_nid2ln(nid);
}
