/*
 * Answers of responders, as if the signature were right. Input: the issuer's certificate behind its
 * length (2 octets), the certificate asked about likewise, then the answer.
 */
#include <assert.h>
#include <openssl/ocsp.h>

static int right(OCSP_BASICRESP *r, STACK_OF(X509) * certs, X509_STORE *store, unsigned long flags)
{
	(void)r;
	(void)certs;
	(void)store;
	(void)flags;
	return 1;
}

#define OCSP_basic_verify right
#include "crypto/ocsp.c"

#include "base/cursor.h"

#define AT 1780000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(view_of(data, size));
	struct view issuer_der = cur_take(&c, cur_be16(&c)), cert_der = cur_take(&c, cur_be16(&c));
	struct ocsp_question q = {.nonce = view_of_literal("nonce"), .at_s = AT};
	struct cert *issuer = NULL, *cert = NULL;
	struct ocsp_answer a = {0};
	auto_blob request = {0};
	struct cert_ref ref;
	const char *why = NULL;

	if (cur_ok(&c) && cert_parse(issuer_der, &issuer) == 0 &&
		cert_parse(cert_der, &cert) == 0) {
		q.issuer = issuer;
		cert_ref_make(cert, issuer, &ref);
		q.cert = &ref;
		if (ocsp_answer_read(cur_rest(&c), &q, &a, &why) == 0)
			assert(a.status <= OCSP_UNKNOWN && a.this_update_s <= AT + OCSP_SKEW_S);
		else
			assert(why);
		cert_unref(a.responder);
		assert(ocsp_request(&ref, issuer, q.nonce, &request) == 0 && request.n != 0);
	}
	cert_unref(issuer);
	cert_unref(cert);
	return 0;
}
