#pragma once
/*
 * What both ESP directions share: who may act, the ciphers, asking for leases.
 * Thread: the worker that owns the SA.
 */
#include "node/handover.h"

/* May this node act for the SA now? Else the packet has gone its way: queued, forwarded, dropped.
 */
bool esp_admit(struct worker *w, struct pkt *p, struct sa *sa);
/* Seals or opens; runs of packets with one suite go to it together. */
void esp_run(struct worker *w, struct pkt **v, struct suite_op *ops, uint32_t n, bool seal);
/* After numbers were used: asks the log for more in time, tells when the SA grows old. */
void sa_tend(struct worker *w, struct sa *sa);
