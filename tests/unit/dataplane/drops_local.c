#include <assert.h>

#include "drops.h"
#include "node/node.h"
#include "port.h"

static struct ip_frame udp(uint16_t dport, size_t n)
{
	struct ip_frame x = frame_to_us(IP_UDP, 8 + n);
	uint8_t *u = x.f + 34;

	store_be16(u, 1000);
	store_be16(u + 2, dport);
	store_be16(u + 4, (uint16_t)(8 + n));
	memset(u + 8, 0x11, n);
	return x;
}

static void protocol_unknown(struct shot *s)
{
	struct ip_frame x = frame_to_us(99, 40);

	fire_frame(s, 0, &x);
}

static void udp_cut(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_UDP, 7);

	fire_frame(s, 0, &x);
}

static void udp_longer_than_ip(struct shot *s)
{
	struct ip_frame x = udp(500, 40);

	store_be16(x.f + 34 + 4, 49);
	fire_frame(s, 0, &x);
}

static void udp_shorter_than_its_header(struct shot *s)
{
	struct ip_frame x = udp(500, 40);

	store_be16(x.f + 34 + 4, 7);
	fire_frame(s, 0, &x);
}

static void udp_to_a_closed_port(struct shot *s)
{
	struct ip_frame x = udp(53, 40);

	fire_frame(s, 0, &x);
}

static void ike_with_a_bad_sum(struct shot *s)
{
	struct ip_frame x = udp(500, 40);

	store_be16(x.f + 34 + 6, 1);
	fire_frame(s, 0, &x);
}

static void ike_cut(struct shot *s)
{
	struct ip_frame x = udp(500, 27);

	fire_frame(s, 0, &x);
}

static void ike_where_none_is_wanted(struct shot *s)
{
	struct ip_frame x = udp(500, 40);

	((struct iface *)(uintptr_t)s->y->w->net->ifaces[0])->ike = false;
	fire_frame(s, 0, &x);
}

static void ike_faster_than_it_is_read(struct shot *s)
{
	struct ip_frame x = udp(500, 40);

	aim(s);
	for (int i = 0; i <= RING_PUNT; i++)
		way_receive(s->y, 0, way_packet(x.f, x.n, 0));
	(void)way_drain(s->y);
}

static struct ip_frame echo(size_t n)
{
	struct ip_frame x = frame_to_us(IP_ICMP, n);
	uint8_t *m = x.f + 34;

	memset(m, 0, n);
	m[0] = 8;
	store_be16(m + 2, sum_done(sum_add(0, view_of(m, n))));
	return x;
}

static void icmp_cut(struct shot *s)
{
	struct ip_frame x = echo(7);

	fire_frame(s, 0, &x);
}

static void icmp_too_big_of_a_stranger(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 8 + 20 + 8);
	uint8_t *icmp = x.f + 34;

	icmp[0] = ICMP_UNREACHABLE;
	icmp[1] = ICMP_TOO_BIG;
	store_be16(icmp + 6, 600);
	ip4_put(icmp + 8, &(struct ip4_make){1, 2, 1400, 1, IP4_DF, IP_ESP, 64, 0});
	store_be16(icmp + 2, sum_done(sum_add(0, view_of(icmp, 36))));
	fire_frame(s, 0, &x);
}

static void icmp_that_is_no_echo(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ICMP, 8);

	memcpy(x.f + 34, "\x0d\0\xf2\xff\0\0\0\0", 8);
	fire_frame(s, 0, &x);
}

static void icmp_with_a_bad_sum(struct shot *s)
{
	struct ip_frame x = echo(40);

	x.f[x.n - 1] ^= 1;
	fire_frame(s, 0, &x);
}

/* ---------------------------------------------------------------- rings and ports */

static uint16_t tx_full(struct port *p, uint16_t queue, struct pkt **v, uint16_t n)
{
	(void)p;
	(void)queue;
	(void)v;
	(void)n;
	return 0;
}

static void port_takes_no_more(struct shot *s)
{
	static const struct port_ops full = {NULL, tx_full};
	struct ip_frame x = echo(40);

	s->y->ports[0].ops = &full;
	fire_frame(s, 0, &x);
}

static void worker_takes_no_more(struct shot *s)
{
	struct ip_frame x = frame_to_us(IP_ESP, 60);
	struct worker *other = worker_new(&s->y->sh, 1);
	struct pkt *p;

	assert(other);
	s->y->sh.workers[1] = other;
	s->y->sh.n_workers = 2;
	for (uint32_t b = 0; b < BUCKET_MAX; b++)
		atomic_store(&s->y->sh.bucket_worker[b], 1);
	do
		p = way_packet(NULL, 0, 0);
	while (ring_put(&other->in[0], &p));
	pkt_free(p);
	store_be32(x.f + 34, WAY_SPI_IN);
	fire_frame(s, 0, &x);
	worker_free(other);
	s->y->sh.n_workers = 1;
}

static const struct drop_case cases[] = {
	{STAT_DROP_IP_PROTOCOL, "a protocol we do not speak", protocol_unknown},
	{STAT_DROP_UDP_SHORT, "UDP cut short", udp_cut},
	{STAT_DROP_UDP_LENGTH, "UDP longer than its packet", udp_longer_than_ip},
	{STAT_DROP_UDP_LENGTH, "UDP shorter than its header", udp_shorter_than_its_header},
	{STAT_DROP_UDP_PORT, "a closed UDP port", udp_to_a_closed_port},
	{STAT_DROP_UDP_SUM, "a wrong UDP checksum", ike_with_a_bad_sum},
	{STAT_DROP_IKE_SHORT, "an IKE header cut short", ike_cut},
	{STAT_DROP_IKE_OFF, "IKE on an interface without", ike_where_none_is_wanted},
	{STAT_DROP_IKE_QUEUE, "one IKE message too many", ike_faster_than_it_is_read},
	{STAT_DROP_ICMP_SHORT, "ICMP cut short", icmp_cut},
	{STAT_DROP_PATH_MTU, "ICMP about a packet that was not ours", icmp_too_big_of_a_stranger},
	{STAT_DROP_ICMP, "ICMP that asks for the time", icmp_that_is_no_echo},
	{STAT_DROP_ICMP_SUM, "a wrong ICMP checksum", icmp_with_a_bad_sum},
	{STAT_DROP_TX, "a full port", port_takes_no_more},
	{STAT_DROP_RING, "a full ring to another worker", worker_takes_no_more},
};

struct drop_cases drops_local(void)
{
	return (struct drop_cases){cases, ARRAY_LEN(cases)};
}
