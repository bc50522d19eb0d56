#include "port.h"

#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_packet.h>

#include "base/err.h"
#include "pool.h"

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

enum {
	DESCRIPTORS = 1024,   /* of a queue, at most */
	DESCRIPTORS_MIN = 64, /* drivers work on 32 at a time */
	/* Of a packet socket's rings: a worker may be off its core for a while. */
	FRAMES = 4096,
	FRAMES_MANY = 2048, /* with more than .. */
	QUEUES_FEW = 4,
	/* Large ones: fewer in the same memory, six in a block that is nearly a power of two. */
	JUMBO_PER_BLOCK = 6,
	JUMBO_FRAMES = 1020,
	JUMBO_FRAMES_MANY = 510,
	FDS_MAX = 1024,
	MTU_DEFAULT = 1500,
};

static uint16_t port_rx(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct rte_mbuf *m[PKT_BURST] UNINITIALIZED;
	uint16_t got = rte_eth_rx_burst(p->dev_id, queue, m, n);

	for (uint16_t i = 0; i < got; i++) {
		if (i + 2 < got)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 2], void *));
		v[i] = pkt_of_mbuf(m[i]);
		v[i]->port = p->index;
	}
	return got;
}

static uint16_t port_tx(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	struct rte_mbuf *m[PKT_BURST] UNINITIALIZED;

	for (uint16_t i = 0; i < n; i++)
		m[i] = mbuf_of_pkt(v[i]);
	return rte_eth_tx_burst(p->dev_id, queue, m, n);
}

static const struct port_ops eth_ops = {port_rx, port_tx};

/* The packet sockets of this process that are bound to the interface, in the order they were
 * opened. The driver keeps them to itself; a worker wants to sleep on the one of its queue. */
static uint32_t packet_fds(unsigned ifindex, int *fds, uint32_t max)
{
	uint32_t n = 0;

	for (int fd = 3; fd < FDS_MAX && n < max; fd++) {
		struct sockaddr_ll a = {0};
		socklen_t len = sizeof a;

		if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 &&
			a.sll_family == AF_PACKET && a.sll_ifindex == (int)ifindex)
			fds[n++] = fd;
	}
	return n;
}

static bool is_af_packet(const struct port *p)
{
	return strncmp(p->device, "net_af_packet", 13) == 0;
}

static void kernel_ifname(const struct port *p, char out[IF_NAMESIZE])
{
	const char *at = strstr(p->device, "iface=");

	out[0] = 0;
	if (at)
		(void)snprintf(out, IF_NAMESIZE, "%.*s", (int)strcspn(at + 6, ","), at + 6);
}

