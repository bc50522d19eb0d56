#pragma once
/*
 * Makes keys, certificates, CRLs and OCSP answers for tests, right ones and wrong ones.
 *
 * Any failure of the library ends the program. Life: what is returned is freed by the named
 * call or, for keys, by forge_key_free().
 */
#include "base/view.h"
#include "crypto/cert.h"

struct evp_pkey_st;

enum forge_key { FORGE_P256, FORGE_P384, FORGE_RSA2048, FORGE_RSA1024, FORGE_ED25519, FORGE_OTHER };

struct evp_pkey_st *forge_key(enum forge_key type);
void forge_key_free(struct evp_pkey_st *key);

/* A certificate and its key: what signs others. */
struct forge_ca {
	struct evp_pkey_st *key;
	struct cert *cert;
};

struct forge_ext {
	const char *name, *value; /* as in openssl.cnf: {"basicConstraints", "critical,CA:TRUE"} */
};

/* What is not set is ordinary: version 3, a serial of its own, valid from an hour ago for a year.
 */
struct forge_cert {
	const char *subject; /* "C=US, O=example, CN=gw"; in this order */
	uint64_t serial;
	int64_t not_before, not_after; /* seconds from FORGE_NOW */
	const char *digest;	       /* "SHA256" */
	struct forge_ext ext[12];
	enum forge_key key_type;
	bool version1;
};

/* All of it happens at this time, so that no test ages. */
#define FORGE_NOW INT64_C(1780000000)

/* issuer NULL: self-signed. `key` becomes the subject's key and stays the caller's. */
struct blob forge_cert_der(
	const struct forge_cert *f, const struct forge_ca *issuer, struct evp_pkey_st *key);
/* With a new key of f->key_type; parsed. */
struct forge_ca forge_issue(const struct forge_cert *f, const struct forge_ca *issuer);
/* A CA with the usual extensions; path_len < 0: not limited. */
struct forge_ca forge_make_ca(const char *subject, const struct forge_ca *issuer, int path_len);
/* An end entity with digitalSignature; san NULL: none. */
struct forge_ca forge_make_leaf(
	const char *subject, const struct forge_ca *issuer, const char *san);
void forge_ca_free(struct forge_ca *ca);

struct forge_crl {
	const uint64_t *serials; /* revoked */
	size_t n;
	int64_t this_update, next_update; /* from FORGE_NOW; both 0: an hour ago, in a day */
	uint64_t number;		  /* cRLNumber; 0: none */
	uint64_t delta_of;		  /* deltaCRLIndicator; 0: a whole one */
	bool remove;			  /* a delta: these are removed from it */
	bool no_next_update;
	const char *digest;
	struct forge_ext ext[4];
};

struct blob forge_crl_der(const struct forge_crl *f, const struct forge_ca *issuer);

enum forge_status { FORGE_GOOD, FORGE_REVOKED, FORGE_UNKNOWN };

struct forge_ocsp {
	enum forge_status status;
	const struct forge_ca *signer;	  /* NULL: the issuer itself */
	int64_t this_update, next_update; /* as above */
	struct view nonce;		  /* empty: none */
	uint64_t other_serial;		  /* answer for another certificate */
	bool leave_out_signer, no_next_update, try_later;
};

struct blob forge_ocsp_der(
	const struct forge_ocsp *f, const struct cert *about, const struct forge_ca *issuer);

/* Signature over octets, as an initiator makes it: digest NULL for Ed25519. */
struct blob forge_sign(struct evp_pkey_st *key, const char *digest, struct view octets);

/* Certificates only, signed by nobody (RFC 7296 3.6 encoding 1). */
struct blob forge_pkcs7_der(const struct cert *const *v, size_t n);
