#pragma once
/*
 * One IKE SA of either version: identity, keys, message IDs, exchanges under way, deadlines.
 *
 * Life: sa_new() puts it into the engine's tables; sa_drop() takes it out and the engine frees it
 * when the step is over (so that pointers stay good until then). Its state is assigned by fsm.c
 * alone. Thread: the engine's.
 *
 * Replicated as rec.IkeSa from the moment a message depends on it: see record.h.
 */
#include "base/addr.h"
#include "base/list.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/timer.h"
#include "ike/exch.h"
#include "ike/flight.h"
#include "ike/fragment.h"
#include "ike/guard.h"
#include "ike/ident.h"
#include "ike/keymat.h"
#include "ike/pace.h"
#include "ike/proof.h"

struct ike;
struct gateway;
struct child;

/* row: state, number in records (never renumber), text */
// clang-format off
#define SA_STATE_LIST(X) \
	X(SA_IDLE,       1, "idle")        /* just made */ \
	X(SA_KEYING,     2, "keying")      /* initiator: waits for a key pair */ \
	X(SA_INIT_SENT,  3, "init-sent") \
	X(SA_DERIVING,   4, "deriving")    /* initiator: waits for the shared secret, our signature */ \
	X(SA_AUTH_SENT,  5, "auth-sent") \
	X(SA_RESPONDING, 6, "responding")  /* responder: waits for key pair and secret */ \
	X(SA_HALF_OPEN,  7, "half-open")   /* responder: IKE_SA_INIT is answered */ \
	X(SA_REFUSED,    8, "refused")     /* responder: not authenticated; the answer is kept */ \
	X(SA_UP,         9, "up") \
	X(SA_REKEYED,   10, "rekeyed")     /* a successor has the children; waits for its delete */ \
	X(SA_CLOSING,   11, "closing")     /* our delete is under way */ \
	X(SA_CLOSED,    12, "closed")      /* deleted; the last answer is kept a little */ \
	X(SA_GONE,      13, "gone")        /* freed at the end of the step */
// clang-format on

#define SA_STATE_ROW(name, number, text) name = number,

enum sa_state { SA_STATE_LIST(SA_STATE_ROW) SA_STATE_END };

const char *sa_state_text(enum sa_state s);

/* What the peer announced; numbers are in records. */
enum sa_supports {
	SA_FRAGMENTATION = 1,
	SA_MID_SYNC = 2,
	SA_REPLAY_SYNC = 4,
	SA_MOBIKE = 32,	  /* both ends do */
	SA_REDIRECT = 64, /* may be sent elsewhere */
	SA_FURTHER = 128, /* further key exchanges (RFC 9370) */
};

/* Why a timer of the engine fires; struct timer.kind. */
enum timer_kind { TIMER_SA, TIMER_CHILD, TIMER_TUNNEL, TIMER_HOLD, TIMER_LINGER };

/* The answer to the peer's last request, and enough of that to know it again. */
struct answer {
	uint32_t mid;
	uint8_t hash[16];
	bool released;
	struct flight *flight;
	bool elsewhere, natt; /* goes to where the request came from, not to where the peer is */
	uint32_t interface_id;
	struct endpoint local, remote;
};

/* Key exchanges after the first (x_inter.c). */
struct inter {
	uint8_t at;	  /* done */
	bool pair_is_due; /* initiator: a key pair is being made */
	/* What both sides' messages have come to (RFC 9242 3.3.2). */
	bool own_begun, peer_begun;
	uint8_t own[ALG_DIGEST_MAX], peer[ALG_DIGEST_MAX];
};

/* A post-quantum pre-shared key (v2/ppk.h). */
struct ppk {
	bool agreed;  /* both said USE_PPK */
	bool mixed;   /* the keys of the SA have it in them */
	bool unknown; /* responder: the peer's is not one of ours */
	struct blob id;
	struct secret *without; /* the keys before */
};

/* Only until the peer is authenticated: what AUTH covers, and the retries of IKE_SA_INIT. */
struct half {
	uint64_t key[4];    /* of the engine's table of half-open responders */
	uint64_t spi_local; /* of its SA */
	uint8_t proposal;   /* number of the one chosen */
	UT_hash_handle hh;
	struct blob own_init, peer_init;
	uint8_t nonce[EXCH_NONCE_LEN]; /* ours */
	struct blob peer_nonce;
	struct blob cookie;
	struct blob int_auth; /* what AUTH covers besides (RFC 9242 3.3.2); empty: nothing */
	uint8_t peer_hashes;  /* SIGN_HASH_BIT()s it announced (RFC 7427 4); 0: did not */
	struct blob peer_cas; /* digests of its CERTREQ; empty: no such request */
	struct proof proof;
	struct kex *kex; /* initiator, between request and answer */
	uint16_t group;
	uint8_t retries;
	int refused;  /* initiator: what the first refusal was, in clear; 0: none yet */
	bool counted; /* in the engine's number of half-open SAs */
	struct half_guard guard;
	struct inter inter;
	struct ppk ppk;
	struct resumed *resumed; /* from a ticket; else NULL */
	bool announce;		 /* INITIAL_CONTACT */
	uint8_t distrust;	 /* initiator: enum tunnel_down, when the peer is not trusted */
	uint32_t policy_id;	 /* of the first child that we ask for */
};

