#pragma once
/*
 * What the successor of an IKE SA is made of (RFC 7296 2.18, RFC 9370 2.2.4). A value; views are
 * lent.
 */
#include "ike/exch.h"
#include "ike/negotiate.h"

struct birth {
	struct ike_suite suite;
	uint64_t spi_local, spi_remote; /* spi_local 0: drawn */
	bool initiator;
	struct view ni, nr, shared;
	struct view more;	       /* the secrets of further key exchanges */
	uint8_t nonce[EXCH_NONCE_LEN]; /* ours, when we answer */
};
