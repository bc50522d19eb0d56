#pragma once
/*
 * What the operator asks of the dataplane's workers: who comes, who goes, what each does.
 * Thread: the loop.
 */
#include "control.pb-c.h"
#include "host/ctl_server.h"

struct daemon;

void workers_set(struct daemon *d, const Ctl__WorkerSet *s, struct ctl_call *call);
void workers_rebalance(struct daemon *d, struct ctl_call *call);
void workers_show(struct daemon *d, struct ctl_call *call);
