#pragma once
/*
 * Exchanges under way: the one request of ours that is not answered yet (window of one, RFC 7296
 * 2.3), and the one request of the peer's that waits for asymmetric work.
 *
 * Life: hung into the IKE SA (sa->out, sa->in) while it lasts; exch_free(). Owner: the IKE SA.
 */
#include "base/secret.h"
#include "crypto/kex.h"
#include "ike/flight.h"

/* The numbers are in replicated records: never renumber. */
enum exch_kind {
	EXCH_NONE = 0,
	EXCH_INIT = 1,
	EXCH_AUTH = 2,
	EXCH_CHILD = 3,	       /* CREATE_CHILD_SA: another child */
	EXCH_CHILD_REKEY = 4,  /* CREATE_CHILD_SA with REKEY_SA */
	EXCH_IKE_REKEY = 5,    /* CREATE_CHILD_SA for the IKE SA itself */
	EXCH_DELETE_CHILD = 6, /* INFORMATIONAL */
	EXCH_DELETE_IKE = 7,
	EXCH_PROBE = 8,
	EXCH_INTERMEDIATE = 9, /* never in a record */
	EXCH_VERIFY = 20,      /* INFORMATIONAL with COOKIE2 */
	EXCH_UPDATE = 21,      /* INFORMATIONAL with UPDATE_SA_ADDRESSES */
	EXCH_REDIRECT = 22     /* INFORMATIONAL with REDIRECT */
};

#define EXCH_NONCE_LEN 32

struct follow;

/* A message that waits for a key exchange: kept as decrypted octets, read again when it is done. */
struct parked {
	uint8_t first;	   /* type of the first payload */
	struct blob inner; /* a whole datagram for IKE_SA_INIT */
	uint64_t job;	   /* 0: none out */
	struct kex *kex;   /* results of the job */
	struct secret *shared;
	int rc;
	uint8_t on; /* enum sa_trigger to fire again */
	uint8_t exchange;
	uint32_t mid;
	uint8_t hash[16]; /* of the request's datagram */
};

struct exch {
	enum exch_kind kind;
	uint32_t mid;
	struct flight *flight; /* NULL: not built yet, waits for a key pair */
	bool released;	       /* committed and sent once; else it must not leave */
	uint64_t job;	       /* generating the key pair */

	uint8_t nonce[EXCH_NONCE_LEN];
	uint16_t group; /* 0: no key exchange */
	struct kex *kex;
	struct secret *kex_saved; /* its octets, for records, while a job has it */
	uint64_t new_spi;	  /* of what is being made: inbound ESP, or local IKE */
	uint32_t old_spi;	  /* child that is rekeyed or deleted */
	uint32_t policy_id;	  /* tunnel that is being made */
	uint8_t resource;	  /* for which worker: as in struct child */
	uint32_t dead_spi; /* outbound: the peer deleted it, perhaps before its answer came */

	/* The peer's crossing exchange (2.8.1, 2.8.2): what it made here, and its lower nonce. */
	uint64_t rival_spi;
	struct blob rival_nonce;

	struct follow *follow; /* IKE_REKEY: further key exchanges of it (follow.h) */
	struct parked *answer; /* an answer that waits for the shared secret */

	bool judging; /* an unanswered probe: the dataplane was asked whether the peer lives */
	uint32_t tries;
	uint64_t first_ms;
};

struct exch *exch_new(enum exch_kind kind);
void exch_free(struct exch *x);
/* Lends the key pair to a job for good, but keeps what a record must say of it. */
int exch_hand_kex(struct exch *x, struct kex **out) MUST_CHECK;
const char *exch_text(enum exch_kind kind);
struct parked *parked_new(uint8_t first, struct view inner);
void parked_free(struct parked *p);
