#pragma once
/*
 * What else happens in a world, by its seed: from THEMES_FROM on each has one theme beside the
 * faults that all have. Spokes of a hub come and go; peers move (MOBIKE); peers hear nothing for a
 * while and go on from a ticket; an operator clears IKE SAs; a certificate is revoked, and the
 * nodes hear of it one after the other. From LEAVES_FROM on nodes also leave as planned, whatever
 * the theme is, or if there is none.
 *
 * Life: of the world; theme_begin() once.
 */
#include "base/addr.h"
#include "world.h"

struct peer;

enum theme theme_of(uint64_t seed);
bool theme_leaves(uint64_t seed);
void theme_begin(struct world *w);

/* ---- addresses */
/* The k-th place of a peer; the first is its usual one. */
struct addr address_of_place(uint32_t p, uint32_t k);
/* Datagrams to and from it are lost at the moment. */
bool theme_is_cut_off(const struct world *w, uint32_t p);

/* ---- certificates */
/* tandemd of a node is there again, and reads the lists that it has kept; it took a group over. */
void theme_started(struct world *w, uint32_t n);
void theme_restored(struct world *w, uint32_t n);

/* ---- what the observer asks */
/* Its IKE SA may rightly be lost at the moment, or for good. */
bool theme_excuses(const struct world *w, const struct peer *a);
/* Every now and then; and when everything is calm. */
void theme_check(struct world *w);
void theme_check_end(struct world *w, uint32_t rg, uint32_t owner);
