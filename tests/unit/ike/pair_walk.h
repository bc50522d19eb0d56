#pragma once
/*
 * Every order in which what is under way can happen, one run of the world after the other.
 *
 * Two tasks at different nodes do not see each other: of the orders that differ only there, one is
 * walked (sleep sets). A run that turns out to be such a twin ends early: pair_walk() says so.
 *
 *   do { p = ...the same beginning...; if (pair_walk(&w, p)) check(p); pair_free(p); }
 *   while (pair_walk_next(&w));
 *
 * Life: struct pair_walk is zeroed before the first run; it is large.
 */
#include "pair.h"

#define WALK_WIDE 24
#define WALK_DEEP 192

struct pair_choice {
	uint32_t chosen, of[WALK_WIDE], sleep[WALK_WIDE];
	int at[WALK_WIDE]; /* of[i]'s node */
	unsigned n, n_sleep;
};

struct pair_walk {
	struct pair_choice v[WALK_DEEP];
	unsigned n;
	bool cut; /* deeper than WALK_DEEP: not all orders */
};

/* False: nothing new here. */
bool pair_walk(struct pair_walk *w, struct pair *p);
/* False: that were all. */
bool pair_walk_next(struct pair_walk *w);

/* Some order: `pick` says which of n. */
void pair_stroll(struct pair *p, unsigned (*pick)(void *ctx, unsigned n), void *ctx);
/* ... for so many steps. */
void pair_stroll_a_little(
	struct pair *p, unsigned steps, unsigned (*pick)(void *ctx, unsigned n), void *ctx);

/* A story in which that node dies at that step; false: it was over before. */
typedef bool pair_death(int node, unsigned step, enum pair_fate fate);

/* Plays it for each step there is, with either fate; how many steps. */
unsigned pair_die_anywhere(pair_death *story, int node);
