#pragma once
/*
 * Anti-replay window (RFC 4303 3.4.3 and Appendix A2; ring of words after RFC 6479).
 *
 * Life: embedded in its SA; replay_init() with a zeroed word array of replay_words() that the SA
 * owns too. Thread: the worker that owns the SA's bucket, nobody else.
 * The window is exact: with `window` packets, numbers top-window+1 .. top can still arrive once.
 * The ring has at least one word more than the window, so whole words are cleared on advance.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { REPLAY_WINDOW_MIN = 64, REPLAY_WINDOW_MAX = 8192 };

struct replay {
	uint64_t top;	 /* highest number accepted, or inherited as used */
	uint64_t *words; /* bit (n mod ring) = number n was seen */
	uint32_t window; /* packets, a multiple of 64; 0 = off */
	uint32_t mask;	 /* words in the ring - 1 */
};

/* For other threads, at any time. */
static inline uint64_t replay_top(const struct replay *r)
{
	return __atomic_load_n(&r->top, __ATOMIC_RELAXED);
}

/* Rounds up to a multiple of 64 within the limits; 0 stays 0. */
uint32_t replay_window_round(uint32_t window);
/* Words the ring of such a window needs. */
uint32_t replay_words(uint32_t window);
void replay_init(struct replay *r, uint32_t window, uint64_t *words);
/* The 64-bit number of a received one (RFC 4303 A2.2); 0 when none can be meant. */
uint64_t replay_infer(const struct replay *r, uint32_t low, bool esn);

/* 0, or -ERR_REPLAY when seen or too old. Changes nothing: call before authentication. */
MUST_CHECK static inline int replay_check(const struct replay *r, uint64_t seq)
{
	if (seq == 0) /* RFC 4303 2.2: the first packet has number 1 */
		return -ERR_REPLAY;
	if (r->window == 0 || seq > r->top)
		return 0;
	if (r->top - seq >= r->window)
		return -ERR_REPLAY;
	if (r->words[seq / 64 & r->mask] >> (seq % 64) & 1)
		return -ERR_REPLAY;
	return 0;
}

/* Is it below the window? */
static inline bool replay_is_old(const struct replay *r, uint64_t seq)
{
	return r->window != 0 && seq <= r->top && r->top - seq >= r->window;
}

/* After authentication: checks again (a burst may hold a packet twice) and marks. */
int replay_mark(struct replay *r, uint64_t seq) MUST_CHECK;
/* Nothing at or below top is accepted any more. Never goes back. */
void replay_raise(struct replay *r, uint64_t top);
/* For handover: window/64 words, bit (n mod window) of number n. */
void replay_export(const struct replay *r, uint64_t *words);
/* Replaces the state by an exported one of the same window; never lowers top. */
void replay_import(struct replay *r, uint64_t top, const uint64_t *words);
