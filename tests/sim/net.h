#pragma once
/*
 * The network between the cluster's outside ports and the peers: loses, delays, reorders and
 * repeats IKE datagrams both ways. Every port of the cluster hears what is sent to a group's
 * address; a dataplane takes it only where it acts.
 */
#include "ike/effect.h"
#include "world.h"

void net_from_node(struct world *w, uint32_t n, const struct ike_fx_send *s);
void net_from_peer(struct world *w, uint32_t p, const struct ike_fx_send *s);
