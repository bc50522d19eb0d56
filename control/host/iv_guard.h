#pragma once
/*
 * No (key, IV) twice although a node lost the files that say how often it started: before it acts
 * with keys, what was remembered beside them (iv_floor.h) is compared with the incarnations it
 * started with. Where those may have been used before, higher ones are written to disk and tandemd
 * ends, to come back with them; the dataplane is told its own with the next configuration.
 *
 * Life: iv_guard_start() reads, nothing to free. Thread: the loop.
 */
#include "dataplane.pb-c.h"
#include "ha/step.h"
#include "host/iv_floor.h"

struct daemon;

struct iv_guard {
	struct daemon *d;
	struct iv_floor in_use;
	uint16_t esp_seen;  /* in a file: all up to it may have been used by a dataplane here */
	uint16_t esp_least; /* what the dataplane is told; 0 = nothing */
	/* there was no file: the number was drawn */
	bool ike_drawn, esp_drawn;
	/* of each group: what was admitted or noted in this life, nothing to be afraid of */
	struct iv_floor known[HA_RG_MAX];
};

/* Raises tandemd's incarnation. */
int iv_guard_start(struct iv_guard *g, struct daemon *d) MUST_CHECK;
void iv_guard_hello(struct iv_guard *g, const Dp__HelloReply *h);

/* kept: body of the record, empty when there is none. False: the daemon ends. */
bool iv_guard_admits(struct iv_guard *g, uint32_t rg, struct view kept);
/* The record to write; false when it need not be. */
bool iv_guard_note(
	struct iv_guard *g, uint32_t rg, struct view kept, uint8_t out[IV_FLOOR_BODY_LEN]);
