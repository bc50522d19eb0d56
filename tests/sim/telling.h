#pragma once
/*
 * Which roles a dataplane is told, and when: not every one is its business (control/host/ha_bridge
 * decides the same way).
 *
 * Life: zeroed with tandemd.
 */
#include "ha/step.h"
#include "world.h"

struct telling {
	bool told, active; /* this dataplane knows some role; it was the active one */
	bool was_active;   /* since this tandemd started */
	bool giving;	   /* frozen for a handover: its role changes with FORWARD */
	bool adopting;	   /* it forwards on for a tandemd that died */
};

void telling_role(struct world *w, uint32_t n, const struct ha_do_role *r);
/* FREEZE, or that it is over. */
void telling_handover(struct world *w, uint32_t n, uint32_t rg, bool begins);
/* tandemd came to a dataplane that was at work before; a dataplane came and was filled. */
void telling_adopts(struct world *w, uint32_t n);
void telling_refilled(struct world *w, uint32_t n);
