#pragma once
/*
 * Answers to our first message that are refusals, or of no use (RFC 7296 2.21.1): in clear, so
 * anybody may have said so. They end nothing at once: we ask on for a while, a good answer wins,
 * and only when none came the first refusal is believed.
 *
 * Life: half.refused and the SA's linger timer. Thread: the engine's.
 */
#include "base/err.h"

struct ike;
struct ike_sa;

/* An act's result for an answer that cannot be used; said once. */
int refusal_bad_answer(struct ike *ike, struct ike_sa *sa, int rc) MUST_CHECK;
