#pragma once
/*
 * What the node looks like to a packet: interfaces, own addresses, routes, policies.
 *
 * Life: a struct net is built from one Configure, published, never changed, and freed a grace
 * period after its successor took over. A RouteSet makes a successor that takes the interfaces and
 * policies over and has routes of its own. What must outlive a Configure (which SAs a policy has)
 * is in struct policy_sas, which the API thread owns.
 * Threads: the API thread builds; workers read under QSBR.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/lpm.h"
#include "core/lpm6.h"
#include "core/spd_index.h"
#include "base/bounds.h"
#include "slot_index.h"

struct sa;
struct spd_live;

enum {
	IFACE_MAX = LIMIT_UNITS,
	IFACE_NONE = 0xffff,
	PORT_MAX = LIMIT_PORTS,
	PORT_NONE = 0xffff,
	IFACE_ADDRS = LIMIT_UNIT_ADDRESSES
};

enum { INSTANCE_MAX = LIMIT_INSTANCES, SPD_NOBODY = 0xffff };

_Static_assert((int)IFACE_MAX < (int)IFACE_NONE, "slots are 16 bits, with one for none");
_Static_assert(
	(int)LIMIT_UNIT_VPNS < (int)SPD_NOBODY, "and so are indices of a unit's VPNs, 0 for all");

enum iface_kind { IFACE_PHYSICAL, IFACE_RETH, IFACE_FABRIC, IFACE_TUNNEL };

/* A prefix of either family: len counts bits of the 128. */
struct iface_addr {
	struct ipaddr addr;
	uint8_t len;
};

static inline struct iface_addr prefix_v4(uint32_t addr, uint8_t len)
{
	return (struct iface_addr){ipaddr_v4(addr), (uint8_t)(IPADDR_V4_BITS + len)};
}

/* The SAs that may send for one policy, the preferred first. */
struct sa_set {
	uint32_t n;
	uint32_t bound; /* how many of them are bound to a worker (RFC 9611) */
	struct sa *v[];
};

struct policy_sas {
	uint32_t id;
	_Atomic(struct sa_set *) set;
	_Atomic(struct spd_live *) parts; /* of the peers of a dynamic gateway: parts.h */
	_Atomic uint64_t asked_ns;	  /* last ACQUIRE */

	/* The API thread's own: */
	bool configured;
	uint16_t slot;	       /* of its tunnel */
	uint32_t n_parts;      /* policies that are a part of this one */
	struct policy_sas *of; /* of a part: of which policy, */
	uint32_t peer;	       /* of which peer, */
	struct list items;     /* and its SAs in of->parts */
};

struct policy {
	uint32_t id;
	uint32_t tunnel; /* number of its VPN, 0 = none */
	uint8_t rg;
	char name[64];
	struct selectors ts;
	struct selector *selectors; /* owned */
	struct policy_sas *sas;	    /* borrowed, lives longer */
};

/* What a packet needs of its policy, close together. */
struct policy_hot {
	struct policy_sas *sas;
	uint32_t id;
	uint8_t rg;
};

/* Policies that are searched together: all of a tunnel interface, or those of one VPN on it. */
struct spd {
	uint32_t tunnel;
	struct spd_index *index;
	struct policy_hot *hot;
};

struct iface {
	uint32_t id;
	char name[32];
	enum iface_kind kind;
	uint16_t slot, port;
	uint8_t rg;
	uint8_t instance; /* routing instance: which struct fib */
	uint8_t mac[6];
	bool ike;
	bool kernel; /* the kernel has a TUN device for what it protects */
	char kernel_device[16];
	uint32_t mtu;
	uint32_t n_addrs;
	struct iface_addr addrs[IFACE_ADDRS];
	struct ipaddr link_local; /* none without an IPv6 address; in no table of routes */
	struct policy **policies; /* of a tunnel, in order of preference */
	uint32_t n_policies, cap_policies;
	struct spd
		*spds; /* net_finish(): [0] of all of them, then by tunnel if there are several */
	uint32_t n_spds;
	uint16_t voice; /* slot whose address it speaks with: its own, or when it has none another's
			 */
};

enum hop_kind { HOP_LOCAL, HOP_CONNECTED, HOP_VIA, HOP_TUNNEL };

