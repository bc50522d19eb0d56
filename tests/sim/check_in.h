#pragma once
/*
 * What the files of the observer share.
 */
#include "base/map.h"
#include "check.h"
#include "table.h"

enum { FACT_KEY = 9, EPOCHS = 512, AUDIBLE_MS = 420 };

/* One record of the engine's that was committed, or its tombstone. */
struct fact {
	UT_hash_handle hh;
	uint8_t key[FACT_KEY];
	uint8_t key_n;
	bool dead;
	uint64_t index, since_ns; /* since when it is known */
	struct blob body;
};

/* Which start from nothing an epoch goes back to. */
struct root {
	struct ha_epoch epoch, root;
};

struct rg_info {
	bool tainted;
	uint64_t taints;
	uint64_t single_ns; /* since when at most one acts */
	uint32_t lone;	    /* of two: 1 + who committed alone and was not to be heard since */
	struct ha_epoch root;
	struct root roots[EPOCHS];
	size_t n_roots;
	struct fact *facts;
};

struct sa_info;

struct check_state {
	struct rg_info rg[RGS];
	struct ha_epoch last[NODES][RGS];
	uint64_t dp_started[NODES], stopped_ns[NODES];
	uint64_t acts_ns[NODES][RGS];	       /* since when its dataplane acts */
	uint64_t open_ns[PATHS][NODES][NODES]; /* since when, 0 = cut */
	uint64_t last_iv[NODES];
	uint32_t strays[NODES][SAS]; /* SPIs without a record, a while before the end */
	struct table messages, ivs, sas, mids, said, ends;
	struct sa_info *esp; /* by SPI */
};

static inline struct rg_info *info(const struct world *w, uint32_t rg)
{
	return &w->check->s->rg[rg];
}

static inline struct ha_rg *core_of(const struct world *w, uint32_t n, uint32_t rg)
{
	const struct node *nd = w->node[n];

	return nd->ha ? &nd->ha->rg[rg] : NULL;
}

/* tandemd says nothing but through its dataplane. */
bool check_acts(const struct world *w, uint32_t n, uint32_t rg);

/* n committed something. */
void check_alone(struct world *w, uint32_t n, uint32_t rg);

/* ---- check_log.c */
/* What the store of an owner says is from now on what is committed. */
void log_is_of(struct world *w, uint32_t n, uint32_t rg);
void log_is_empty(struct world *w, uint32_t rg);
/* A new owner must have all that was committed. */
void log_is_kept(struct world *w, uint32_t n, uint32_t rg);
/* NULL: never heard of. */
const struct fact *fact_find(const struct world *w, uint32_t rg, struct view key);

/* ---- check_esp.c */
void esp_is_tainted(struct world *w, uint32_t rg);
/* Inbound: what the new owner knows of the old one's window. */
void esp_new_reign(struct world *w, uint32_t n, uint32_t rg);
/* The SPI of that key was drawn once more: another SA, with other keys. */
void esp_is_another(struct world *w, struct view key);
void esp_fini(struct check_state *s);
