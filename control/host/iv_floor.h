#pragma once
/*
 * How high this node has counted its incarnations, remembered where its keys are: with the records
 * of each redundancy group (architecture rule 6). A node that lost its state files gets keys it has
 * used before only together with this, and goes on above it.
 *
 * The record: key 'V' and the node, body two numbers, of tandemd's IVs (SK payloads) and of the
 * dataplane's (ESP). They are written IV_AHEAD beyond what is in use, and again when half of that
 * is gone: an owner acts before its first entry is committed, and may die before it is.
 *
 * Pure functions. Thread: any.
 */
#include "base/view.h"

enum { IV_FLOOR_KEY_LEN = 2, IV_FLOOR_BODY_LEN = 4, IV_AHEAD = 16 };

/* 0: nothing is known. */
struct iv_floor {
	uint16_t ike, esp;
};

void iv_floor_key(uint32_t node, uint8_t out[IV_FLOOR_KEY_LEN]);
void iv_floor_body(const struct iv_floor *f, uint8_t out[IV_FLOOR_BODY_LEN]);
/* Zero where the body makes no sense. */
struct iv_floor iv_floor_read(struct view body);

/* What to write, now that these are in use; false when `kept` says enough. */
bool iv_floor_ahead(
	const struct iv_floor *kept, const struct iv_floor *in_use, struct iv_floor *out);

/* What a dataplane says of itself when it comes, and how far tandemd has seen one come (0: there is
 * no such file). */
struct iv_arrival {
	uint16_t says, seen;
	bool is_drawn;	    /* it had no file of its own when it started */
	bool is_configured; /* the same process was here before */
};

struct iv_verdict {
	uint16_t in_use; /* once it is configured */
	uint16_t least;	 /* to be told to it; 0: nothing */
	bool is_unknown; /* what is kept beside the keys decides whether in_use is new */
};

struct iv_verdict iv_floor_arrival(const struct iv_arrival *a);

/* The lowest numbers that are certainly new. */
struct iv_floor iv_floor_above(const struct iv_floor *kept);
