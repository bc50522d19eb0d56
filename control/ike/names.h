#pragma once
/*
 * Host names of peers and the addresses behind them (`address hub.example.net`). The engine
 * resolves nothing: it says which name it is about to use (IKE_FX_RESOLVE), and is told now and
 * again (IKE_EV_RESOLVED). What it was told last counts until the next word, so that a resolver
 * that fails changes nothing; an SA that is up stays where it is, whatever its peer's name means
 * later.
 *
 * Life: a table in the engine, with the names of the configuration; on each node its own, not
 * replicated: records hold the address that an SA is with. Thread: the engine's.
 */
#include "base/map.h"
#include "config/model.h"

#define NAME_ADDRESSES_MAX 8 /* of one name */
#define PEER_ADDRESSES_MAX (MODEL_PEERS_MAX * NAME_ADDRESSES_MAX)

struct ike;

struct name {
	UT_hash_handle hh;
	bool listed;
	size_t n;
	struct addr v[NAME_ADDRESSES_MAX];
	char host[];
};

/* What a name means now, best first. Tunnels that wait for it begin. -ERR_NOMEM. */
int names_told(struct ike *ike, const char *host, const struct addr *v, size_t n) MUST_CHECK;
/* All addresses of a gateway's peers that its own can reach, in order. At most PEER_ADDRESSES_MAX.
 */
size_t names_of(const struct ike *ike, const struct model_gateway *m, struct addr *out);
/* An attempt begins: its names are looked up once more, for the next one. */
void names_ask(struct ike *ike, const struct model_gateway *m);
/* Forgets names that the configuration lost. */
void names_prune(struct ike *ike);
void names_fini(struct ike *ike);
