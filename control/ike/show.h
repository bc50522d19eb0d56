#pragma once
/*
 * The engine seen from outside: rows for the operator. Everything a row points to is lent for the
 * call of `each`, which must not step the engine. Thread: the engine's.
 */
#include "ike/event.h"
#include "policy/ts.h"

struct ike;
struct ike_stats;

struct ike_sa_row {
	uint32_t index, rg;
	uint32_t peer; /* which one of a dynamic gateway's; else 0 */
	bool up, initiator;
	uint64_t spi_i, spi_r; /* of IKE; spi_r 0 while half-open */
	struct endpoint local, remote;
	const char *gateway; /* "" while a responder does not know */
	const char *local_id, *peer_id;
	uint8_t auth_method;	  /* enum auth_method: how the peer proved itself; 0: not yet */
	const char *peer_subject; /* of its certificate; "" without */
	uint32_t expires_s;	  /* to the hard end of its life */
	uint32_t reauth_frequency, rekeys, reauths;
	uint32_t reauth_s; /* until it authenticates anew, unless the peer rekeys more often */
	bool fragmentation, nat_local, nat_remote;
	uint32_t fragment_size;
	uint16_t encr, key_bits, integ, prf, dh; /* IANA; 0 while not negotiated */
	uint64_t in_bytes, out_bytes;
	uint32_t in_packets, out_packets, in_fragments, out_fragments;
	uint32_t children_created, children_deleted;
	uint32_t next_send_mid, next_receive_mid;
	bool negotiating; /* a CREATE_CHILD_SA of ours is under way */
	uint32_t negotiating_mid;
	uint64_t established_unix_s;
};

struct ike_child_row {
	uint32_t index; /* of the tunnel: 500001 and up */
	uint32_t rg, ike_index, spi_in, spi_out;
	bool initiator, installed, outbound, replaced;
	bool manual, transport;
	uint8_t resource; /* RFC 9611: n is worker n - 1's own; 0: everybody's */
	struct endpoint local, remote;
	bool natt;
	const struct model_selector *selector; /* NULL when the configuration lost it */
	const char *gateway;
	const struct tsel *local_ts, *remote_ts;
	uint32_t n_local_ts, n_remote_ts;
	uint16_t encr, key_bits, integ;
	bool esn;
	uint32_t replay_window; /* 0 = off */
	uint32_t hard_s, soft_s;
	uint64_t lifetime_kb; /* 0 = unlimited */
	uint32_t negotiations, failures;
	uint64_t last_up_unix_s, last_fail_unix_s;
	const char *last_failure; /* NULL: none */
};

/* A tunnel of an active group that has no SA. */
struct ike_inactive_row {
	uint32_t index;
	const struct model_selector *selector;
	const char *gateway;
	struct addr local, remote; /* none: any peer, or a name without an address */
	bool immediately;	   /* it should always be up */
	uint32_t negotiations, failures;
	uint64_t last_up_unix_s, last_fail_unix_s;
	const char *reason;
};

/* In the order of their index. -ERR_NOMEM. */
int ike_show_sas(struct ike *ike, const struct ike_filter *f, uint64_t now_ms,
	void (*each)(void *ctx, const struct ike_sa_row *row), void *ctx) MUST_CHECK;
int ike_show_children(struct ike *ike, const struct ike_filter *f, uint64_t now_ms,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx) MUST_CHECK;
/* A dynamic gateway's tunnel stands for peers that are not there: it is a row while it has none. */
int ike_show_inactive(struct ike *ike, void (*each)(void *ctx, const struct ike_inactive_row *row),
	void *ctx) MUST_CHECK;
/* Is there an SA behind the key of this record? */
bool ike_knows(struct ike *ike, struct view key);

/* How much there is now; IKE SAs in every state, also those that only linger. */
struct ike_held {
	uint64_t half_open, ike_sas, child_sas;
};

struct ike_held ike_show_held(const struct ike *ike);
const struct ike_stats *ike_show_stats(const struct ike *ike);
