#pragma once
/*
 * request, clear and show security ike redirect: asked of the IKE engine. Thread: the loop.
 */
#include <stdbool.h>

#include "control.pb-c.h"

struct daemon;
struct ctl_call;

/* False: it is none of them. */
bool redirects_command(struct daemon *d, const Ctl__Request *q, struct ctl_call *call);
