#pragma once
/*
 * Rules that a test may break on purpose, to show that the simulation notices (each is a named
 * mutant there). Production hands in no policy and gets all of them.
 */
#include <stdbool.h>

struct ha_policy {
	bool release_at_delivery; /* COMMITTED when the owner itself has the entry (against rule 1)
				   */
	bool stale_acks_count;	  /* whatever view, incarnation or epoch they speak of (rule 1) */
	bool no_deadline;	  /* ownership never expires (rule 4) */
	bool claim_unheard;    /* two nodes: claim when the cluster link alone is silent (rule 2) */
	bool reuse_epoch;      /* a CLAIM keeps the number (rule 3) */
	bool accept_replays;   /* counters need not grow (rule 14) */
	bool synced_unchecked; /* a joiner counts before its copy is whole (rule 15) */
	bool no_doubt;	       /* two nodes: claim although the owner went on alone (rule 2) */
	bool leave_at_once;    /* a shutdown waits for nobody to take over (rule 16) */
	bool no_fence;	       /* a headless owner is succeeded without fence or wait (rule 5) */
};
