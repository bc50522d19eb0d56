#pragma once
/*
 * The private keys of the process, by their name.
 *
 * Life: vault_new() .. vault_free(), which wipes them. A key is a file's (in memory) or a token's
 * (never leaves it). Thread: the serving one; vault_make_*() touch no vault and run anywhere.
 */
#include "base/err.h"
#include "base/view.h"
#include "keys/token.h"

#define VAULT_KEYS_MAX 1024

struct crypto;
struct sign_key;
struct vault;

/* A key on its way in: exactly one of the two. */
struct vault_key {
	struct sign_key *file;
	struct token_key *token;
	struct blob public_key; /* SubjectPublicKeyInfo */
};

void vault_key_fini(struct vault_key *k);
#define auto_vault_key struct vault_key CLEANUP(vault_key_fini)

/* crypto is lent. */
int vault_new(struct crypto *crypto, struct vault **out) MUST_CHECK;
void vault_free(struct vault *v);
/* Takes the key; one of that name is replaced. */
int vault_put(struct vault *v, const char *id, struct vault_key *k) MUST_CHECK;
bool vault_has(const struct vault *v, const char *id);
void vault_forget(struct vault *v, const char *id);
/* -ERR_NOT_FOUND; -ERR_UNSUPPORTED: that key has no such signatures. The caller owns *out. */
int vault_sign(const struct vault *v, const char *id, uint32_t scheme, struct view octets,
	struct blob *out) MUST_CHECK;

/* Keys as vault_put() takes them. *pem: what to write to the file (owned by the caller, who wipes
 * it). Passphrase "" is none. */
int vault_make_read(struct view octets, const char *passphrase, struct vault_key *out,
	struct blob *pem) MUST_CHECK;
int vault_make_new(bool ecdsa, uint32_t bits, struct vault_key *out, struct blob *pem) MUST_CHECK;
