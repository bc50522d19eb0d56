#pragma once
/*
 * show interfaces: what is configured here, with the state and counters of the dataplane's ports.
 * Thread: the loop.
 */
struct daemon;
struct ctl_call;

/* Without an answer of the dataplane every link is down. */
void show_interfaces(struct daemon *d, struct ctl_call *call);
