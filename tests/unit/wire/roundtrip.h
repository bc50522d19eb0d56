#pragma once
/*
 * The property every codec has: what parses can be emitted, and that parses to the same again.
 * Shared by the property tests and the fuzzers.
 */
#include <stdint.h>

#include "base/emit.h"
#include "base/view.h"
#include "wire/message.h"
#include "wire/sk.h"

/* Parses a body of that type and emits what was understood. Negative: did not parse. */
int payload_roundtrip(uint8_t type, struct view body, struct emit *e);

/* Aborts when parse -> emit -> parse -> emit does not come to rest after the first emission. */
void payload_roundtrip_check(uint8_t type, struct view body);

/* The same for a whole message: all its payloads, the envelope in both shapes, and a message built
 * from the payloads that were understood. */
void message_roundtrip_check(struct view datagram);

extern const struct sk_shape shape_gcm, shape_cbc;

/* The door of a fuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