/* Where a packet goes: the value of a route. */
struct hop {
	enum hop_kind kind;
	uint16_t iface;
	uint16_t spd;		/* HOP_TUNNEL: index into its spds, or SPD_NOBODY */
	uint32_t peer;		/* and of which peer of a dynamic gateway; 0 = any */
	struct ipaddr next_hop; /* HOP_VIA */
};

/* The routes of one instance; values are indices into net->hops. */
struct fib {
	struct lpm *v4;
	struct lpm6 *v6;
};

struct net {
	uint32_t node_id, cluster_id, bucket_bits;
	uint8_t iv_node;
	uint16_t fabric;	      /* interface slot or IFACE_NONE */
	struct fib fib[INSTANCE_MAX]; /* empty where no interface is */
	bool lent;		      /* a successor has the interfaces */
	struct hop *hops;
	uint32_t n_hops, cap_hops;
	uint64_t udp_ports[(UINT16_MAX + 1) /
			   64];		/* a bit each: where ESP in UDP is heard, beside 4500 */
	uint32_t tunnel_hop[IFACE_MAX]; /* by slot: the hop into all of a tunnel */
	uint16_t port_iface[PORT_MAX];
	struct iface *ifaces[IFACE_MAX]; /* by slot */
	uint32_t n_slots;		 /* those in use are below */
	struct slot_index by_id;	 /* slots by the numbers of interfaces */
};

static inline bool net_has_udp_port(const struct net *n, uint16_t port)
{
	return n->udp_ports[port / 64] >> port % 64 & 1;
}

struct net *net_new(void);
void net_free(struct net *n);
/* Takes the interface over; its connected prefixes and own addresses become routes. */
int net_add_iface(struct net *n, struct iface *i) MUST_CHECK;
int net_add_route(
	struct net *n, struct fib *f, struct iface_addr to, const struct hop *hop) MUST_CHECK;
/* Takes the policy over. */
int net_add_policy(struct net *n, uint16_t slot, struct policy *p) MUST_CHECK;
void policy_free(struct policy *p);
/* After the last policy, before the first route. */
int net_finish(struct net *n) MUST_CHECK;
/* The same with connected routes only. It has the interfaces when old->lent is set: do so, and
 * publish, when it is complete; net_free() of either leaves them to the other until then. */
struct net *net_again(const struct net *old);
/* Of a tunnel interface: the index for a VPN's number, 0 = all; SPD_NOBODY when it has none. */
uint16_t iface_spd(const struct iface *i, uint32_t tunnel);

static inline const struct fib *net_fib(const struct net *n, uint8_t instance)
{
	return &n->fib[instance];
}

static inline const struct hop *net_route4(const struct net *n, const struct fib *f, uint32_t dst)
{
	uint32_t i = lpm_get(f->v4, dst);

	return i == LPM_NONE ? NULL : &n->hops[i];
}

/* Of either family. */
static inline const struct hop *net_route(
	const struct net *n, const struct fib *f, struct ipaddr dst)
{
	uint32_t i;

	if (ipaddr_is_v4(dst))
		return net_route4(n, f, ipaddr_to_v4(dst));
	i = lpm6_get(f->v6, dst);
	return i == LPM_NONE ? NULL : &n->hops[i];
}

/* Whom the packet with this destination is handed to. */
static inline struct ipaddr hop_address(const struct hop *hop, struct ipaddr dst)
{
	return hop->kind == HOP_VIA ? hop->next_hop : dst;
}

static inline const struct iface *net_iface(const struct net *n, uint32_t slot)
{
	return slot < IFACE_MAX ? n->ifaces[slot] : NULL;
}

const struct iface *net_iface_by_id(const struct net *n, uint32_t id);
/* The address of the interface that fits `peer` best, or the first of its family; or none. */
struct ipaddr iface_source(const struct iface *i, struct ipaddr peer);
bool iface_owns(const struct iface *i, struct ipaddr addr);
/* Does the address belong to a prefix of the interface? */
bool iface_reaches(const struct iface *i, struct ipaddr addr);
/* To answer `peer` from: of `from` (NULL: nowhere) if it has one of the family, else of any. */
struct ipaddr net_source(const struct net *n, const struct iface *from, struct ipaddr peer);
