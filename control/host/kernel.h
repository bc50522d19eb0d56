#pragma once
/*
 * The node's own kernel, where units of st0 have a TUN device: addresses, link and routes are
 * mirrored to it through rtnetlink, under a protocol number of their own; what routing daemons put
 * on these devices is learned from it. The device of an outside unit, for transport mode, has the
 * unit's addresses and routes to the peers only, and nothing is learned from it.
 *
 * The devices are the dataplane's and go with it. What the mirror finds of an earlier tandemd it
 * takes over. Life: kernel_init() .. kernel_fini(); without a kernel-device it does nothing at all.
 * Thread: the loop; commands are answered by the kernel at once.
 */
#include <uv.h>

#include "policy/rib.h"

struct daemon;
struct kernel_route;

#define KERNEL_PROTOCOL 196 /* RTPROT_*; free in iproute2's list */

/* What a device was told last. */
struct kernel_device {
	uint32_t device;   /* ifindex, 0 = there was none */
	const void *model; /* compared only */
	bool up;
};

struct kernel {
	struct daemon *d;
	int command, watch; /* netlink sockets, -1 = not open */
	uint32_t serial;
	uv_poll_t poll;
	bool polling;
	struct kernel_route *mirror; /* what we put there, sorted */
	size_t n_mirror;
	struct kernel_device *devices; /* by unit, of all interfaces */
	uint32_t n_devices;
	struct rib learned;
};

int kernel_init(struct kernel *k, struct daemon *d) MUST_CHECK;
void kernel_fini(struct kernel *k);
/* Makes devices and tables as the routes say. True: daemons had other routes than known, or not all
 * is done yet: make the list and call again. */
bool kernel_sync(struct kernel *k);
