#include "keys/vault.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/secret.h"
#include "crypto/key_file.h"
#include "crypto/sign.h"

struct entry {
	struct list link;
	char *id;
	struct vault_key key;
};

struct vault {
	struct crypto *crypto;
	struct list entries;
	size_t n;
};

void vault_key_fini(struct vault_key *k)
{
	sign_key_free(k->file);
	token_key_free(k->token);
	blob_fini(&k->public_key);
	*k = (struct vault_key){0};
}

int vault_new(struct crypto *crypto, struct vault **out)
{
	struct vault *v = calloc(1, sizeof *v);

	if (!v)
		return -ERR_NOMEM;
	v->crypto = crypto;
	list_init(&v->entries);
	*out = v;
	return 0;
}

static void entry_free(struct vault *v, struct entry *e)
{
	list_del(&e->link);
	v->n--;
	vault_key_fini(&e->key);
	free(e->id);
	free(e);
}

void vault_free(struct vault *v)
{
	struct entry *e, *next;

	if (!v)
		return;
	list_foreach_safe (e, next, &v->entries, link)
		entry_free(v, e);
	free(v);
}

static struct entry *find(const struct vault *v, const char *id)
{
	struct entry *e;

	list_foreach (e, &v->entries, link)
		if (strcmp(e->id, id) == 0)
			return e;
	return NULL;
}

bool vault_has(const struct vault *v, const char *id)
{
	return find(v, id) != NULL;
}

void vault_forget(struct vault *v, const char *id)
{
	struct entry *e = find(v, id);

	if (e)
		entry_free(v, e);
}

int vault_put(struct vault *v, const char *id, struct vault_key *k)
{
	struct entry *e;

	vault_forget(v, id);
	if (v->n == VAULT_KEYS_MAX)
		return -ERR_LIMIT;
	e = calloc(1, sizeof *e);
	if (!e)
		return -ERR_NOMEM;
	e->id = strdup(id);
	if (!e->id) {
		free(e);
		return -ERR_NOMEM;
	}
	e->key = *k;
	*k = (struct vault_key){0};
	list_add_tail(&v->entries, &e->link);
	v->n++;
	return 0;
}

int vault_sign(const struct vault *v, const char *id, uint32_t scheme, struct view octets,
	struct blob *out)
{
	const struct entry *e = find(v, id);

	if (!e)
		return -ERR_NOT_FOUND;
	if (scheme == SIGN_NONE || scheme >= SIGN_END)
		return -ERR_VALUE;
	if (e->key.token)
		return token_key_sign(
			v->crypto, e->key.token, (enum sign_scheme)scheme, octets, out);
	return sign_make(v->crypto, e->key.file, (enum sign_scheme)scheme, octets, out);
}

static int take(struct evp_pkey_st *handle, struct vault_key *out, struct blob *pem)
{
	auto_vault_key k = {0};
	int rc = sign_key_wrap(handle, &k.file);

	if (rc == 0)
		rc = key_file_public(handle, &k.public_key);
	if (rc == 0)
		rc = key_file_write(handle, pem);
	if (rc < 0)
		return rc;
	*out = k;
	k = (struct vault_key){0};
	return 0;
}

int vault_make_read(
	struct view octets, const char *passphrase, struct vault_key *out, struct blob *pem)
{
	auto_key_file handle = NULL;
	int rc = key_file_read(octets, *passphrase != '\0' ? passphrase : NULL, &handle);

	return rc < 0 ? rc : take(handle, out, pem);
}

int vault_make_new(bool ecdsa, uint32_t bits, struct vault_key *out, struct blob *pem)
{
	auto_key_file handle = NULL;
	int rc = key_file_make(ecdsa ? KEY_TYPE_ECDSA : KEY_TYPE_RSA, bits, &handle);

	return rc < 0 ? rc : take(handle, out, pem);
}
