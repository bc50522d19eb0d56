#pragma once
/*
 * The cluster for the operator: redundancy groups, and how far their replicas are. Thread: the
 * loop.
 */
#include "control.pb-c.h"

struct daemon;
struct ctl_call;

void show_cluster(struct daemon *d, const Ctl__ShowCluster *q, struct ctl_call *call);
void show_replication(struct daemon *d, struct ctl_call *call);
