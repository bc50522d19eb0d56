#pragma once
/*
 * The steps of a packet's way, in the order packets pass them. Each takes the packets it is given
 * over: it passes them on, sends them, queues them or drops them with a counter.
 *
 *	classify -> arp | icmp | punt | esp_in | ah_in | route | forward (to the owner of the RG)
 *	esp_in, ah_in    -> route
 *	route    -> esp_out | ah_out | output
 *	esp_out, ah_out  -> output -> resolve (no MAC yet) | tx
 *
 * Thread: the worker given.
 */
#include "core/ip6.h"
#include "core/spi.h"
#include "worker.h"

enum {
	ETH_HDR = 14,
	ETH_IP4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_IP6 = 0x86dd,
	ETH_FABRIC = 0x88b5, /* IEEE 802 local experimental */
};

/* May this node act, and if not, what becomes of the packet? */
enum gate { GATE_ACT, GATE_QUEUE, GATE_FORWARD, GATE_DROP };

enum gate gate_rg(const struct worker *w, uint8_t rg, uint8_t *node);
/* The handover of the group that is under way, or NULL. */
struct rg_handover *gate_handover(const struct worker *w, uint8_t rg);
enum gate gate_sa(const struct worker *w, const struct sa *sa, uint8_t *node);
/* The epoch to number packets in: of the RG, or of the handover that gave the bucket early. */
uint64_t gate_epoch(const struct worker *w, const struct sa *sa);

/* classify.c: a frame from a port. */
void node_classify(struct worker *w, struct pkt *p);
/* From the IP header on; `iface` is where it came from. */
void node_ip(struct worker *w, struct pkt *p, const struct iface *iface);
void node_ip4(struct worker *w, struct pkt *p, const struct iface *iface);
/* The group that decides whether this node may touch the packet: that of the address it is for, or
 * of the interface it came by. False: it went another way. */
bool gate_packet(struct worker *w, struct pkt *p, uint8_t rg);
/* ip6.c */
void node_ip6(struct worker *w, struct pkt *p, const struct iface *iface);
/* May it be passed on, as far as its addresses say? */
bool ip6_may_pass(const struct ip6 *h);
/* local.c: for an address of ours. */
void node_local(struct worker *w, struct pkt *p, const struct ip4 *h, const struct iface *own);
void node_local6(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *own);
/* fragment.c: a fragment for an address of ours; the whole packet goes on when it is complete. */
void node_gather(
	struct worker *w, struct pkt *p, const struct fragment *f, const struct iface *own);
void gather_tick(struct worker *w);
/* Cuts p (consumed), at its IP header, into pieces of at most mtu octets, which carry on what is
 * known of it; how many, in out[IP4_CUT_MAX]. 0: dropped, and counted. */
uint32_t cut_packet(struct worker *w, struct pkt *p, uint32_t mtu, struct pkt **out);
/* arp.c */
void node_arp(struct worker *w, struct pkt *p, const struct iface *iface);
void arp_request(struct worker *w, const struct iface *iface, uint32_t target);
/* nd.c: neighbour discovery; p at the IP header, its Ethernet header before it */
void node_nd(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *iface);
void nd_solicit(struct worker *w, const struct iface *iface, struct ipaddr target);
/* Is this type of ICMPv6 one of its messages? */
bool nd_is(uint8_t type);
/* icmp.c */
/* A packet for an error message; NULL: too many of them, or no buffer. Counted. */
struct pkt *icmp_error_new(struct worker *w);
void node_icmp(struct worker *w, struct pkt *p, const struct ip4 *h, const struct iface *own);

enum { ICMP_UNREACHABLE = 3, ICMP_TIME_EXCEEDED = 11, ICMP_NET = 0, ICMP_TOO_BIG = 4 };

/* Answers the sender of p (not consumed) at its IP header; `mtu` for ICMP_TOO_BIG. */
void icmp_error(struct worker *w, const struct pkt *p, uint8_t type, uint8_t code, uint32_t mtu);
/* icmp6.c */
void node_icmp6(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *own);

