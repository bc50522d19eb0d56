/*
 * Names of certificates against names of configurations. Input: the text, NUL, then the DER.
 * A name is equal to itself; what matches exactly also matches the other ways.
 *
 * Twin of: dn.c dn_name.c dn_parse.c
 */
#include <assert.h>

#include "policy/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size != 0 ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	struct view text = view_of(data, n), der = view_of(data + n, size - n);
	char said[200];

	if (nul)
		der = view_of(nul + 1, size - n - 1);
	if (dn_matches(der, DN_EXACT, text)) {
		assert(dn_text_check(text) == 0);
		assert(dn_equal(der, der));
		assert(dn_matches(der, DN_CONTAINER, text));
		assert(dn_matches(der, DN_WILDCARD, text));
	}
	if (dn_matches(der, DN_CONTAINER, text))
		assert(dn_matches(der, DN_WILDCARD, text));
	assert(strlen(dn_text(der, said, sizeof said)) < sizeof said);
	assert(dn_value(der, "CN").n <= der.n);
	return 0;
}
