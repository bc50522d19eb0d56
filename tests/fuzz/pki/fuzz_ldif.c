/* What a directory answers: a value, or a refusal; never more octets than its text. */
#include <assert.h>

#include "pki/ldif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_blob out = {0};

	if (ldif_value(view_of(data, size), "certificateRevocationList", &out) == 0)
		assert(out.n != 0 && out.n <= size);
	else
		assert(!out.p);
	return 0;
}
