#pragma once
/*
 * What a standby can show: the SAs of groups that another node owns, read from the replicated
 * records. Same rows as the engine's own; counters are the owner's business and are zero.
 * Thread: the loop.
 */
#include "ike/show.h"

struct daemon;

/* Tunnels are numbered in configuration order, on every node alike; 0: there is no such. */
uint32_t show_tunnel_index(const struct model *m, uint32_t policy_id);
/* Both call `each` for every record that matches, in log order. Rows are lent for the call. */
void show_record_sas(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_sa_row *row), void *ctx);
void show_record_children(struct daemon *d, const struct ike_filter *f,
	void (*each)(void *ctx, const struct ike_child_row *row), void *ctx);