/* What the af_packet driver does not know or cannot, the kernel does. */
static int kernel_ask(const struct port *p, unsigned long what, struct ifreq *r)
{
	char name[IF_NAMESIZE];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	kernel_ifname(p, name);
	memcpy(r->ifr_name, name, sizeof name);
	rc = ioctl(fd, what, r);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static bool kernel_link(const struct port *p)
{
	struct ifreq r = {0};

	return kernel_ask(p, SIOCGIFFLAGS, &r) == 0 &&
	       (r.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static uint32_t device_mtu(const struct port *p)
{
	struct ifreq r = {0};
	uint16_t mtu = 0;

	if (is_af_packet(p))
		return kernel_ask(p, SIOCGIFMTU, &r) == 0 ? (uint32_t)r.ifr_mtu : MTU_DEFAULT;
	return rte_eth_dev_get_mtu(p->dev_id, &mtu) == 0 ? mtu : MTU_DEFAULT;
}

/* Not all devices can, and some have it already. */
static void want_mtu(const struct port *p, uint32_t mtu, const struct log_ctx *log)
{
	struct ifreq r = {.ifr_mtu = (int)mtu};
	uint32_t has;

	if (is_af_packet(p))
		(void)kernel_ask(p, SIOCSIFMTU, &r);
	else
		(void)rte_eth_dev_set_mtu(p->dev_id, (uint16_t)mtu);
	has = device_mtu(p);
	if (has < mtu)
		log_warn(log, "dp.port.mtu", "port=%s asked=%u device=%u", p->name, mtu, has);
}

/* Does the kernel put fragments together, and cut what does not fit a frame of the ring? */
static bool kernel_gathers(const struct port *p)
{
	uint32_t fanout = 0;
	socklen_t len = sizeof fanout;

	return getsockopt(p->fds[0], SOL_PACKET, PACKET_FANOUT, &fanout, &len) == 0 &&
	       fanout >> 24 & (PACKET_FANOUT_FLAG_DEFRAG >> 8);
}

static void find_fds(struct port *p, uint16_t queues)
{
	char ifname[IF_NAMESIZE];

	if (!is_af_packet(p))
		return;
	kernel_ifname(p, ifname);
	p->has_fds = packet_fds(if_nametoindex(ifname), p->fds, PORT_QUEUES) == queues;
}

static void put_arg(char *args, size_t cap, const char *name, uint32_t value)
{
	size_t n = strlen(args);

	if (!strstr(args, name))
		(void)snprintf(args + n, cap - n, ",%s%u", name, value);
}

/* Of a packet socket's rings: frames as large as our buffers, unless the device says otherwise. */
static void ring_args(uint16_t queues, uint32_t octets, char *args, size_t cap)
{
	bool many = queues > QUEUES_FEW;

	put_arg(args, cap, "qpairs=", queues);
	if (octets == PKT_DATA) {
		put_arg(args, cap, "framecnt=", many ? FRAMES_MANY : FRAMES);
	} else if (!strstr(args, "framesz=")) {
		put_arg(args, cap, "framesz=", octets);
		put_arg(args, cap, "blocksz=", octets * JUMBO_PER_BLOCK);
		put_arg(args, cap, "framecnt=", many ? JUMBO_FRAMES_MANY : JUMBO_FRAMES);
	}
}

/* "net_x0,a=b" -> name and arguments; the queues are ours to choose. */
static void split_device(struct port *p, char *args, size_t cap)
{
	size_t n = strcspn(p->device, ",");

	(void)snprintf(p->device_name, sizeof p->device_name, "%.*s", (int)n, p->device);
	(void)snprintf(args, cap, "%s", p->device[n] ? p->device + n + 1 : "");
}

/* What the device can spread by itself: ESP by its SPI, what else there is by its addresses and
 * ports, so that a flow stays on one queue. The worker that receives hands on what is another's, so
 * nothing depends on it. */
static void want_rss(struct port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	const uint64_t esp = RTE_ETH_RSS_ESP, other = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
	uint64_t offered = info->flow_type_rss_offloads & (esp | other);

	p->spread = SPREAD_DRIVER;
	if (p->n_rx < 2 || offered == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = offered;
	p->spread = offered & esp ? SPREAD_SPI : SPREAD_ADDRESSES;
}

/* Of each queue. A receive ring keeps that many of our buffers, a send ring may: those of all ports
 * together leave half of the pool to packets on their way, or nothing could be sent. */
static int ring_sizes(const struct port *p, const struct port_args *a, const struct log_ctx *log,
	uint16_t *rx, uint16_t *tx)
{
	uint32_t share = pool_packets(a->pool) / 2 / (a->ports * 2 * p->n_rx), n = DESCRIPTORS;

	while (n > share && n > DESCRIPTORS_MIN)
		n /= 2;
	*rx = *tx = (uint16_t)n;
	if (rte_eth_dev_adjust_nb_rx_tx_desc(p->dev_id, rx, tx) < 0)
		return -ERR_UNSUPPORTED;
	if ((uint32_t)*rx + *tx > 2 * share)
		log_warn(log, "dp.port.buffers", "port=%s queues=%u descriptors=%u share=%u",
			p->name, p->n_rx, *rx, share);
	return 0;
}

static int device_start(struct port *p, const struct port_args *a, const struct log_ctx *log)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	const unsigned any_socket = (unsigned)SOCKET_ID_ANY;
	uint16_t rx, tx;
	int rc = rte_eth_dev_info_get(p->dev_id, &info);

	if (rc < 0)
		return -ERR_UNSUPPORTED;
	p->n_rx = MIN(info.max_rx_queues, info.max_tx_queues);
	p->n_rx = MIN(p->n_rx, a->queues);
	if (p->n_rx < a->least)
		return -ERR_UNSUPPORTED;
	want_rss(p, &info, &conf);
	rc = rte_eth_dev_configure(p->dev_id, p->n_rx, p->n_rx, &conf);
	if (rc == 0)
		rc = ring_sizes(p, a, log, &rx, &tx);
	for (uint16_t q = 0; q < p->n_rx && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(
			p->dev_id, q, rx, any_socket, NULL, pool_mempool(a->pool));
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(p->dev_id, q, tx, any_socket, NULL);
	}
	if (rc == 0 && a->mtu)
		want_mtu(p, a->mtu, log);
	if (rc == 0)
		rc = rte_eth_dev_start(p->dev_id);
	if (rc < 0)
		return -ERR_IO;
	(void)rte_eth_promiscuous_enable(p->dev_id);
	if (a->has_mac) {
		memcpy(mac.addr_bytes, a->mac, 6);
		(void)rte_eth_dev_default_mac_addr_set(p->dev_id, &mac);
	}
	(void)rte_eth_macaddr_get(p->dev_id, &mac);
	memcpy(p->mac, a->has_mac ? a->mac : mac.addr_bytes, 6);
	return 0;
}

static bool is_pci(const char *device)
{
	return strchr(device, ':') != NULL && strncmp(device, "net_", 4) != 0;
}

int port_open(const struct port_args *a, const struct log_ctx *log, struct port **out)
{
	static const char *const spreads[] = {"driver", "addresses", "spi"};
	struct port *p = calloc(1, sizeof *p);
	uint32_t octets = pool_octets(a->pool);
	char args[256];
	int rc;

	if (!p)
		return -ERR_NOMEM;
	(void)snprintf(p->name, sizeof p->name, "%s", a->name);
	(void)snprintf(p->device, sizeof p->device, "%s", a->device);
	p->asked_mtu = a->mtu;
	p->ops = &eth_ops;
	split_device(p, args, sizeof args);
	if (is_af_packet(p))
		ring_args(a->queues, octets, args, sizeof args);
	rc = rte_eal_hotplug_add(is_pci(a->device) ? "pci" : "vdev", p->device_name, args);
	if (rc < 0 || rte_eth_dev_get_port_by_name(p->device_name, &p->dev_id) != 0) {
		log_err(log, "dp.port.attach", "port=%s device=%s rc=%d", a->name, a->device, rc);
		free(p);
		return -ERR_IO;
	}
	rc = device_start(p, a, log);
	if (rc < 0) {
		log_err(log, "dp.port.start", "port=%s device=%s reason=\"%s\"", a->name, a->device,
			err_text(rc));
		port_close(p);
		return rc;
	}
	p->mtu = a->mtu ? a->mtu : MIN(device_mtu(p), octets - PKT_AROUND);
	find_fds(p, p->n_rx);
	if (p->has_fds && kernel_gathers(p))
		log_warn(log, "dp.port.gathers", "port=%s", p->name);
	log_notice(log, "dp.port.open",
		"port=%s device=%s queues=%u mtu=%u wait=%s spread=%s flow=%s", p->name, p->device,
		p->n_rx, p->mtu, p->has_fds ? "event" : "poll", spreads[p->spread],
		port_flow_text(p));
	*out = p;
	return 0;
}

void port_close(struct port *p)
{
	struct rte_eth_dev_info info;
	struct rte_device *dev = NULL;

	if (rte_eth_dev_info_get(p->dev_id, &info) == 0)
		dev = info.device;
	(void)rte_eth_dev_stop(p->dev_id);
	(void)rte_eth_dev_close(p->dev_id);
	if (dev)
		(void)rte_dev_remove(dev);
	free(p);
}

bool port_link(const struct port *p)
{
	struct rte_eth_link link;

	if (is_af_packet(p))
		return kernel_link(p);
	return rte_eth_link_get_nowait(p->dev_id, &link) == 0 && link.link_status;
}

void port_counts(const struct port *p, struct port_counts *out)
{
	struct rte_eth_stats s = {0};

	(void)rte_eth_stats_get(p->dev_id, &s);
	*out = (struct port_counts){
		.link_up = port_link(p),
		.rx_packets = s.ipackets,
		.rx_bytes = s.ibytes,
		.tx_packets = s.opackets,
		.tx_bytes = s.obytes,
		.rx_missed = s.imissed,
		.tx_dropped = s.oerrors,
	};
}
