#pragma once
/*
 * A seal that forges nothing and hides nothing, but notices a wrong key, a changed octet, and a
 * (key, nonce) pair used twice.
 */
#include "ha/step.h"

/* used_twice is set when a pair repeats. */
void toy_seal(struct ha_seal_ops *ops, bool *used_twice);
