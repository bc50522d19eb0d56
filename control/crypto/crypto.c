#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/fetched.h"

static const char *const md_names[HASH_COUNT] = {
	[HASH_SHA1] = "SHA1",
	[HASH_SHA256] = "SHA2-256",
	[HASH_SHA384] = "SHA2-384",
	[HASH_SHA512] = "SHA2-512",
	[HASH_MD5] = "MD5",
};

static const char *const cipher_names[CIPHER_COUNT_] = {
	[CIPHER_CBC_128] = "AES-128-CBC",
	[CIPHER_CBC_192] = "AES-192-CBC",
	[CIPHER_CBC_256] = "AES-256-CBC",
	[CIPHER_GCM_128] = "AES-128-GCM",
	[CIPHER_GCM_192] = "AES-192-GCM",
	[CIPHER_GCM_256] = "AES-256-GCM",
	[CIPHER_CHACHA] = "ChaCha20-Poly1305",
	[CIPHER_3DES] = "DES-EDE3-CBC",
};

static int digest_fetch(struct crypto *c, size_t i)
{
	c->md[i] = EVP_MD_fetch(c->lib, md_names[i], NULL);
	c->md_ctx[i] = EVP_MD_CTX_new();
	if (!c->md[i] || !c->md_ctx[i] || EVP_DigestInit_ex2(c->md_ctx[i], c->md[i], NULL) != 1)
		return -ERR_CRYPTO;
	return 0;
}

static int cipher_fetch(struct crypto *c, size_t i)
{
	c->cipher[i] = EVP_CIPHER_fetch(c->lib, cipher_names[i], NULL);
	c->seal[i] = EVP_CIPHER_CTX_new();
	c->open[i] = EVP_CIPHER_CTX_new();
	if (!c->cipher[i] || !c->seal[i] || !c->open[i])
		return -ERR_CRYPTO;
	/* The cipher is set once; later calls hand in only key and IV. */
	if (EVP_EncryptInit_ex2(c->seal[i], c->cipher[i], NULL, NULL, NULL) != 1 ||
		EVP_DecryptInit_ex2(c->open[i], c->cipher[i], NULL, NULL, NULL) != 1)
		return -ERR_CRYPTO;
	return 0;
}

int crypto_new(struct crypto **out)
{
	auto_crypto c = calloc(1, sizeof *c);
	int rc = 0;

	if (!c)
		return -ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < HASH_COUNT; i++)
		rc = digest_fetch(c, i);
	for (size_t i = 0; rc == 0 && i < CIPHER_COUNT_; i++)
		rc = cipher_fetch(c, i);
	if (rc < 0)
		return rc;
	*out = take_ptr(c);
	return 0;
}

void crypto_free(struct crypto *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HASH_COUNT; i++) {
		EVP_MD_CTX_free(c->md_ctx[i]);
		EVP_MD_free(c->md[i]);
	}
	for (size_t i = 0; i < CIPHER_COUNT_; i++) {
		EVP_CIPHER_CTX_free(c->seal[i]);
		EVP_CIPHER_CTX_free(c->open[i]);
		EVP_CIPHER_free(c->cipher[i]);
	}
	free(c);
}

void crypto_cleanup(struct crypto **c)
{
	crypto_free(*c);
}
