#pragma once
/*
 * What each peer of a dynamic gateway has of one configured policy (AVP-001): run-time policies,
 * told apart by what their SAs protect, or by the peer that a route leads to.
 *
 * A part is a struct policy_sas with an id of its own, named by ChildInstall beside the policy's.
 * The newest SA goes first where two protect the same. Finding takes about constant time, however
 * many peers there are, and O(log n) where the route names the peer.
 *
 * Life: a part comes with its first SA and goes with its last; struct parts is built anew when
 * either changed, published, and freed a grace period after its successor. Threads: the API thread
 * builds; workers read under QSBR.
 */
#include "net.h"

struct dp;
struct sa_cold;

struct parts;

/* For a worker; peer 0: any. NULL: none takes the packet. */
struct policy_sas *parts_find(const struct parts *p, uint32_t peer, const struct flow *f);

/* What there is now; *out NULL: there are no parts. */
int parts_build(struct policy_sas *whole, struct parts **out) MUST_CHECK;

/* For the API thread (parts_ctl.c). `p` is the policy of an SA that has that cold part: a part, or
 * a whole one. */
void parts_join(struct dp *dp, struct policy_sas *p, const struct sa_cold *cold);
/* The SAs of p have changed. */
void parts_changed(struct dp *dp, struct policy_sas *p);
/* Publishes what changed: before anybody is told that it is there. False: nobody may be told yet,
 * the last time is too short ago for what it took (50 ms at most; dp->parts_due_ns). */
bool parts_settle(struct dp *dp);
void parts_free(struct parts *p);
