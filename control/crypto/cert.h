#pragma once
/*
 * X.509 certificates (RFC 5280): parsed once, never changed.
 *
 * Life: cert_parse() .. cert_unref(); counted, so a chain, a cache and a store may hold the same
 * one. Everything a view below points to lives as long as the certificate. Thread: any; a parsed
 * certificate is only read.
 *
 * What is refused at the door: more than CERT_DER_MAX octets or octets behind the end, a serial
 * number that is negative or longer than 20 octets, an extension that is there twice or cannot be
 * read, more entries in a list than the limits here. Nothing is said about trust: see path.h.
 */
#include "crypto/cert_ref.h"
#include "crypto/crypto.h"

#define CERT_DER_MAX	16384
#define CERT_CHAIN_MAX	10 /* end entity and topmost CA included */
#define CERT_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define CERT_SAN_MAX	64
#define CERT_URL_MAX	8 /* of a kind */
#define CERT_POLICY_MAX 16
#define CERT_HASH	20 /* SHA-1: a name for a key, not a protection (RFC 7296 3.7, RFC 6960) */

struct evp_pkey_st;
struct x509_st;

enum cert_key_type {
	CERT_KEY_OTHER, /* nothing we verify with */
	CERT_KEY_RSA,
	CERT_KEY_EC_P256,
	CERT_KEY_EC_P384,
	CERT_KEY_EC_P521,
	CERT_KEY_ED25519,
	CERT_KEY_ED448
};

/* Bits of key_usage: bit n is bit n of RFC 5280 4.2.1.3. */
enum cert_key_usage {
	CERT_KU_DIGITAL_SIGNATURE = 1 << 0,
	CERT_KU_NON_REPUDIATION = 1 << 1,
	CERT_KU_CERT_SIGN = 1 << 5,
	CERT_KU_CRL_SIGN = 1 << 6
};

enum cert_eku {
	CERT_EKU_ANY = 1 << 0,
	CERT_EKU_IPSEC_IKE = 1 << 1, /* RFC 4945 5.1.3.12 */
	CERT_EKU_OCSP_SIGNING = 1 << 2,
	CERT_EKU_SERVER_AUTH = 1 << 3,
	CERT_EKU_CLIENT_AUTH = 1 << 4,
	CERT_EKU_OTHER = 1 << 5
};

enum cert_san_kind { CERT_SAN_DNS, CERT_SAN_EMAIL, CERT_SAN_IP, CERT_SAN_DN };

struct cert_san {
	enum cert_san_kind kind;
	struct view value; /* text; 4 or 16 octets; DER of the name */
};

/* Texts end with NUL. */
struct cert_urls {
	const char *v[CERT_URL_MAX];
	size_t n;
};

struct cert {
	struct view der;
	struct view subject, issuer; /* DER of the names, as written */
	struct view serial; /* magnitude, big endian, no leading zero octets but one of zero */
	int64_t not_before_s, not_after_s; /* Unix time */
	uint8_t version;		   /* 1, 2, 3 */

	bool has_basic_constraints, is_ca;
	int path_len; /* -1: not limited */
	bool has_key_usage, has_eku, self_issued, has_name_constraints;
	uint16_t key_usage; /* enum cert_key_usage */
	uint16_t eku;	    /* enum cert_eku */
	bool no_revocation; /* id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1) */

	const struct cert_san *sans;
	size_t n_sans;
	struct view subject_key_id, authority_key_id; /* empty: not there */
	/* Of distribution points that cover all reasons and are signed by the issuer itself. */
	struct cert_urls crl_urls, delta_urls, ocsp_urls;
	const char *policies[CERT_POLICY_MAX]; /* dotted */
	size_t n_policies;

	enum cert_key_type key_type;
	uint16_t key_bits;
	struct view public_key_info;	    /* DER of SubjectPublicKeyInfo */
	uint8_t public_key_hash[CERT_HASH]; /* SHA-1 of that element: CERTREQ (RFC 7296 3.7) */
	uint8_t key_hash[CERT_HASH];	    /* SHA-1 of the key's bits: CertID (RFC 6960 4.1.1) */
	uint8_t subject_hash[CERT_HASH], issuer_hash[CERT_HASH]; /* SHA-1 of the names' DER */
	uint8_t fingerprint[32];				 /* SHA-256 of der */
	uint8_t key_fingerprint[32];				 /* SHA-256 of public_key_info */

	struct evp_pkey_st *key; /* lent to sign_check(); NULL: of no type we know */
	struct x509_st *x509;	 /* for this folder only */
	struct cert_own *own;	 /* private */
};

#define auto_cert struct cert *CLEANUP(cert_cleanup)

/* -ERR_LIMIT: too large. -ERR_SYNTAX: not one DER certificate. -ERR_VALUE: see above. */
int cert_parse(struct view der, struct cert **out) MUST_CHECK;
/* The first certificate of a PEM text, or DER. */
int cert_parse_file(struct view text, struct cert **out) MUST_CHECK;
/* Of one that the library holds; for this folder only. */
int cert_of_x509(struct x509_st *x, struct cert **out) MUST_CHECK;
/* A certs-only PKCS#7 SignedData (RFC 7296 3.6 encoding 1), at most max certificates, in the order
 * written. -ERR_LIMIT: more. On failure out holds nothing. */
int cert_parse_pkcs7(struct view der, struct cert **out, size_t max, size_t *n) MUST_CHECK;
struct cert *cert_ref(const struct cert *c);
void cert_unref(struct cert *c);
void cert_cleanup(struct cert **c);

/* The signature is right; nothing else is looked at. That it is, with this very key, is remembered
 * with the certificate: it can never become wrong. */
bool cert_signature_holds(const struct cert *c, const struct cert *issuer);
/* The names fit as well. */
bool cert_signed_by(const struct cert *c, const struct cert *issuer);
bool cert_equal(const struct cert *a, const struct cert *b);
/* The name of c, of this issuer, in what is remembered and asked for; and is it of this issuer? */
void cert_ref_make(const struct cert *c, const struct cert *issuer, struct cert_ref *out);
bool cert_is_issuer(const struct cert *issuer, const struct cert_ref *ref);
/* "rsaEncryption", "sha256WithRSAEncryption": as the operator's command prints them. */
const char *cert_key_name(const struct cert *c);
const char *cert_signature_name(const struct cert *c);
