#pragma once
/*
 * What each peer of a dynamic gateway has of one configured policy (AVP-001): run-time policies,
 * told apart by what their SAs protect, or by the peer that a route leads to.
 *
 * A part is a struct policy_sas with an id of its own, named by ChildInstall beside the policy's.
 * Each of its SAs is an item of the policy's index, the newest first where two protect the same.
 * Finding and changing take about constant time, however many peers there are.
 *
 * Life: a part comes with its first SA and goes with its last; the index stays with its policy.
 * Threads: the API thread changes; workers read under QSBR.
 */
#include "core/spd_live.h"
#include "net.h"

struct dp;
struct sa;
struct sa_cold;

/* For a worker; peer 0: any. NULL: none takes the packet. */
static inline struct policy_sas *parts_find(
	const struct spd_live *parts, uint32_t peer, const struct flow *f)
{
	return peer ? spd_live_find_in(parts, peer, f) : spd_live_find(parts, f);
}

/* For the API thread (parts_ctl.c). `p` is the policy of an SA that has that cold part: a part, or
 * a whole one. */
void parts_join(struct dp *dp, struct policy_sas *p, const struct sa_cold *cold);
/* It is in the set of p, what it protects may have changed; or it is on its way out of it. */
void parts_sa_in(struct dp *dp, struct policy_sas *p, const struct sa *sa);
void parts_sa_out(struct policy_sas *p, const struct sa *sa);
/* The set of p has changed. A part without SAs is forgotten: the next one may be of another peer.
 */
void parts_prune(struct dp *dp, struct policy_sas *p);