enum { ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG = 2, ICMP6_EXPIRED = 3, ICMP6_PARAMETER = 4 };

struct icmp6_say {
	uint8_t type, code;
	uint32_t param; /* MTU, or where the fault is */
};

void icmp6_error(struct worker *w, const struct pkt *p, const struct icmp6_say *say);
/* In the family of p (not consumed) at its IP header. */
void answer_too_big(struct worker *w, const struct pkt *p, uint32_t mtu);
void answer_no_route(struct worker *w, const struct pkt *p);
void answer_expired(struct worker *w, const struct pkt *p);
/* punt.c: p at the IKE message. */
void node_punt(struct worker *w, struct pkt *p);
/* kernel.c: a packet out of a tunnel that is the kernel's business goes there; false: it is not. */
bool node_to_kernel(struct worker *w, struct pkt *p);
/* .. out of an SA in transport mode, for the address of ours that `own` has. */
bool node_transport_to_kernel(struct worker *w, struct pkt *p, const struct iface *own);
/* From the kernel, by the device of the interface p->iface: it leaves by an SA or not at all. */
void node_from_kernel(struct worker *w, struct pkt *p);
/* esp_in.c: works w->esp_in off. */
void node_esp_in(struct worker *w);
/* path_mtu.c: ICMP "fragmentation needed", its checksum found good. */
void path_mtu_heard(struct worker *w, struct pkt *p, const struct ip4 *h);
void path_mtu_heard6(struct worker *w, struct pkt *p, const struct ip6 *h);
/* Of an SA's owner: what was learned long ago is forgotten. */
void path_mtu_age(const struct worker *w, struct sa *sa);
/* route.c: works w->route off. */
void node_route(struct worker *w);
/* spd_out.c: which SA takes it? Works w->spd_out off: `hop` leads to the tunnel. */
void node_spd_out(struct worker *w);
/* The SA of a policy that sends what the worker has; NULL: none may. */
struct sa *sa_for(const struct sa_set *set, uint32_t worker, const struct flow *f);
/* esp_out.c: works w->esp_out off. */
void node_esp_out(struct worker *w);
/* ah_in.c, ah_out.c: AH; and outbound whatever is not ESP in a tunnel. */
void node_ah_in(struct worker *w);
void node_ah_out(struct worker *w);

/* Into the queue of its SA's kind, at the owner. */
static inline void sa_send(struct worker *w, struct pkt *p)
{
	vec_add(p->sa->flags & SA_FORMED ? &w->ah_out : &w->esp_out, p);
}

/* output.c: p at an IP header, leaving by iface towards next_hop. */
void node_output(
	struct worker *w, struct pkt *p, const struct iface *iface, struct ipaddr next_hop);
/* Complete frame. */
void node_tx(struct worker *w, struct pkt *p, uint16_t port);
void node_tx_flush(struct worker *w);
/* neighbour.c: worker 0 only; p at an IP header. */
void node_resolve(struct worker *w, struct pkt *p);
void neighbour_tick(struct worker *w);
/* fabric.c: to the node that owns the RG, p at the IP header of what arrived. */
void node_forward(struct worker *w, struct pkt *p, uint8_t rg, uint8_t node);
void node_fabric(struct worker *w, struct pkt *p);

/* The routes for what is to leave or arrive by this interface. */
static inline const struct fib *iface_fib(const struct worker *w, const struct iface *iface)
{
	return net_fib(w->net, iface->instance);
}

/* .. for a packet, by the interface it came from. */
static inline const struct fib *pkt_fib(const struct worker *w, const struct pkt *p)
{
	const struct iface *from = net_iface(w->net, p->iface);

	return net_fib(w->net, from ? from->instance : 0);
}

bool fabric_eth_put(
	const struct shared *sh, const struct iface *fabric, uint8_t node, uint8_t *eth);
