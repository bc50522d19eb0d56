#pragma once
/*
 * What each source did lately, in bounded memory: how many negotiations it began and how many of
 * its peers were refused. A source is an IPv4 address or an IPv6 /64 (one host may have all of
 * that).
 *
 * A debt grows by each event and shrinks with time; nothing is stored for who has none, so being
 * thrown out costs an honest source nothing. Sets are chosen by SipHash under a secret key, and
 * when one is full the smallest debt goes: a flood of sources with one event each cannot wash away
 * the memory of one with many.
 *
 * Life: embedded in the engine, all zero at the beginning. Not replicated. Thread: the engine's.
 */
#include "base/addr.h"

#define SOURCES_SETS 512
#define SOURCES_WAYS 8
#define SOURCE_KEY   9

enum source_event {
	SOURCE_BEGAN,  /* asked without a cookie: anybody may have sent it */
	SOURCE_PROVEN, /* asked with one */
	SOURCE_FAILED, /* was not authenticated */
	SOURCE_EVENTS
};

/* How many are allowed at once, and how many more each minute. */
struct source_rate {
	uint32_t burst, per_minute;
};

struct source {
	uint8_t key[SOURCE_KEY]; /* first octet 0: free */
	uint64_t at_ms;
	uint64_t debt[SOURCE_EVENTS]; /* in 1/60000 of an event */
};

struct sources {
	struct source v[SOURCES_SETS][SOURCES_WAYS];
	struct source_rate rate[SOURCE_EVENTS];
};

/* The family and the part of the address that counts; the rest is zero. */
void source_key(const struct addr *a, uint8_t out[SOURCE_KEY]);
/* Another one came; false when it was too many for that source. */
bool sources_add(struct sources *s, const struct addr *from, enum source_event e, uint64_t now_ms);
/* Has it no credit left? Adds nothing. */
bool sources_over(
	const struct sources *s, const struct addr *from, enum source_event e, uint64_t now_ms);
