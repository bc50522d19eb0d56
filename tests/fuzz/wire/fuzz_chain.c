/* What lies inside SK after decryption: the first octet is the type of the first payload. */
#include "tests/unit/wire/roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct chain chain;
	struct view plain = view_of(data, size), inner;

	if (size < 2)
		return 0;
	plain.p++;
	plain.n--;
	if (sk_unpad(plain, &inner) < 0 || chain_parse_inner(data[0], inner, &chain) < 0)
		return 0;
	for (size_t i = 0; i < chain.n; i++)
		payload_roundtrip_check(chain.at[i].type, chain.at[i].body);
	return 0;
}
