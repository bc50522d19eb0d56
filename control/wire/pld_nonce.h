#pragma once
/*
 * Nonce payload (RFC 7296 3.9): 16 to 256 octets. The view is borrowed from the message.
 */
#include "base/emit.h"
#include "base/view.h"

#define NONCE_MIN 16
#define NONCE_MAX 256

int pld_nonce_parse(struct view body, struct view *out) MUST_CHECK;
/* Marks the emitter bad when the length is out of range. */
void pld_nonce_emit(struct emit *e, struct view nonce);