/* Of datagrams that the peer surely sent, and of ours. */
struct sa_counters {
	uint64_t in_bytes, out_bytes;
	uint32_t in_packets, out_packets;
	uint32_t in_fragments, out_fragments; /* of those, parts of messages */
};

static inline void sa_count_in(struct sa_counters *c, size_t octets)
{
	c->in_packets++;
	c->in_bytes += octets;
}

/* Why the dataplane was asked when traffic last flowed. */
enum sa_asked { SA_ASKED_ALIVE = 1, SA_ASKED_KEEPALIVE = 2 };

struct ike_sa {
	UT_hash_handle hh; /* by spi_local */
	uint64_t spi_local, spi_remote;
	uint64_t lineage; /* spi_local of the first SA of a chain of rekeys: names its children's SA
			   */
	uint64_t successor, predecessor;
	struct gateway *gw;  /* NULL until a responder knows */
	struct list of_gw;   /* gw->sas */
	struct list link;    /* the engine's lists: of dead, of changed ones */
	struct list of_work; /* the engine's list of those that may begin an exchange */
	struct list children;

	enum sa_state state;
	bool initiator; /* we sent its first message, */
	bool began;	/* and that of the first in its chain of rekeys */
	bool natt, nat_local, nat_remote;
	bool has_children; /* children of the lineage hang here, not on a predecessor */
	bool recorded;	   /* a record exists, or is about to */
	bool changed;	   /* is in the running transaction */
	uint8_t auth_method, supports, version;
	uint32_t index, rg, interface_id;
	uint32_t up_index; /* what the next SA's index was when this one's peer was authenticated */
	struct endpoint local, remote;
	struct ident local_id, remote_id;
	struct peer_cert *peer_cert; /* NULL: authenticated without */

	struct ike_suite suite;
	struct secret *keys;
	struct half *half;

	uint32_t next_tx, next_rx;
	struct answer answer;
	struct exch *out;
	struct parked *in;
	struct follow *follow;		/* of a rekey of the peer's; NULL: none */
	struct fragments *fragments[2]; /* of a request, of an answer */

	bool want_rekey, want_close, want_probe;
	bool want_reauth;      /* the next rekey is one: the operator's wish */
	bool want_verify;      /* is the peer where it says to be? mobike.h */
	bool want_update;      /* tell it where we are */
	bool want_redirect;    /* send it elsewhere: redirect.h */
	uint8_t asked;	       /* enum sa_asked: what ACTIVITY is awaited for */
	uint16_t rekey_group;  /* that the peer asked for; 0: as now */
	uint32_t bad_spi;      /* the next probe tells the peer of it, 0 = none */
	uint32_t bad_spi_told; /* how often that was done */
	uint32_t orphan;       /* inbound SPI of a child that only the peer has: to be deleted */
	uint64_t heir;	       /* the SA that is being set up to take its place: reauth.h */
	uint64_t rival;	       /* the peer's, that crossed our IKE_AUTH */
	uint64_t redundant_ms; /* how long it waits for its successor to serve */
	uint64_t hinted_ms;    /* somebody said in clear that the peer has lost it: hint.h */
	uint32_t rekeys, reauths, children_created, children_deleted;
	uint64_t established_wall_ms;
	struct pace pace;
	uint64_t last_rx_ms; /* anything authenticated */
	uint64_t last_tx_ms; /* 0: not by this node */
	struct sa_counters count;

	struct timer timer; /* due at the earliest of these; 0 = none */
	uint64_t at_retransmit, at_soft, at_hard, at_dpd, at_keepalive, at_linger, at_work,
		at_fragments;
};

/* Tens of thousands are held (docs/bench-ike.md): who makes it larger says so here. */
_Static_assert(sizeof(struct ike_sa) <= 728, "an IKE SA is small");

/* NULL when out of memory. spi_local is drawn when 0 is given. */
struct ike_sa *sa_new(struct ike *ike, uint32_t rg, bool initiator, uint64_t spi_local);
struct ike_sa *sa_find(struct ike *ike, uint64_t spi_local);
/* Out of all tables, children forgotten; freed when the step is over. Emits nothing. */
void sa_drop(struct ike *ike, struct ike_sa *sa);
void sa_free(struct ike_sa *sa);
/* Forgets what has come of a message that is not complete. */
void sa_fragments_drop(struct ike *ike, struct ike_sa *sa, bool answer);
void sa_attach(struct ike *ike, struct ike_sa *sa, struct gateway *gw);
void sa_half_free(struct ike *ike, struct ike_sa *sa);
/* Arms its timer for the earliest deadline. */
void sa_rearm(struct ike *ike, struct ike_sa *sa);

static inline uint64_t sa_spi_i(const struct ike_sa *sa)
{
	return sa->initiator ? sa->spi_local : sa->spi_remote;
}

static inline uint64_t sa_spi_r(const struct ike_sa *sa)
{
	return sa->initiator ? sa->spi_remote : sa->spi_local;
}

/* Authenticated, and messages may still be exchanged. */
static inline bool sa_is_open(const struct ike_sa *sa)
{
	return sa->state == SA_UP || sa->state == SA_REKEYED || sa->state == SA_CLOSING;
}

struct view sa_key(const struct ike_sa *sa, enum sk_key which);
