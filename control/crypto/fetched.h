#pragma once
/*
 * Inside of struct crypto, for the sources of this folder only. The library's types are named by
 * their tags, so that even this header does not include it.
 */
#include "crypto/alg.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"

struct evp_cipher_ctx_st;
struct evp_cipher_st;
struct evp_md_ctx_st;
struct evp_md_st;
struct ossl_lib_ctx_st;

/* Ciphers in use, by key size; the order is that of the table in crypto.c. */
enum cipher_slot {
	CIPHER_CBC_128,
	CIPHER_CBC_192,
	CIPHER_CBC_256,
	CIPHER_GCM_128,
	CIPHER_GCM_192,
	CIPHER_GCM_256,
	CIPHER_CHACHA,
	CIPHER_3DES, /* and DES, with one key three times: no legacy provider is needed */
	CIPHER_COUNT_
};

#define HASH_COUNT 5

struct crypto {
	struct ossl_lib_ctx_st *lib; /* NULL: the library's default context */
	struct evp_md_st *md[HASH_COUNT];
	struct evp_cipher_st *cipher[CIPHER_COUNT_];
	/* Scratch of the owning thread, one per direction: a context that changes between the two
	 * expands its key again. They hold the last key until the next one or crypto_free(). */
	struct evp_md_ctx_st *md_ctx[HASH_COUNT];
	struct evp_cipher_ctx_st *seal[CIPHER_COUNT_], *open[CIPHER_COUNT_];
};
