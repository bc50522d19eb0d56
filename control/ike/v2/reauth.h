#pragma once
/*
 * Reauthentication (RFC 7296 2.8.3), make before break: a new IKE SA by a full exchange, with
 * children of its own for every tunnel that is up on the old one; then the old one is deleted, and
 * its children with it (REA-001).
 *
 * Every n-th IKE rekey is one (REA-002); rekeys that either end began count (ike_sa.rekeys). Either
 * end may begin, whoever was the initiator. The new SA names the old one as its predecessor, but
 * begins a lineage of its own: that tells it from a rekey, also in records. Nothing of the old one
 * is touched before the new one is authenticated; when that fails it is tried again until the old
 * one's life is over.
 *
 * Two that cross: each end has begun one. The IKE SA with the lower initiator's SPI is redundant;
 * who began it closes it when everything on it is served by the other one. The same settles two
 * ends that set up their first SA at the same time. docs/adr/0030.
 */
#include <stdbool.h>

struct ike;
struct ike_sa;
struct child;
struct tunnel;

/* The next rekey of that SA is to authenticate anew. */
bool reauth_is_next(const struct ike_sa *sa);
/* Begins one for the sake of `old`, if none is under way. */
int reauth_begin(struct ike *ike, struct ike_sa *old);
/* One is under way: the old SA is not rekeyed meanwhile, nor its children (REA-001). */
bool reauth_is_under_way(struct ike *ike, const struct ike_sa *old);
/* `sa`, that we begin, is a reauthentication: its failure is not that of the gateway. */
bool reauth_is_one(const struct ike_sa *sa);
/* The peer has set one up with us since we began `sa`. */
bool reauth_is_superfluous(struct ike *ike, const struct ike_sa *sa);
/* Its peer is the one that the old SA is with. */
bool reauth_same_peer(struct ike *ike, const struct ike_sa *sa);

/* Turns of the new SA: it is authenticated, at either end; a child of ours was made, or refused. */
void reauth_established(struct ike *ike, struct ike_sa *sa);
void reauth_child_made(struct ike *ike, struct ike_sa *sa, const struct child *made);
void reauth_child_refused(struct ike *ike, struct ike_sa *sa, const struct tunnel *t);
/* The tunnel that it takes over next; NULL: none. */
struct tunnel *reauth_tunnel(struct ike *ike, const struct ike_sa *sa);
/* Nothing is left to take over: the old SA goes, or this one if it is redundant. */
void reauth_done(struct ike *ike, struct ike_sa *sa);
/* After a takeover. */
void reauth_resumed(struct ike *ike, struct ike_sa *sa);
