#pragma once
/*
 * Which gateway a peer is, seen from its IKE_AUTH request (ID-004): the choice among those that its
 * addresses allow. Thread: the engine's.
 */
#include "ike/rx.h"

struct ike;

/*
 * Finds the gateway and attaches the SA to it; both identities are set then. -ERR_AUTH: nobody we
 * know, or not with that key. Takes as long either way.
 */
int which_gateway(struct ike *ike, struct ike_sa *sa, const struct rx *rx) MUST_CHECK;
