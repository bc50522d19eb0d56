#pragma once
/*
 * Routes of every instance: candidates in, the best of each prefix out.
 *
 * Life: zeroed, rib_add() for each candidate, rib_settle() once, then read-only until rib_fini(). A
 * change makes a new one: what both have keeps its age, so that a rekey or a failover, which leave
 * the set of routes as it is, leave its age as it is (RRI-006).
 * Thread: none of its own. Preferences are Junos': lower wins.
 */
#include "base/addr.h"
#include "base/cleanup.h"

enum rib_source {
	RIB_DIRECT,  /* a unit's prefix */
	RIB_LOCAL,   /* its address */
	RIB_STATIC,  /* configured */
	RIB_AUTO,    /* a negotiated traffic selector (ARI) */
	RIB_REVERSE, /* what a dynamic peer protects (RRI) */
	RIB_KERNEL,  /* learned by a routing daemon */
	RIB_BINDING, /* a next hop behind a multipoint unit; not shown */
	RIB_GUARD    /* a selector whose tunnel is down: never in clear; not shown */
};

enum {
	RIB_PREFER_DIRECT = 0,
	RIB_PREFER_REVERSE = 1, /* RRI-002 */
	RIB_PREFER_AUTO = 5,
	RIB_PREFER_KERNEL = 170
};

#define RIB_PREFER_LAST UINT32_MAX
/* No VPN: a next hop on a multipoint unit that nothing is bound to. */
#define RIB_TUNNEL_NONE UINT32_MAX

struct rib_route {
	uint32_t instance;
	struct prefix to; /* rib_add() clears the host bits */
	enum rib_source source;
	uint32_t preference, metric;
	struct addr via;   /* family 0: the unit alone decides */
	uint32_t unit;	   /* id of the interface unit it leaves by */
	const char *name;  /* of that unit; lent, for the one who prints */
	uint32_t tunnel;   /* which VPN of a multipoint unit, 0 = its policies decide */
	uint32_t peer;	   /* and which peer of its dynamic gateway, 0 = its policies decide */
	uint32_t order;	   /* of candidates that are equal otherwise, the lower one wins */
	bool active;	   /* rib_settle() */
	uint64_t since_ms; /* rib_settle() */
};

struct rib {
	struct rib_route *v; /* by instance, family, prefix; the active one first */
	size_t n, cap;
	bool failed; /* memory ran out: what is there is not all */
};

void rib_add(struct rib *r, const struct rib_route *route);
/* Sorts, drops what is said twice, chooses. Ages come from `before` (may be NULL), or are now. */
void rib_settle(struct rib *r, const struct rib *before, uint64_t now_ms);
/* Do packets go the same ways? */
bool rib_same(const struct rib *a, const struct rib *b);
/* The active route that leads to the address; NULL when there is none. Linear. */
const struct rib_route *rib_find(const struct rib *r, uint32_t instance, const struct addr *to);
void rib_fini(struct rib *r);

static inline bool rib_is_hidden(const struct rib_route *r)
{
	return r->source == RIB_BINDING || r->source == RIB_GUARD;
}

/* 0.0.0.0/0 and ::/0 are never made from what a peer negotiated (RRI-003). */
static inline bool rib_is_default(const struct prefix *p)
{
	return p->len == 0;
}

/* The longest prefix that is exactly this range; false when there is none. */
bool rib_prefix_of(const struct addr *lo, const struct addr *hi, struct prefix *out);
