#pragma once
/*
 * Which of very many traffic selectors takes a packet, as in spd_index.h, while they come and go
 * one by one: the newest that matches. What a change costs does not depend on how many there are.
 *
 * Life: spd_live_new() .. spd_live_free(). Threads: one changes it, any number reads under QSBR;
 * what they may still look at is freed by retire(). An item is the index's; its selectors are a
 * copy.
 */
#include "base/list.h"
#include "core/hash_trie.h"
#include "core/spd.h"

struct spd_live;

struct spd_live_item {
	void *what;	  /* for the finder */
	uint32_t group;	  /* spd_live_find_in() */
	uint32_t tag;	  /* of the one who added it, */
	struct list link; /* and in a list of his */
	uint64_t order;
	struct selectors ts;
	/* below: of the index */
	struct trie_leaf of_group;
	uint32_t n_pairs; /* of a local and a remote selector each */
	struct spd_live_pair *pairs;
};

/* What is to be found, and how. */
struct spd_live_spec {
	void *what;
	uint32_t group, tag;
	uint64_t order; /* the highest wins */
	const struct selectors *ts;
};

/* NULL: no memory. */
struct spd_live *spd_live_new(const struct retire *retire);
/* No reader is left. Items go along. */
void spd_live_free(struct spd_live *x);

/* NULL: no memory, and nothing has changed. */
struct spd_live_item *spd_live_add(struct spd_live *x, const struct spd_live_spec *spec);
/* Out of its owner's list too. */
void spd_live_remove(struct spd_live *x, struct spd_live_item *item);
uint32_t spd_live_count(const struct spd_live *x);

/* Outbound (source is local): what takes the packet, or NULL. */
void *spd_live_find(const struct spd_live *x, const struct flow *f);
/* The same among those of one group. */
void *spd_live_find_in(const struct spd_live *x, uint32_t group, const struct flow *f);

/* How many places all changes have looked at; how many shapes a packet is looked up in. */
uint64_t spd_live_work(const struct spd_live *x);
uint32_t spd_live_shapes(const struct spd_live *x);
