#pragma once
/*
 * Messages on their way in: header, owner, window, integrity, payloads, and the trigger that they
 * are. Everything a peer says passes here once.
 *
 * Cheap refusals come first: nothing is decrypted that the window would refuse, nothing is
 * remembered of what is not authenticated except within the half-open limits (I9).
 */
#include "ike/notes.h"
#include "ike/sa.h"

struct ike_ev_datagram;

/* One message as the rules see it. Life: the step; views borrow from the datagram or the room. */
struct rx {
	const struct ike_ev_datagram *dg; /* NULL: it was parked */
	struct view raw;		  /* the datagram; for a parked one only of IKE_SA_INIT */
	struct view inner;		  /* decrypted payloads */
	uint8_t first;
	uint8_t exchange;
	uint32_t mid;
	uint8_t hash[16];
	const struct chain *chain;
	struct notes notes;
	struct parked *done; /* results of asymmetric work, second time through; else NULL */
};

void rx_datagram(struct ike *ike, const struct ike_ev_datagram *dg);
/* The key exchange a parked message waited for is done: fires its trigger again. */
void rx_again(struct ike *ike, struct ike_sa *sa, struct parked *p);

/* First 16 octets of SHA-256: knows a request again. */
int rx_hash(struct ike *ike, struct view octets, uint8_t out[16]) MUST_CHECK;

/* The bodies of payloads that must be there: -ERR_SYNTAX when missing or malformed. */
struct pld_sa;
struct pld_ke;
struct pld_ts;
int rx_nonce(const struct rx *rx, struct view *out) MUST_CHECK;
