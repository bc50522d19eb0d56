#pragma once
/*
 * Signatures of IKE authentication: RSA PKCS #1 and PSS, ECDSA in both encodings, EdDSA.
 *
 * A scheme is all that is to be said of how octets are signed: algorithm, hash and encoding.
 * RFC 7427 names one by the DER of an AlgorithmIdentifier and its hash by a number (4); the older
 * methods of RFC 7296 3.8 and RFC 4754 are schemes with a method number of their own, auth_* of
 * wire/iana.h, which this folder does not see.
 *
 * Life of struct sign_key: sign_key_read() .. sign_key_free(); holds a private key and never prints
 * it. Thread: any, several at once; nothing here uses the handle's scratch contexts.
 */
#include "crypto/crypto.h"

struct evp_pkey_st;
struct sign_key;

/* Numbers are in messages between processes: never renumber. */
enum sign_scheme {
	SIGN_NONE = 0,
	SIGN_RSA_SHA1 = 1, /* PKCS #1 v1.5 */
	SIGN_RSA_SHA256 = 2,
	SIGN_RSA_SHA384 = 3,
	SIGN_RSA_SHA512 = 4,
	SIGN_PSS_SHA256 = 5,
	SIGN_PSS_SHA384 = 6,
	SIGN_PSS_SHA512 = 7,
	SIGN_ECDSA_P256 = 8, /* RFC 4754: r | s, SHA-256 */
	SIGN_ECDSA_P384 = 9,
	SIGN_ECDSA_P521 = 10,
	SIGN_ECDSA_SHA256 = 11, /* RFC 7427: DER, any of the curves */
	SIGN_ECDSA_SHA384 = 12,
	SIGN_ECDSA_SHA512 = 13,
	SIGN_ED25519 = 14,
	SIGN_ED448 = 15,
	/* To check only: PKCS #1 v1.5 with whichever of some hashes (AUTH method 1). */
	SIGN_RSA_CLASSIC = 16,
	SIGN_END
};

#define SIGN_BIT(scheme) (UINT32_C(1) << (scheme))
#define SIGN_OF_RSA                                                                                \
	(SIGN_BIT(SIGN_RSA_SHA1) | SIGN_BIT(SIGN_RSA_SHA256) | SIGN_BIT(SIGN_RSA_SHA384) |         \
		SIGN_BIT(SIGN_RSA_SHA512) | SIGN_BIT(SIGN_PSS_SHA256) |                            \
		SIGN_BIT(SIGN_PSS_SHA384) | SIGN_BIT(SIGN_PSS_SHA512))
#define SIGN_OF_ECDSA                                                                              \
	(SIGN_BIT(SIGN_ECDSA_P256) | SIGN_BIT(SIGN_ECDSA_P384) | SIGN_BIT(SIGN_ECDSA_P521) |       \
		SIGN_BIT(SIGN_ECDSA_SHA256) | SIGN_BIT(SIGN_ECDSA_SHA384) |                        \
		SIGN_BIT(SIGN_ECDSA_SHA512))

/* RFC 7427 4, RFC 8420 2; sets are or-ed SIGN_HASH_BIT(). */
enum sign_hash {
	SIGN_HASH_SHA1 = 1,
	SIGN_HASH_SHA256 = 2,
	SIGN_HASH_SHA384 = 3,
	SIGN_HASH_SHA512 = 4,
	SIGN_HASH_IDENTITY = 5
};

#define SIGN_HASH_BIT(number) (1u << (number))
#define SIGN_RSA_BITS_MIN     1024
#define SIGN_RSA_BITS_MAX     8192 /* what a stranger may make us compute */
#define SIGN_LEN_MAX	      1024 /* octets of any signature */

struct sign_alg {
	enum sign_scheme scheme;
	uint16_t salt_len; /* PSS */
	uint8_t hashes;	   /* SIGN_RSA_CLASSIC: set of enum sign_hash */
};

/* "rsa-sha256", "ecdsa-256", "ed25519"; "none". */
const char *sign_text(enum sign_scheme s);
/* The hash it uses; 0 for none and for SIGN_RSA_CLASSIC. */
enum sign_hash sign_hash_of(enum sign_scheme s);
/* DER of its AlgorithmIdentifier (RFC 7427 appendix A); empty: it has none of its own. */
struct view sign_alg_id(enum sign_scheme s);
/* The other way. PSS as anybody may write it, if both hashes are one. -ERR_SYNTAX: no
 * AlgorithmIdentifier and nothing else. -ERR_UNSUPPORTED: not one of ours. */
int sign_alg_parse(struct view der, struct sign_alg *out) MUST_CHECK;

/* Which schemes a key, public or private, is good for: set of SIGN_BIT(); 0: none. */
uint32_t sign_schemes(const struct evp_pkey_st *key);
/* PEM or DER without a passphrase. -ERR_SYNTAX; -ERR_UNSUPPORTED: a key for none of the schemes. */
int sign_key_read(struct view octets, struct sign_key **out) MUST_CHECK;
/* One that is here already, for those that have theirs elsewhere; takes a reference. */
int sign_key_wrap(struct evp_pkey_st *key, struct sign_key **out) MUST_CHECK;
/* The same key once more, with a life of its own. */
int sign_key_share(const struct sign_key *k, struct sign_key **out) MUST_CHECK;
const struct evp_pkey_st *sign_key_handle(const struct sign_key *k);
/* Is this the public half of it? */
bool sign_key_fits(const struct sign_key *k, const struct evp_pkey_st *public_key);
void sign_key_free(struct sign_key *k);
void sign_key_cleanup(struct sign_key **k);
#define auto_sign_key struct sign_key *CLEANUP(sign_key_cleanup)

/* The caller owns *out. -ERR_UNSUPPORTED: that key cannot. */
int sign_make(const struct crypto *c, const struct sign_key *k, enum sign_scheme s,
	struct view octets, struct blob *out) MUST_CHECK;
/* 0: the signature is right. -ERR_AUTH: it is not, or it is another kind of key's. */
int sign_check(const struct crypto *c, const struct evp_pkey_st *key, const struct sign_alg *alg,
	struct view octets, struct view signature) MUST_CHECK;
