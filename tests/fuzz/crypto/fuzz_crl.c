/*
 * Lists from anywhere, as if their signature were right: what is behind it must not be trusted by
 * the reader either. Input: length of the issuer's certificate (2 octets), it, then the list.
 */
#include <assert.h>
#include <openssl/x509.h>

static int right(X509_CRL *crl, EVP_PKEY *key)
{
	(void)crl;
	(void)key;
	return 1;
}

#define X509_CRL_verify right
#include "crypto/crl.c"

#include "base/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct crl *list, const struct cert *issuer)
{
	const struct crl_entry *e = NULL;

	for (size_t i = 0; i < list->n; i++) {
		assert(i == 0 || by_serial(&list->entries[i - 1], &list->entries[i]) <= 0);
		assert(crl_find(list, view_of_array(list->entries[i].serial), &e) !=
			CRL_NOT_LISTED);
	}
	(void)crl_covers(list, issuer);
	assert(!crl_is_newer(list, list));
	assert(!crl_delta_fits(list, list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(view_of(data, size));
	struct view der = cur_take(&c, cur_be16(&c));
	struct cert *issuer = NULL;
	struct crl *list = NULL;
	const char *why;

	if (!cur_ok(&c) || cert_parse(der, &issuer) < 0)
		return 0;
	if (crl_parse_file(cur_rest(&c), issuer, &list, &why) == 0)
		check(list, issuer);
	else
		assert(why);
	crl_unref(list);
	cert_unref(issuer);
	return 0;
}
