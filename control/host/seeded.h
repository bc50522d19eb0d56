#pragma once
/*
 * request security ike pre-shared-key: what a spoke has to be given where its hub has a seed
 * (PSK-005). Thread: the loop.
 */
#include <stdbool.h>

#include "control.pb-c.h"

struct daemon;
struct ctl_call;

/* False: it is not this command. */
bool seeded_command(struct daemon *d, const Ctl__Request *q, struct ctl_call *call);
