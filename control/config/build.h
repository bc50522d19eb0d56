#pragma once
/*
 * From the tree in effect to the model. Private to this folder: one build_<section>.c for each part
 * of the configuration, called in the order below, because later parts refer to earlier ones.
 *
 * Nothing here fails for bad input: it complains and goes on, so that one run names every error;
 * config_load() drops the model when there was one. Only memory ends a build early (the arena
 * remembers).
 */
#include "config/complain.h"
#include "config/tree.h"

struct build {
	const struct tree *t;
	const struct schema *schema;
	struct arena *arena;
	struct model *m;
	struct complaints *c;
};

void build_interfaces(struct build *b); /* ports, reth, st0, fab, units, then zones */
void build_cluster(struct build *b);
void build_routing(struct build *b); /* instances, their units, static routes */
void build_pki(struct build *b);     /* CA profiles and groups: policies name them */
void build_ike(struct build *b);     /* proposals, policies, limits */
void build_gateways(struct build *b);
void build_ipsec(struct build *b);
/* `certificate` of an IKE policy, whose proposals are there. */
void build_certificate(struct build *b, const struct node *policy, struct model_ike_policy *p);
/* The keys and ends of a VPN without IKE; its selectors are there. */
void build_manual(struct build *b, const struct node *vpn, struct model_vpn *v);
/* No SPI twice. */
void check_manual(struct build *b);
/* Rules across sections, on the finished model. */
void check_model(struct build *b);
/* ... about how long SAs live. */
void check_life(struct build *b);
void check_limits(struct build *b);
/* ... about algorithms that `system fips` does not allow. */
void check_fips(struct build *b);
/* ... about what is written of gateways in vain. */
void check_gateway_rules(struct build *b);
/* ... about keys that are words. */
void check_keys(struct build *b);

/* The model is constant for everyone but its builder, until the build ends. */
static inline void *writable(const void *p)
{
	void *w;

	memcpy(&w, &p, sizeof w);
	return w;
}

/* ---- reading the tree */

/* Child statement, NULL when absent; `from` may be NULL. Paths have several words. */
const struct node *stmt(const struct build *b, const struct node *from, const char *path);
/* The first value of a leaf or NULL. */
const char *stmt_text(const struct build *b, const struct node *from, const char *path);
/* Its value, or the default of the table, or 0 when that has none. */
uint64_t stmt_uint(const struct build *b, const struct node *from, const char *path);
uint32_t stmt_u32(const struct build *b, const struct node *from, const char *path);
bool stmt_flag(const struct build *b, const struct node *from, const char *path);
/* Word of an enumeration, or the table's default; NULL when there is neither. */
const char *stmt_word(const struct build *b, const struct node *from, const char *path);
bool stmt_addr(const struct build *b, const struct node *from, const char *path, struct addr *out);
uint32_t stmt_count(const struct node *list);

/* qsort() order of any model object whose first member is its name. */
int model_by_name(const void *a, const void *b);

/* ---- complaining */

/* At a statement: its path is that of its parent; values of secrets are not shown. */
void refuse_at(struct build *b, const struct node *n, const char *fmt, ...) PRINTF(3, 4);
void warn_at(struct build *b, const struct node *n, const char *fmt, ...) PRINTF(3, 4);
/* A statement that ought to be below n and is not. */
void refuse_missing(struct build *b, const struct node *n, const char *keyword);

/* Index of word in a list of words ending with NULL; 0 when it is not there. */
unsigned word_index(const char *const *words, const char *word);
