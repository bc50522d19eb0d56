#pragma once
/*
 * Keys in tokens: PKCS#11 modules, and the keys behind their URIs (RFC 7512).
 *
 * A module is loaded before the process is locked in and stays for good: token_modules_add() ..
 * token_modules_free(). A key has a session of its own: token_key_open() .. token_key_free(),
 * before the modules go. Modules are told to lock for themselves (CKF_OS_LOCKING_OK), so that
 * making a key and signing with another may run at once; one key belongs to one thread.
 */
#include "base/err.h"
#include "base/view.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "keys/uri.h"

#define TOKEN_MODULES_MAX 8

struct ck_function_list;

struct token_modules {
	struct {
		char path[256];
		void *handle;
		struct ck_function_list *f;
	} v[TOKEN_MODULES_MAX];

	size_t n;
};

/* -ERR_NOT_FOUND: no such library. -ERR_UNSUPPORTED: it is none of PKCS#11. -ERR_LIMIT. */
int token_modules_add(struct token_modules *m, const char *path) MUST_CHECK;
void token_modules_free(struct token_modules *m);

struct token_key;

/* -ERR_NOT_FOUND: no such module, token or key. -ERR_AUTH: the PIN is wrong. -ERR_UNSUPPORTED: not
 * a key we sign with. *public_key: DER of SubjectPublicKeyInfo, owned by the caller. */
int token_key_open(const struct token_modules *m, const struct key_uri *u, struct view pin,
	struct token_key **out, struct blob *public_key) MUST_CHECK;
/* Makes a pair there first. -ERR_EXISTS: there is one of that name. */
int token_key_make(const struct token_modules *m, const struct key_uri *u, struct view pin,
	bool ecdsa, uint32_t bits) MUST_CHECK;
void token_key_free(struct token_key *k);
int token_key_sign(struct crypto *c, const struct token_key *k, enum sign_scheme s,
	struct view octets, struct blob *out) MUST_CHECK;
