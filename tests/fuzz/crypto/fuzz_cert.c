/*
 * Certificates from anywhere: read or refused, and what is read lies inside of what was given.
 *
 * Twin of: cert.c cert_ext.c
 */
#include <assert.h>

#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cert *c)
{
	size_t octets = 0;

	assert(c->serial.n > 0 && c->serial.n <= CERT_SERIAL_MAX);
	assert(c->n_sans <= CERT_SAN_MAX && c->n_policies <= CERT_POLICY_MAX);
	for (size_t i = 0; i < c->n_sans; i++)
		octets += c->sans[i].value.n;
	for (size_t i = 0; i < c->crl_urls.n; i++)
		octets += strlen(c->crl_urls.v[i]);
	for (size_t i = 0; i < c->ocsp_urls.n; i++)
		octets += strlen(c->ocsp_urls.v[i]);
	assert(octets <= c->der.n);
	assert(cert_key_name(c) && cert_signature_name(c));
	(void)cert_signed_by(c, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert *many[CERT_CHAIN_MAX], *c = NULL;
	size_t n = 0;

	if (cert_parse(view_of(data, size), &c) == 0) {
		assert(view_equal(c->der, view_of(data, size)));
		check(c);
		cert_unref(c);
	}
	if (cert_parse_file(view_of(data, size), &c) == 0)
		cert_unref(c);
	if (cert_parse_pkcs7(view_of(data, size), many, CERT_CHAIN_MAX, &n) == 0)
		while (n != 0)
			cert_unref(many[--n]);
	return 0;
}
