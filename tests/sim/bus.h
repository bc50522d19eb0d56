#pragma once
/*
 * Corosync as nasty as it is (ha/cpg talks to the real one).
 *
 * A ring orders messages; each member delivers them in that order at its own pace. When a ring
 * breaks, those who go on together agree on where the old order ends for them: anywhere between the
 * most that one of them delivered and all there is. So survivors get what a dead sender never saw
 * delivered, a sender alone may deliver what nobody else has, and what was sent but not ordered
 * comes later, in the next view. Both halves of a cut ring form rings of their own. A machine that
 * was stopped may see itself leave and join again, with the same pid.
 *
 * Life: bus_new() .. bus_free(); one in a world. Rings die when nobody is left in them.
 */
#include "world.h"
