#pragma once
/*
 * The one door of the IKE engine: ike_step(event) -> effects. Below it there is no clock, socket,
 * thread or random source but struct env.
 *
 * The engine owns every IKE SA and child SA of the redundancy groups this node acts for. It holds
 * back what must not be seen early: the first transmission of a message of an established SA (and
 * of IKE_AUTH) waits for COMMITTED of the entry that holds it, an answer that creates a child also
 * for INSTALLED. Retransmissions are byte-identical, on whichever node they are made. IKE_SA_INIT
 * is not replicated: a peer whose first exchange is lost with a node starts again.
 *
 * Life: ike_new() .. ike_free(). Thread: one, the host's loop; not re-entrant. A host that gets an
 * idea while executing effects queues the event until they are all done.
 */
#include "base/env.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "ike/effect.h"
#include "ike/event.h"
#include "ike/proof.h"

struct ike;

struct ike_config {
	struct env env;
	const struct log_sink *log; /* NULL: say nothing. Lent for the engine's life */
	struct crypto *crypto;	    /* of the engine's thread; lent */
	/* Every AEAD IV is iv_node(8) | incarnation(16) | counter(40), the counter one for the
	 * whole engine (architecture rule 6): no two engines may ever share the first two. */
	uint8_t iv_node;
	uint16_t incarnation;
	/* Seals the tickets of session resumption: the same on all nodes of a cluster. */
	uint8_t ticket_key[32];
	/* The id that DATAGRAM, SEND and INSTALL use for a unit, by its name ("reth0.0"). */
	uint32_t (*interface_id)(const char *unit_name);
	/* Our certificates and the CAs that are trusted; NULL: none. Lent for the engine's life. */
	const struct ike_credentials *credentials;
	uint32_t replicate_max; /* octets of one REPLICATE, about; 0: as many as suits the core */
};

/* The config is copied. `model` may be NULL until the first CONFIG event. */
int ike_new(const struct ike_config *config, struct model *model, struct ike **out) MUST_CHECK;
void ike_free(struct ike *ike);

/*
 * Appends to fx. 0, or -ERR_NOMEM (what was asked for so far should still be executed; SAs may have
 * been lost), or -ERR_VALUE for an event that makes no sense. Octets from peers never cause an
 * error: they are dropped, counted and, where a person should know, logged.
 */
int ike_step(struct ike *ike, const struct ike_event *ev, struct ike_effects *fx) MUST_CHECK;

/* When the next TICK is wanted: ms of CLOCK_BOOTTIME, UINT64_MAX for not at all. */
uint64_t ike_deadline(const struct ike *ike);
