#pragma once
/*
 * show and clear security ipsec statistics. Thread: the loop.
 */
#include <stdint.h>

struct daemon;
struct ctl_call;

/* index 0: everything; else one tunnel. */
void statistics_show(struct daemon *d, uint32_t index, struct ctl_call *call);
void statistics_clear(struct daemon *d, uint32_t index, struct ctl_call *call);
