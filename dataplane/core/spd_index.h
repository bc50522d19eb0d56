#pragma once
/*
 * Which of very many traffic selectors takes a packet: the first that matches, as linear search
 * (spd.h) would find it, in about constant time (PKT, RFC 4301 4.4.1).
 *
 * Tuple space: every pair of a local and a remote selector has a shape (how long are the shortest
 * prefixes that cover its addresses; does it want one protocol, one source port, one destination
 * port), and there is a hash table for each shape in use: a real policy has a handful. What hashing
 * found is verified exactly, so ranges of any kind may be used. Shapes are tried in the order of
 * their best policy, and not when something better was found already.
 *
 * Life: spd_index_new(), read-only until spd_index_free(); the selectors are lent for as long.
 * Thread: one builds, then any number reads.
 */
#include "core/spd.h"

#define SPD_NONE UINT32_MAX

enum { SPD_BURST = 64 };

struct spd_index;

/* v[i] in order of preference. NULL: no memory. */
struct spd_index *spd_index_new(const struct selectors *const *v, uint32_t n);
void spd_index_free(struct spd_index *x);
/* Outbound (source is local), for at most SPD_BURST packets: the i of v[i], or SPD_NONE. */
void spd_index_out(const struct spd_index *x, const struct flow *f, uint32_t n, uint32_t *out);
/* How many shapes there are: what a lookup costs at most. */
uint32_t spd_index_shapes(const struct spd_index *x);
