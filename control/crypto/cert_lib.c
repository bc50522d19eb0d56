#include "crypto/cert_lib.h"

#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#include "base/view.h"

#define ALGORITHMS_MAX 32

/* What is here is written once, before it is read; a provider's functions are called without
 * anything by which they could find it elsewhere. */
static struct {
	pthread_once_t once;
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *whole; /* the default one */
	OSSL_ALGORITHM keys[ALGORITHMS_MAX], decoders[ALGORITHMS_MAX];
} few = {.once = PTHREAD_ONCE_INIT};

static const char *const kinds[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "DSA"};

/* Names are "RSA:rsaEncryption:1.2.840...". */
static bool is_kind(const char *names)
{
	size_t n = strcspn(names, ":");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (n == strlen(kinds[i]) && strncmp(names, kinds[i], n) == 0)
			return true;
	return false;
}

static void pick(OSSL_ALGORITHM *out, int operation, const char *property)
{
	int no_cache = 0;
	size_t n = 0;
	const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(few.whole, operation, &no_cache);

	for (; a && a->algorithm_names && n + 1 < ALGORITHMS_MAX; a++)
		if (is_kind(a->algorithm_names) && strstr(a->property_definition, property))
			out[n++] = *a;
}

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
	(void)ctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return few.keys;
	if (operation == OSSL_OP_DECODER)
		return few.decoders;
	return OSSL_PROVIDER_query_operation(few.whole, operation, no_cache);
}

static const OSSL_DISPATCH face[] = {
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
	{0, NULL},
};

/* The algorithms are those of the default provider: they get what is its. */
static int provide(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **ctx)
{
	(void)handle;
	(void)in;
	*out = face;
	*ctx = OSSL_PROVIDER_get0_provider_ctx(few.whole);
	return 1;
}

static void make(void)
{
	OSSL_LIB_CTX *lib;

	few.whole = OSSL_PROVIDER_load(NULL, "default");
	if (!few.whole)
		return;
	pick(few.keys, OSSL_OP_KEYMGMT, "");
	pick(few.decoders, OSSL_OP_DECODER, "structure=SubjectPublicKeyInfo");
	lib = OSSL_LIB_CTX_new();
	if (lib && few.decoders[0].algorithm_names && few.keys[0].algorithm_names &&
		OSSL_PROVIDER_add_builtin(lib, "certificates", provide) == 1 &&
		OSSL_PROVIDER_load(lib, "certificates"))
		few.lib = lib;
	else
		OSSL_LIB_CTX_free(lib);
	ERR_clear_error();
}

struct ossl_lib_ctx_st *cert_lib(void)
{
	(void)pthread_once(&few.once, make);
	return few.lib;
}
