#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "dp.h"

enum { READ_MAX = 64 };

static int device_open(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -ERR_IO;
	(void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) != 0) {
		(void)close(fd);
		return -ERR_IO;
	}
	return fd;
}

static struct kernel_port *port_by_name(const struct dp *dp, const char *name)
{
	for (uint32_t i = 0; i < dp->n_kernel; i++)
		if (strcmp(dp->kernel[i].name, name) == 0)
			return &dp->kernel[i];
	return NULL;
}

static bool is_wanted(const struct net *n, const char *name)
{
	for (uint32_t s = 0; s < n->n_slots; s++)
		if (n->ifaces[s] && n->ifaces[s]->kernel &&
			strcmp(n->ifaces[s]->kernel_device, name) == 0)
			return true;
	return false;
}

static void close_others(struct dp *dp, const struct net *n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < dp->n_kernel; i++) {
		if (is_wanted(n, dp->kernel[i].name))
			dp->kernel[kept++] = dp->kernel[i];
		else
			(void)close(dp->kernel[i].fd);
	}
	dp->n_kernel = kept;
}

static int open_one(struct dp *dp, const struct iface *i)
{
	struct kernel_port *more, k = {.slot = i->slot};
	struct epoll_event e = {.events = EPOLLIN};

	more = realloc(dp->kernel, (dp->n_kernel + 1) * sizeof *more);
	if (!more)
		return -ERR_NOMEM;
	dp->kernel = more;
	k.fd = device_open(i->kernel_device);
	if (k.fd < 0)
		return k.fd;
	(void)snprintf(k.name, sizeof k.name, "%s", i->kernel_device);
	e.data.fd = k.fd;
	if (epoll_ctl(dp->epoll, EPOLL_CTL_ADD, k.fd, &e) != 0) {
		(void)close(k.fd);
		return -ERR_IO;
	}
	dp->kernel[dp->n_kernel++] = k;
	return 0;
}

void kernel_apply(struct dp *dp)
{
	const struct net *n = atomic_load(&dp->sh.net);

	close_others(dp, n);
	for (uint32_t s = 0; s < n->n_slots; s++) {
		const struct iface *i = n->ifaces[s];
		struct kernel_port *have;

		if (!i || !i->kernel)
			continue;
		have = port_by_name(dp, i->kernel_device);
		if (have)
			have->slot = i->slot;
		else if (open_one(dp, i) < 0)
			log_err(&dp->log, "dp.kernel", "device=%s interface=%s errno=%d",
				i->kernel_device, i->name, errno);
	}
}

void kernel_fini(struct dp *dp)
{
	for (uint32_t i = 0; i < dp->n_kernel; i++)
		(void)close(dp->kernel[i].fd);
	free(dp->kernel);
	dp->kernel = NULL;
	dp->n_kernel = 0;
}

/* False when there is nothing more. */
static bool take_one(struct dp *dp, const struct kernel_port *k)
{
	struct pkt *p = pkt_alloc(dp->sh.pool);
	uint8_t scrap[64];
	ssize_t n;

	if (!p) {
		count_add(&dp->stats[STAT_DROP_NO_BUFFER], 1);
		return read(k->fd, scrap, sizeof scrap) > 0;
	}
	n = read(k->fd, p->p, p->tail);
	if (n <= 0) {
		pkt_free(p);
		return false;
	}
	(void)pkt_append(p, (uint32_t)n);
	p->kind = PKT_KERNEL;
	p->flags = PKT_OURS;
	p->iface = k->slot;
	dp_send_packet(dp, p);
	return true;
}

bool kernel_readable(struct dp *dp, int fd)
{
	for (uint32_t i = 0; i < dp->n_kernel; i++) {
		if (dp->kernel[i].fd != fd)
			continue;
		for (uint32_t k = 0; k < READ_MAX && take_one(dp, &dp->kernel[i]); k++)
			;
		return true;
	}
	return false;
}

void kernel_receive(struct dp *dp, struct pkt *p)
{
	for (uint32_t i = 0; i < dp->n_kernel; i++)
		if (dp->kernel[i].slot == p->iface) {
			if (write(dp->kernel[i].fd, p->p, p->len) != (ssize_t)p->len)
				count_add(&dp->stats[STAT_DROP_KERNEL_QUEUE], 1); /* it is down */
			pkt_free(p);
			return;
		}
	count_add(&dp->stats[STAT_DROP_KERNEL_QUEUE], 1);
	pkt_free(p);
}
