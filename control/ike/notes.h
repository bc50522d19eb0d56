#pragma once
/*
 * The notifications of one message, read once: which are there, and the data of those that have any
 * meaning to us. Unknown error types count as an error, unknown status types as nothing (RFC 7296
 * 3.10.1). Life: a value on the stack; views borrow from the message.
 */
#include "wire/message.h"
#include "wire/pld_notify.h"

#define NOTES_NATD_MAX 8

struct notes {
	uint16_t error; /* the first error type, 0 = none */
	bool initial_contact, use_transport, ipcomp, tfc_off, childless, fragmentation;
	bool additional_ts;
	bool resource; /* SA_RESOURCE_INFO (RFC 9611 5.1); what it says is the peer's own affair */
	bool mid_sync, replay_sync;
	uint8_t signature_hashes; /* SIGN_HASH_BIT()s of those we know; 0: absent */
	struct view cookie;	  /* n = 0: absent */
	uint16_t ke_group;	  /* of INVALID_KE_PAYLOAD; 0: absent */
	bool mobike, update_addresses, redirect_supported, ticket_request, ticket_nack;
	struct view ticket, ticket_lt;	       /* RFC 5723 7; n = 0: absent */
	struct view redirect, redirected_from; /* RFC 5685 7; n = 0: absent */
	struct view cookie2, no_nats;	       /* RFC 4555 4.2; n = 0: absent */
	bool intermediate;		       /* RFC 9242 */
	struct view link;		       /* of ADDITIONAL_KEY_EXCHANGE; n = 0: absent */
	bool use_ppk, ppk_identity;
	struct view ppk_id, no_ppk_auth; /* RFC 8784 3; n = 0: absent */
	uint8_t rekey_protocol;
	uint32_t rekey_spi;   /* 0: no REKEY_SA */
	uint32_t invalid_spi; /* of INVALID_SPI; 0: absent */
	bool rekey;
	struct view natd_source[NOTES_NATD_MAX]; /* a peer may name several of its addresses */
	uint32_t n_natd_source;
	struct view natd_destination;
};

/* -ERR_VALUE, -ERR_TRUNCATED: a malformed notification. */
int notes_read(const struct chain *c, struct notes *out) MUST_CHECK;
