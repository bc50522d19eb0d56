#pragma once
/*
 * Ports that the node's own kernel drives as well (net_af_packet): it hears what they receive, and
 * with one of our addresses on a device it would take what comes in clear. Made deaf, it does not.
 *
 * No state; any thread.
 */
#include <net/if.h>
#include <stdbool.h>

#include "base/err.h"

/* The kernel's name of a DPDK device; false: the kernel has no part in it. NULL is none. */
bool kernel_ifname_of(const char *device, char out[IF_NAMESIZE]);
/* IPv4: nothing is taken whose answer would not leave by the same device (RFC 3704 2.2), and ours
 * leave by another. IPv6: the device has none. -ERR_IO with *why when the kernel would hear. */
int kernel_deafen(const char *name, const char **why);
