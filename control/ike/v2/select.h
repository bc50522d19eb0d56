#pragma once
/*
 * The traffic selectors of a negotiation (RFC 7296 2.9, 3.13): what a tunnel of ours may let
 * through, what is asked for, what the peer said. Values; Thread: the engine's.
 */
#include "ike/rx.h"
#include "policy/narrow.h"
#include "wire/pld_ts.h"

struct ike_sa;
struct tunnel;
struct child;
struct writer;

#define SELECT_FLOWS_MAX 200

struct select_flows {
	uint32_t n;
	struct tsel_pair v[SELECT_FLOWS_MAX];
};

/* Of the configuration. In transport mode their addresses are those of the two ends. */
void select_flows(const struct tunnel *t, const struct ike_sa *sa, struct select_flows *out);

/* TSi is the side of who began the exchange: `ours` is TSi when that is us. -ERR_SYNTAX. */
int select_read(const struct rx *rx, bool we_began, struct tsel_sides *out) MUST_CHECK;
void select_write(struct writer *w, bool we_began, const struct tsel_sides *s);

/*
 * What to ask for: everything that fits into one SA. First in it is the packet that asks, then the
 * flow that was last found to be missing; with `old` what that child has. -ERR_TS: nothing. *part:
 * the tunnel needs more SAs than this one.
 */
int select_offer(const struct tunnel *t, const struct ike_sa *sa, const struct child *old,
	struct tsel_sides *out, bool *part) MUST_CHECK;
/* All that `like` has, and nothing else: for one more like it. */
int select_same(const struct child *like, struct tsel_sides *out) MUST_CHECK;
/*
 * What a peer that wants that gets. -ERR_TS: nothing; -ERR_AGAIN: it has to ask for one pair of
 * addresses (SINGLE_PAIR_REQUIRED). *more: it would get some of the rest in another SA.
 */
int select_agree(const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *wanted,
	struct tsel_sides *out, bool *more) MUST_CHECK;
/* The first choice of a peer that wants that is the tunnel's as a whole. */
bool select_has_first(
	const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *wanted);
/* The answer is some of what we may ask for: narrowed is fine, widened is not. */
bool select_may_accept(
	const struct tunnel *t, const struct ike_sa *sa, const struct tsel_sides *answer);

/* A child lets all of that through. */
bool select_child_covers(const struct child *c, const struct tsel_pair *p);
bool select_tunnel_covers(const struct tunnel *t, const struct tsel_pair *p);
