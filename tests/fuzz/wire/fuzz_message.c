/* A whole datagram: header, chain, every payload, envelope; rebuilt and read again. */
#include "tests/unit/wire/roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	message_roundtrip_check(view_of(data, size));
	return 0;
}
