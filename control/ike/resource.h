#pragma once
/*
 * Child SAs of workers (RFC 9611). Beside the one that all of them may use, the fallback, a tunnel
 * has one for each worker of the dataplane that would otherwise pass its packets on to another: one
 * tunnel is then as fast as all workers are.
 *
 *   we ask	when `multi-sa per-worker` says so and such a worker has traffic. The fallback comes
 *		first, and the selectors are its own. The peer's TS_MAX_QUEUE is believed until the
 *		next IKE SA.
 *   we answer	as long as there are fewer than workers, or than `multi-sa maximum`. Which of our
 *		workers gets it is our affair; what the peer calls its own is not read.
 *
 * A number here is n for worker n - 1, and 0 for the fallback: in struct child and exch, in
 * records, and at the dataplane (ChildInstall.worker_hint).
 *
 * Life: nothing of its own but tunnel.own_asked and ike.workers. Thread: the engine's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct ike;
struct ike_sa;
struct child;
struct tunnel;
struct writer;

#define RESOURCE_PLACES 16 /* workers of a dataplane, at most */

/* The low 24 bits of an SPI: a draw, moved into a bucket that is that worker's at first and that no
 * other worker's own child is ever in. */
uint32_t resource_spi(const struct ike *ike, uint32_t low, uint8_t resource);
void resource_write(struct writer *w, uint8_t resource);

/* ---- we ask */
bool resource_may_ask(const struct tunnel *t);
/* The dataplane is to tell of workers that have none of their own. */
bool resource_own_wanted(const struct child *c);
/* A worker sends with another's. */
void resource_ask(struct ike *ike, struct tunnel *t, uint8_t resource);
/* The newest that all may use; NULL. */
struct child *resource_fallback(const struct tunnel *t);
/* What that IKE SA is to ask for next; false: nothing. */
bool resource_next(struct ike *ike, const struct ike_sa *sa, struct tunnel *t, uint8_t *resource);
void resource_made(struct ike *ike, struct child *c);
void resource_refused(struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint16_t notify);
/* The children are on another IKE SA now: the peer may want more. */
void resource_handed_over(struct ike *ike, struct ike_sa *to);

/* ---- we answer */
/* Whose the peer's new one beside `base` is; -ERR_LIMIT: there are enough. */
int resource_assign(const struct ike *ike, const struct child *base) MUST_CHECK;

/* ---- workers come and go */
void resource_workers(struct ike *ike, uint32_t online);
/* Ours that serve a worker that is not there go, in a while; peers' serve another worker. */
void resource_check(struct ike *ike);
