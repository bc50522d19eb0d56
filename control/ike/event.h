#pragma once
/*
 * All that can happen to the IKE engine. An event is lent for the call of ike_step(): the engine
 * copies what it keeps, except where a field says that ownership passes to it.
 *
 * Time: now_ms is milliseconds of CLOCK_BOOTTIME and never goes back; wall_ms is Unix time, used
 * for what people read and to carry lifetimes from node to node. Addresses and ports are in the
 * forms of base/addr.h; SPIs are host-order numbers.
 */
#include "base/addr.h"
#include "config/model.h"

struct ike_kex_job;
struct ike_sign_job;
struct ike_trust_job;
struct cert_ref;

enum ike_event_type {
	IKE_EV_TICK,	       /* now_ms >= ike_deadline(), or any time */
	IKE_EV_DATAGRAM,       /* an IKE message arrived */
	IKE_EV_KEX_DONE,       /* a KEX effect was executed */
	IKE_EV_COMMITTED,      /* a REPLICATE effect is committed */
	IKE_EV_REJECTED,       /* ... is not, or not known to be */
	IKE_EV_INSTALLED,      /* the dataplane answered an INSTALL */
	IKE_EV_ACQUIRE,	       /* a packet needs a tunnel that is not there */
	IKE_EV_CHILD_LIFETIME, /* a volume or sequence number limit of a child was reached */
	IKE_EV_INBOUND_FIRST,  /* first authenticated packet on a child */
	IKE_EV_BAD_SPI,	       /* ESP or AH came for an SA that is not there */
	IKE_EV_ENDPOINT_MOVED, /* newest authenticated ESP packet came from elsewhere (NAT) */
	IKE_EV_ACTIVITY,       /* answer to ASK_ACTIVITY */
	IKE_EV_ADDRESS,	       /* an address of ours was replaced: IKE SAs with MOBIKE go along */
	IKE_EV_CONFIG,	       /* a new configuration */
	IKE_EV_RG,	       /* this node starts or stops acting for a redundancy group */
	IKE_EV_RESTORE,	       /* one record of a group that was just taken over */
	IKE_EV_FORGET,	       /* that record does not exist any more */
	IKE_EV_RESTORE_DONE,   /* that was all of them */
	IKE_EV_OPERATOR,       /* clear, initiate, rekey */
	IKE_EV_SIGNED,	       /* a SIGN effect was executed */
	IKE_EV_TRUSTED,	       /* a TRUST effect was */
	IKE_EV_WORKERS,	       /* the dataplane's workers, as it told last */
	IKE_EV_REVOKED,	       /* certificates are revoked since they were last looked at */
	IKE_EV_RESOLVED	       /* what the host name of a peer means now */
};

struct ike_ev_datagram {
	uint32_t interface_id; /* where it arrived; an answer goes out there */
	struct endpoint local, remote;
	bool natt;	    /* came on port 4500 behind a non-ESP marker, which is not in octets */
	struct view octets; /* from the IKE header on */
};

/* The packet that asked; family 0 when nobody said. */
struct ike_ev_acquire {
	uint32_t policy_id;
	uint8_t worker_hint; /* n: worker n - 1 has no SA of its own; 0: there is none at all */
	uint8_t protocol;
	struct endpoint source, destination;
};

enum ike_child_limit { IKE_LIMIT_SOFT, IKE_LIMIT_HARD, IKE_LIMIT_SEQUENCE };

struct ike_ev_child_limit {
	uint32_t spi_in;
	enum ike_child_limit kind;
};

struct ike_ev_moved {
	uint32_t spi_in;
	struct endpoint from;
};

struct ike_ev_address {
	struct addr from, to;
	uint32_t interface_id;
};

/* Unauthenticated: anybody may have sent it. */
struct ike_ev_bad_spi {
	uint32_t spi;
	struct addr from, to;
};

#define IKE_IDLE_NEVER UINT64_MAX

/* The least over the children that were asked for; IKE_IDLE_NEVER: no packet yet. */
struct ike_ev_activity {
	uint64_t sa; /* as in the question */
	uint32_t child;
	uint64_t idle_in_ms, idle_out_ms;
};

/*
 * Becoming active: RG(active), then RESTORE for every record the log holds, then RESTORE_DONE;
 * until then datagrams for the group are dropped. `continued`: was active already, only the epoch
 * is new: no restore follows. Standby: everything of the group is forgotten silently (the log has
 * it). A node without cluster activates every group of its configuration, group 0 included, at
 * start.
 */
struct ike_ev_rg {
	uint32_t rg;
	bool active, continued;
	uint64_t epoch; /* goes into the first lease of new children */
};

struct ike_ev_record {
	uint32_t rg;
	struct view key, body; /* body: RESTORE only */
};

enum ike_operation {
	IKE_OP_CLEAR_IKE,   /* delete the IKE SAs and their children, telling the peers */
	IKE_OP_CLEAR_CHILD, /* delete children */
	IKE_OP_INITIATE,    /* as if traffic asked for the tunnels */
	IKE_OP_REKEY_IKE,
	IKE_OP_REAUTH_IKE, /* a rekey that authenticates anew */
	IKE_OP_REKEY_CHILD,
	IKE_OP_REDIRECT,      /* peers of a gateway go elsewhere from now on: redirect.h */
	IKE_OP_REDIRECT_CLEAR /* ... and no longer */
};

/* Every field that is set must match. */
struct ike_filter {
	uint32_t index;			      /* of the IKE SA, or of the tunnel; 0 = any */
	struct addr peer;		      /* family 0 = any */
	uint16_t port;			      /* remote, 0 = any */
	uint8_t family;			      /* 4, 6, 0 = any */
	const char *gateway, *vpn, *selector; /* NULL or "" = any */
};

struct ike_ev_operator {
	enum ike_operation op;
	struct ike_filter filter;
	const char *redirect_to; /* address or name; NULL: as said before */
	bool active;		 /* established ones, too */
	uint64_t request;	 /* comes back in OPERATOR_DONE */
};

struct ike_event {
	enum ike_event_type type;
	uint64_t now_ms, wall_ms;

	union {
		struct ike_ev_datagram datagram;
		struct ike_kex_job *kex; /* KEX_DONE: owned by the engine from here on */
		uint64_t committed;	 /* ticket */

		struct {
			uint64_t ticket;
			bool retry; /* nothing is lost: propose the same again a little later */
		} rejected;

		struct {
			uint64_t ticket;
			int rc; /* 0 or negative enum err */
		} installed;
		struct ike_ev_acquire acquire;
		struct ike_ev_child_limit limit;
		uint32_t inbound_first; /* spi_in */
		uint32_t workers;	/* bit n: worker n is online */
		struct ike_ev_moved moved;
		struct ike_ev_bad_spi bad_spi;
		struct ike_ev_activity activity;
		struct ike_ev_address address;
		struct model *model; /* CONFIG: the engine takes a reference of its own */
		struct ike_ev_rg rg; /* RG; RESTORE_DONE uses .rg only */
		struct ike_ev_record record;
		struct ike_ev_operator operator_;
		struct ike_sign_job *sign;   /* SIGNED: owned by the engine from here on */
		struct ike_trust_job *trust; /* TRUSTED: likewise */

		struct {
			const struct cert_ref *refs; /* in the order of cert_ref_compare() */
			size_t n;
		} revoked;

		struct {
			const char *host; /* as configured */
			const struct addr *v;
			size_t n; /* 1 or more: a failure is not told */
		} resolved;
	};
};
