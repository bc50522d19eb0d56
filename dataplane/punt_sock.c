#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "core/ip6.h"
#include "dp.h"
#include "pbconv.h"

enum {
	BATCH = 32,
	BATCH_OCTETS = 48 << 10,
	WHOLE_MAX = 1280, /* of what IKE itself cuts (RFC 7383 2.5.1) */
	MESSAGE_MAX = 256 << 10,
	UDP_HDR = 8,
	PORT_NATT = 4500
};

void punt_close(struct dp *dp)
{
	if (dp->punt >= 0)
		(void)close(dp->punt);
	dp->punt = -1;
}

void punt_accept(struct dp *dp)
{
	int fd = accept4(dp->punt_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
	int room = 4 << 20;

	if (fd < 0)
		return;
	punt_close(dp);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	if (epoll_ctl(dp->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
		(void)close(fd);
		return;
	}
	dp->punt = fd;
}

/* ---- towards tandemd */

struct punt_out {
	Dp__PuntBatch batch;
	Dp__PuntDatagram d[BATCH], *refs[BATCH];
	Dp__Endpoint local[BATCH], remote[BATCH];
	uint8_t addrs[BATCH][2][16];
	struct pkt *pkts[BATCH];
	size_t octets;
};

static void out_begin(struct punt_out *o)
{
	dp__punt_batch__init(&o->batch);
	o->batch.datagrams = o->refs;
	o->octets = 0;
}

static void out_add(struct dp *dp, struct punt_out *o, struct pkt *p)
{
	const struct iface *iface = net_iface(atomic_load(&dp->sh.net), p->iface);
	size_t i = o->batch.n_datagrams++;

	dp__punt_datagram__init(&o->d[i]);
	dp__endpoint__init(&o->local[i]);
	dp__endpoint__init(&o->remote[i]);
	o->local[i].address = pb_of_ipaddr(ip_dst(p->p - p->outer), o->addrs[i][0]);
	o->local[i].port = p->port;
	o->remote[i].address = pb_of_ipaddr(ip_src(p->p - p->outer), o->addrs[i][1]);
	o->remote[i].port = p->sport;
	o->d[i].interface_id = iface ? iface->id : 0;
	o->d[i].local = &o->local[i];
	o->d[i].remote = &o->remote[i];
	o->d[i].data = (ProtobufCBinaryData){p->len, p->p};
	o->refs[i] = &o->d[i];
	o->pkts[i] = p;
	o->octets += p->len + 64;
}

static void out_send(struct dp *dp, struct punt_out *o)
{
	size_t n = dp__punt_batch__get_packed_size(&o->batch);
	auto_free uint8_t *room = malloc(n);

	if (o->batch.n_datagrams == 0)
		return;
	if (room && dp->punt >= 0) {
		(void)dp__punt_batch__pack(&o->batch, room);
		if (send(dp->punt, room, n, MSG_NOSIGNAL) < 0) {
			/* Peers retransmit: a slow tandemd costs packets, never memory. */
			count_add(&dp->stats[STAT_DROP_IKE_QUEUE], o->batch.n_datagrams);
			if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
				punt_close(dp);
		}
	} else {
		count_add(&dp->stats[STAT_DROP_IKE_QUEUE], o->batch.n_datagrams);
	}
	for (size_t i = 0; i < o->batch.n_datagrams; i++)
		pkt_free(o->pkts[i]);
	out_begin(o);
}

void punt_step(struct dp *dp)
{
	struct punt_out o;
	struct pkt *p;

	out_begin(&o);
	for (uint32_t i = 0; i < dp->sh.n_workers; i++) {
		while (ring_get(&dp->sh.workers[i]->punt, &p, 1) == 1) {
			if (p->kind == PKT_FABRIC) {
				fabric_receive(dp, p);
				continue;
			}
			if (p->kind == PKT_KERNEL) {
				kernel_receive(dp, p);
				continue;
			}
			out_add(dp, &o, p);
			if (o.batch.n_datagrams == BATCH || o.octets > BATCH_OCTETS)
				out_send(dp, &o);
		}
	}
	out_send(dp, &o);
}

/* ---- from tandemd */

struct datagram {
	struct ipaddr src, dst;
	uint16_t sport, dport;
	struct view data;
	bool marker; /* RFC 3948 2.2: four zero octets before IKE on port 4500 */
};

static int datagram_of(const Dp__PuntDatagram *d, struct datagram *out)
{
	static const uint8_t keepalive[1] = {0xff};
	int rc = d->local && d->remote ? 0 : -ERR_VALUE;

	if (rc == 0)
		rc = ipaddr_of_pb(&d->local->address, &out->src);
	if (rc == 0)
		rc = ipaddr_of_pb(&d->remote->address, &out->dst);
	if (rc < 0)
		return rc;
	if (ipaddr_is_v4(out->src) != ipaddr_is_v4(out->dst) || d->local->port > UINT16_MAX ||
		d->remote->port > UINT16_MAX)
		return -ERR_VALUE;
	out->sport = (uint16_t)d->local->port;
	out->dport = (uint16_t)d->remote->port;
	out->data = d->keepalive ? view_of(keepalive, 1) : view_of(d->data.data, d->data.len);
	out->marker = !d->keepalive && out->sport == PORT_NATT;
	return 0;
}

/* The IP header in front of `len` octets of UDP; *sum: of its pseudo header. Returns its length.
 * What IKE could not cut, because the peer does not know how to, routers may. */
static uint32_t header_put(
	const struct env *env, uint8_t *b, const struct datagram *d, uint32_t len, uint32_t *sum)
{
	bool cut = IP4_HDR + len > WHOLE_MAX;

	if (!ipaddr_is_v4(d->src)) {
		ip6_put(b, &(struct ip6_make){d->src, d->dst, 0, (uint16_t)len, IP_UDP, 64, 0});
		*sum = sum_pseudo6(d->src, d->dst, IP_UDP, len);
		return IP6_HDR;
	}
	ip4_put(b, &(struct ip4_make){ipaddr_to_v4(d->src), ipaddr_to_v4(d->dst),
			   (uint16_t)(IP4_HDR + len), cut ? (uint16_t)env_random64(env) : 0,
			   cut ? 0 : IP4_DF, IP_UDP, 64, 0});
	*sum = sum_pseudo(ipaddr_to_v4(d->src), ipaddr_to_v4(d->dst), IP_UDP, (uint16_t)len);
	return IP4_HDR;
}

static uint32_t udp_len_of(const struct datagram *d)
{
	return UDP_HDR + (d->marker ? 4u : 0u) + (uint32_t)d->data.n;
}

/* Writes UDP and IP around the datagram. */
static int packet_fill(const struct env *env, struct pkt *p, const struct datagram *d)
{
	uint32_t udp_len = udp_len_of(d);
	uint32_t hdr = ipaddr_is_v4(d->src) ? IP4_HDR : IP6_HDR, sum;
	uint8_t *b;

	if (hdr + udp_len > p->tail)
		return -ERR_LIMIT;
	b = pkt_append(p, hdr + udp_len);
	b += header_put(env, b, d, udp_len, &sum);
	store_be16(b, d->sport);
	store_be16(b + 2, d->dport);
	store_be16(b + 4, (uint16_t)udp_len);
	store_be16(b + 6, 0);
	if (d->marker)
		store_be32(b + UDP_HDR, 0);
	memcpy(b + UDP_HDR + (d->marker ? 4 : 0), d->data.p, d->data.n);
	store_be16(b + 6, sum_done(sum_add(sum, view_of(b, udp_len))));
	if (load_be16(b + 6) == 0) /* RFC 768: zero would mean none */
		store_be16(b + 6, 0xffff);
	return 0;
}

static void datagram_send(struct dp *dp, const Dp__PuntDatagram *q)
{
	struct datagram d;
	struct pkt *p;
	int rc = datagram_of(q, &d);

	if (rc < 0) {
		log_warn(&dp->log, "dp.punt.refused", "reason=\"%s\"", err_text(rc));
		return;
	}
	p = pkt_alloc(udp_len_of(&d) + IP6_HDR <= PKT_DATA ? dp->sh.pool : dp->sh.large);
	if (!p || packet_fill(&dp->env, p, &d) < 0) {
		count_add(&dp->stats[p ? STAT_DROP_IP_NEEDS_FRAGMENT : STAT_DROP_NO_BUFFER], 1);
		if (p)
			pkt_free(p);
		return;
	}
	p->kind = PKT_OUT;
	p->flags = PKT_OURS;
	p->iface = slot_find(dp, q->interface_id); /* in its instance; the default one if none */
	count_add(&dp->stats[STAT_IKE_TX], 1);
	dp_send_packet(dp, p);
}

void punt_readable(struct dp *dp)
{
	auto_free uint8_t *room = malloc(MESSAGE_MAX);
	ssize_t n = room ? recv(dp->punt, room, MESSAGE_MAX, MSG_TRUNC) : -1;
	Dp__PuntBatch *b;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n > MESSAGE_MAX) {
		punt_close(dp);
		return;
	}
	b = dp__punt_batch__unpack(NULL, (size_t)n, room);
	if (!b) {
		log_err(&dp->log, "dp.punt.garbled", "octets=%zd", n);
		punt_close(dp);
		return;
	}
	for (size_t i = 0; i < b->n_datagrams; i++)
		datagram_send(dp, b->datagrams[i]);
	dp__punt_batch__free_unpacked(b, NULL);
}
