/*
 * DPDK's driver of packet sockets asks the kernel to put IPv4 fragments together before it spreads
 * packets over the sockets (PACKET_FANOUT_FLAG_DEFRAG), and has no argument to leave it. What comes
 * out is larger than the MTU and soon larger than a frame of the ring: it is cut, and lost. A
 * router has no business with fragments that pass through, either. Those for us are gathered by us
 * (node/fragment.c), and all fragments of one packet have the same hash without it.
 *
 * So the one call is changed on its way: this setsockopt() is the process's own, in front of the C
 * library's. Whatever else is asked goes to the kernel as it is. ADR 0041.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/if_packet.h>

static long ask(int fd, int level, int name, const void *value, socklen_t len)
{
	return syscall(SYS_setsockopt, fd, level, name, value, len);
}

__attribute__((visibility("default"))) int setsockopt(
	int fd, int level, int name, const void *value, socklen_t len)
{
	int fanout;

	if (level != SOL_PACKET || name != PACKET_FANOUT || len < sizeof fanout)
		return (int)ask(fd, level, name, value, len);
	memcpy(&fanout, value, sizeof fanout);
	fanout = (int)((uint32_t)fanout & ~((uint32_t)PACKET_FANOUT_FLAG_DEFRAG << 16));
	return (int)ask(fd, level, name, &fanout, sizeof fanout);
}
