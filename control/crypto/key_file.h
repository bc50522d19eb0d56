#pragma once
/*
 * Private keys as files, and new ones.
 *
 * Life of a handle: made here, released with key_file_free(); it is the library's own counted
 * object and holds a private key. Thread: any.
 */
#include "crypto/crypto.h"

struct evp_pkey_st;

enum key_type { KEY_TYPE_RSA, KEY_TYPE_ECDSA };

#define KEY_FILE_MAX 65536 /* octets of a file */

/* RSA 1024..4096 by 1; ECDSA 256, 384, 521. Takes seconds for long RSA keys. -ERR_VALUE. */
int key_file_make(enum key_type type, uint32_t bits, struct evp_pkey_st **out) MUST_CHECK;
/* Is there such a size? */
bool key_file_size_ok(enum key_type type, uint32_t bits);
/* PEM of any kind, or DER (PKCS#8, PKCS#1, SEC1). The passphrase may be NULL: then an encrypted key
 * is -ERR_AUTH, like a wrong one. -ERR_SYNTAX: no private key. */
int key_file_read(struct view octets, const char *passphrase, struct evp_pkey_st **out) MUST_CHECK;
/* PEM of PKCS#8, not encrypted; the caller owns and wipes it. */
int key_file_write(const struct evp_pkey_st *key, struct blob *out) MUST_CHECK;
/* DER of SubjectPublicKeyInfo. */
int key_file_public(const struct evp_pkey_st *key, struct blob *out) MUST_CHECK;
/* The other way: a handle that can only check. */
int key_file_of_public(struct view info, struct evp_pkey_st **out) MUST_CHECK;
uint32_t key_file_bits(const struct evp_pkey_st *key);
void key_file_free(struct evp_pkey_st *key);
void key_file_cleanup(struct evp_pkey_st **key);
#define auto_key_file struct evp_pkey_st *CLEANUP(key_file_cleanup)
