#pragma once
/*
 * Where the cycles of a packet go: the time stamp counter at the borders between the steps of a
 * burst, in a run of its own. The steps are watched from outside (the linker's --wrap), so that the
 * code that is measured knows nothing of it; while the watch is off that costs a branch a burst.
 *
 * Life: stage_begin() .. stage_end(); one at a time. Thread: one worker.
 */
#include "suite.h"

/* row: enumerator, name in the CSV file, what it is */
#define STAGE_LIST(X)                                                                              \
	X(RX, "rx", "an mbuf, and the frame copied into it")                                       \
	X(CLASSIFY, "classify", "Ethernet, IP, to whom")                                           \
	X(LOOKUP, "lookup", "out: SPD and SA; in: part of admit")                                  \
	X(ADMIT, "admit", "in: SA, window; out: number, IV, headers")                              \
	X(CRYPTO, "crypto", "the cipher")                                                          \
	X(FINISH, "finish", "in: trailer, selectors; out: neighbour, Ethernet")                    \
	X(ROUTE, "route", "TTL, route; in: neighbour, Ethernet")                                   \
	X(TX, "tx", "mbufs freed, and the loop itself")

enum stage {

#define X(id, name, what) STAGE_##id,
	STAGE_LIST(X)
#undef X
		STAGES
};

struct stage_sums {
	uint64_t cycles[STAGES];
};

const char *stage_name(enum stage s);
void stage_begin(void);
/* What each took since stage_begin(). */
void stage_end(struct stage_sums *out);
/* From here on it is this one's time; nothing when no watch is on. */
void stage_to(enum stage s);
/* The same suite under watch; valid until the next call. */
const struct suite *stage_suite(const struct suite *s);
