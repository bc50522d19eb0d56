#pragma once
/*
 * A redundancy group comes to this node, or leaves it: records into SAs and back to nothing.
 *
 * RG(active) .. RESTORE of every record .. RESTORE_DONE. Children may come before their IKE SA, so
 * they wait for the end. Then what was outstanding is sent again byte-identically, and lifetimes go
 * on with what was left of them.
 */
#include "ike/event.h"

struct ike;

void restore_rg(struct ike *ike, const struct ike_ev_rg *ev);
void restore_record(struct ike *ike, const struct ike_ev_record *ev);
void restore_forget(struct ike *ike, const struct ike_ev_record *ev);
void restore_done(struct ike *ike, uint32_t rg);
void restore_fini(struct ike *ike);
