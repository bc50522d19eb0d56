/*
 * The body of one payload type, chosen when it is compiled (FUZZ_PAYLOAD): parses or not, and what
 * parses can be emitted and parsed again to the same.
 */

/* Twin of: pld_sa.c pld_ke.c pld_id.c pld_cert.c pld_certreq.c pld_auth.c pld_nonce.c
   pld_notify.c pld_delete.c pld_vendor.c pld_ts.c pld_cp.c pld_eap.c */
#include "tests/unit/wire/roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	payload_roundtrip_check(FUZZ_PAYLOAD, view_of(data, size));
	return 0;
}
