#pragma once
/*
 * Which gateway a peer is, seen from its IKE_AUTH request (ID-004): the choice among those that its
 * addresses allow. Thread: the engine's.
 */
#include "ike/v2/auth_sig.h"

struct gateway;
struct ike;

struct which {
	struct auth_peers peers; /* without a signature the first of them is it */
	bool by_signature;	 /* the peer is not proved yet: its signature is to be judged */
	bool decoy;		 /* ... but it cannot be anybody we know, whatever comes of that */
};

/*
 * Reads both identities of the request and finds the gateway. -ERR_AUTH: nobody we know, or not
 * with that key; said to the log. An unknown identity costs as much as a wrong key: one key is
 * tried for nothing, or gateways' policies are lent to judge the signature.
 */
int which_gateway(
	struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct which *out) MUST_CHECK;
/* It is that one of them. */
int which_settle(struct ike *ike, struct ike_sa *sa, struct gateway *gw) MUST_CHECK;
