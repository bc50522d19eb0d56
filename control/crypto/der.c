#include "crypto/der.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

bool der_unix_time(const struct asn1_string_st *t, int64_t *out)
{
	struct tm tm;

	/* NULL would mean "now" to the library. */
	if (!t || ASN1_TIME_check(t) != 1 || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

int der_of_pem(struct view text, const char *name, struct blob *out)
{
	BIO *bio = text.n > INT32_MAX ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
	char *found = NULL, *header = NULL;
	unsigned char *data = NULL;
	int rc = -ERR_SYNTAX;
	long n;

	if (!bio)
		return -ERR_NOMEM;
	while (rc < 0 && PEM_read_bio(bio, &found, &header, &data, &n) == 1) {
		if (strcmp(found, name) == 0)
			rc = blob_copy(view_of(data, (size_t)n), out);
		OPENSSL_free(found);
		OPENSSL_free(header);
		OPENSSL_free(data);
		if (rc == -ERR_NOMEM)
			break;
	}
	(void)BIO_free(bio);
	der_forget_errors();
	return rc;
}

int der_to_pem(struct view der, const char *name, struct blob *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	int rc = -ERR_NOMEM;
	long n;

	if (bio && PEM_write_bio(bio, name, "", der.p, (long)der.n) > 0) {
		n = BIO_get_mem_data(bio, &text);
		rc = n > 0 ? blob_copy(view_of(text, (size_t)n), out) : -ERR_CRYPTO;
	}
	(void)BIO_free(bio);
	der_forget_errors();
	return rc;
}

void der_forget_errors(void)
{
	ERR_clear_error();
}
