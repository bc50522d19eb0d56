#pragma once
/*
 * A peer outside: a real IKE engine that stands alone, never fails and never forgets; its log
 * commits at once and its dataplane installs at once. It notices whatever a peer would notice.
 *
 * It begins anew when the observer finds that its SAs may rightly be lost (peer_restart()), and
 * when its first IKE SA does not come up: what is not established need not survive.
 *
 * Life: peer_new() .. peer_free().
 */
#include "ike/step.h"
#include "kex.h"
#include "node.h"
#include "world.h"

enum { SAD = 160, PEER_TICKETS = 32 };

struct sad { /* one child SA, as its dataplane has it */
	uint32_t spi_in, spi_out;
	bool used, outbound;
	uint64_t order, seq;
};

struct peer {
	uint32_t p, rg;
	struct world *world;
	struct ike *ike;
	struct ike_effects fx;
	struct log_sink log;
	uint64_t tick_at, born_ns, life;
	uint16_t incarnation;
	struct kexes kexes;
	uint64_t committed[PEER_TICKETS], installed[PEER_TICKETS];
	size_t n_committed, n_installed;
	struct sad sad[SAD];
	bool up;	     /* was: everything is established */
	uint64_t excused_ns; /* not 0: somebody cleared its tunnels; till then, and till up again */
	uint64_t begun, dead; /* IKE SAs, and owners that seemed dead, when it came up */

	uint32_t place;	     /* where it is */
	bool leaving;	     /* a spoke on its way out, or out */
	uint64_t lonely_ns;  /* since when it has no IKE SA; 0: it has one */
	uint64_t cut_off_ns; /* till then it hears nothing, and is not heard */
	uint64_t spoke_life; /* the life that the hub's numbers are of */
	uint32_t spoke, spoke_policy;
};

struct peer *peer_new(struct world *w, uint32_t p);
void peer_free(struct peer *peer);
void peer_event(struct world *w, uint32_t p, struct ike_event *ev);
/* It ends without a word, until peer_restart(). */
void peer_leave(struct world *w, uint32_t p);
/* Its SAs are gone for good reason: it knows nothing any more. */
void peer_restart(struct world *w, uint32_t p, bool begins);
uint64_t peer_clock_ms(const struct world *w);
/* A packet of the cluster's, sent with that SPI. */
void peer_heard(struct world *w, uint32_t p, uint32_t spi_in);
/* The child it sends with: NULL when none. */
struct sad *peer_sends_with(struct world *w, uint32_t p);

/* ---- nudge.c: at the owner's end; nobody may own at the moment */
void nudge_cluster(struct world *w, uint32_t rg, struct ike_event *ev);

/* ---- esp.c: its packets */
void esp_begin(struct world *w, uint32_t p);
