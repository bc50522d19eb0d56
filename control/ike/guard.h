#pragma once
/*
 * What stands between strangers and us (V2-009, I9): whether an IKE_SA_INIT request may cost more
 * than a look, how long a half-open negotiation may last, and how often a message of one is tried.
 *
 *   a copy of one that is being worked on    the same answer again
 *   too many of its source were refused      nothing
 *   no room: negotiations, its share, jobs   nothing
 *   many, or many of its source, no cookie   a cookie: nothing is kept
 *   the same with a good cookie              goes on, to the limit of its source
 *
 * What can be had without a cookie is only ever held against senders without one: who forges an
 * address cannot lock its owner out.
 *
 * Life: struct guard is embedded in the engine. Nothing is replicated. Thread: the engine's.
 */
#include "base/map.h"
#include "ike/sources.h"

struct ike;
struct ike_sa;
struct half;
struct rx;

#define GUARD_PEER_KEY 19

/* Half-open negotiations of one source. Each kind may have a share of what there is in all. */
struct crowd {
	UT_hash_handle hh;
	uint8_t key[SOURCE_KEY];
	uint32_t n, proven;
};

/* Of a half-open negotiation: what guard.c knows of it. */
struct half_guard {
	UT_hash_handle hh; /* by where it comes from */
	uint8_t peer[GUARD_PEER_KEY];
	struct crowd *crowd;
	uint64_t began_ms;
	bool proven;
	uint64_t spoiled_ms; /* 1/10 s of credit for messages that fail their check */
	uint32_t spoiled;
};

struct guard {
	struct sources sources;
	struct crowd *crowds;
	struct half_guard *peers; /* by half_guard.peer */
	uint32_t jobs;		  /* asymmetric work for strangers that is out */
	uint64_t said_ms;	  /* log lines that strangers caused */
	uint32_t said;
};

enum guard_verdict { GUARD_PASS, GUARD_COOKIE, GUARD_DROP };

/* After a change of the configuration. */
void guard_configure(struct ike *ike);

/* May that request go on? `proven`: it has a good cookie. Counts what it refuses. */
enum guard_verdict guard_admit(struct ike *ike, const struct endpoint *from, bool proven);
/* A negotiation begins, or is over. -ERR_NOMEM. */
int guard_enter(
	struct ike *ike, struct half *h, const struct endpoint *from, bool proven) MUST_CHECK;
void guard_leave(struct ike *ike, struct half *h);
/* How long it may last from now. */
uint64_t guard_patience_ms(const struct ike *ike);

/* A peer was not authenticated. */
void guard_refused(struct ike *ike, const struct ike_sa *sa);
/* May a protected message be tried? Only negotiations that are half-open are limited. */
bool guard_may_open(struct ike *ike, const struct ike_sa *sa);
/* It was forged, or damaged. */
void guard_spoiled(struct ike *ike, const struct ike_sa *sa);
/* May a line be logged of what a stranger did? */
bool guard_may_say(struct ike *ike);
