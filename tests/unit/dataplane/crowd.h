#pragma once
/*
 * The dataplane as a whole, API thread and workers, with ports that make traffic and judge what
 * comes out: the thread sanitizer sees every line but the ciphers.
 *
 * Each SA carries a numbered stream both ways. Out of port 0 (outside) comes ESP: its sequence
 * numbers and IVs are remembered, it is opened, and the stream's numbers have to come one by one.
 * Out of port 1 come the inner packets of what the peer sealed.
 *
 * Life: crowd_new() .. crowd_free(); one at a time. Thread: the test's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dp.h"

enum { CROWD_SAS = 24, CROWD_SLOTS = 4, CROWD_OUT = 0, CROWD_IN = 1 };

struct crowd;

/* What was wrong with both streams of all SAs. */
struct crowd_verdict {
	uint64_t packets, lost, reordered, repeated_seq, repeated_iv, garbled;
};

struct crowd *crowd_new(uint32_t workers);
void crowd_free(struct crowd *c);
struct dp *crowd_dp(struct crowd *c);
/* The API thread ends; whoever calls this does its work from now on. */
struct dp *crowd_take_over(struct crowd *c);
/* Sends a request and handles what comes back until its reply; the error of the reply. */
int crowd_ask(struct crowd *c, Dp__Request *q);
/* Handles events (grants leases) for a while. */
void crowd_pump(struct crowd *c, int ms);
void crowd_install(struct crowd *c, uint32_t i);
/* For one worker alone: dp.ChildInstall.worker_hint. The same SA again keeps all it counts. */
void crowd_install_for(struct crowd *c, uint32_t i, uint32_t worker_hint);
void crowd_traffic(struct crowd *c, bool on);
/* From now on every queue is full whenever a worker looks. */
void crowd_flood(struct crowd *c);
/* Until nothing is on its way, or is lost. */
void crowd_settle(struct crowd *c);
struct crowd_verdict crowd_judge(struct crowd *c);
/* How many packets came out so far; for tests that wait for traffic. */
uint64_t crowd_arrived(struct crowd *c);
uint32_t crowd_revocations(struct crowd *c);
/* Does a worker hang now? */
bool crowd_hung(struct crowd *c);
uint32_t crowd_spi(uint32_t sa);
