#include "crypto/key_file.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/secret.h"

bool key_file_size_ok(enum key_type type, uint32_t bits)
{
	if (type == KEY_TYPE_ECDSA)
		return bits == 256 || bits == 384 || bits == 521;
	return type == KEY_TYPE_RSA && bits >= 1024 && bits <= 4096;
}

int key_file_make(enum key_type type, uint32_t bits, struct evp_pkey_st **out)
{
	EVP_PKEY *key;

	if (!key_file_size_ok(type, bits))
		return -ERR_VALUE;
	if (type == KEY_TYPE_ECDSA)
		key = EVP_EC_gen(bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521");
	else
		key = EVP_RSA_gen(bits);
	ERR_clear_error();
	if (!key)
		return -ERR_CRYPTO;
	*out = key;
	return 0;
}

/* Called for an encrypted key only; without a passphrase that is an error, not a prompt. */
struct asked {
	const char *passphrase;
	bool asked;
};

static int on_passphrase(char *to, int size, int writing, void *ctx)
{
	struct asked *a = ctx;
	size_t n = a->passphrase ? strlen(a->passphrase) : 0;

	(void)writing;
	a->asked = true;
	if (!a->passphrase || n > (size_t)size)
		return -1;
	memcpy(to, a->passphrase, n);
	return (int)n;
}

int key_file_read(struct view octets, const char *passphrase, struct evp_pkey_st **out)
{
	struct asked asked = {.passphrase = passphrase};
	OSSL_DECODER_CTX *ctx;
	const unsigned char *at = octets.p;
	size_t left = octets.n;
	EVP_PKEY *key = NULL;
	int rc = -ERR_SYNTAX;

	if (octets.n == 0 || octets.n > KEY_FILE_MAX)
		return -ERR_LIMIT;
	ctx = OSSL_DECODER_CTX_new_for_pkey(
		&key, NULL, NULL, NULL, OSSL_KEYMGMT_SELECT_KEYPAIR, NULL, NULL);
	if (!ctx)
		return -ERR_NOMEM;
	if (OSSL_DECODER_CTX_set_pem_password_cb(ctx, on_passphrase, &asked) == 1 &&
		OSSL_DECODER_from_data(ctx, &at, &left) == 1 && key)
		rc = 0;
	else if (asked.asked)
		rc = -ERR_AUTH;
	OSSL_DECODER_CTX_free(ctx);
	ERR_clear_error();
	if (rc < 0) {
		EVP_PKEY_free(key);
		return rc;
	}
	*out = key;
	return 0;
}

static int drain(BIO *bio, struct blob *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	return n <= 0 ? -ERR_CRYPTO : blob_copy(view_of(p, (size_t)n), out);
}

int key_file_write(const struct evp_pkey_st *key, struct blob *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc = -ERR_CRYPTO;

	if (!bio)
		return -ERR_NOMEM;
	if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		rc = drain(bio, out);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int key_file_public(const struct evp_pkey_st *key, struct blob *out)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der), rc;

	ERR_clear_error();
	if (n <= 0)
		return -ERR_CRYPTO;
	rc = blob_copy(view_of(der, (size_t)n), out);
	OPENSSL_free(der);
	return rc;
}

int key_file_of_public(struct view info, struct evp_pkey_st **out)
{
	const unsigned char *at = info.p;
	EVP_PKEY *key = info.n > KEY_FILE_MAX ? NULL : d2i_PUBKEY(NULL, &at, (long)info.n);

	ERR_clear_error();
	if (!key || at != info.p + info.n) {
		EVP_PKEY_free(key);
		return -ERR_SYNTAX;
	}
	*out = key;
	return 0;
}

uint32_t key_file_bits(const struct evp_pkey_st *key)
{
	int bits = EVP_PKEY_get_bits(key);

	return bits > 0 ? (uint32_t)bits : 0;
}

void key_file_free(struct evp_pkey_st *key)
{
	EVP_PKEY_free(key);
}

void key_file_cleanup(struct evp_pkey_st **key)
{
	EVP_PKEY_free(*key);
}
