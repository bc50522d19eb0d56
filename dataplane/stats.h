#pragma once
/*
 * Counters by name. Each worker counts into its own row, the API thread adds the rows up.
 * Every packet that is not sent, delivered or queued raises exactly one drop counter; for each of
 * them tests/unit/dataplane/test_drops.c has the packet that raises it (PKT-012).
 */
#include <stdint.h>

/* row: enumerator, stable name; the drops come last */
#define STAT_LIST(X)                                                                               \
	X(RX_PACKETS, "rx.packets")                                                                \
	X(TX_PACKETS, "tx.packets")                                                                \
	X(ARP_REPLIES, "arp.replies")                                                              \
	X(ARP_HEARD, "arp.heard")                                                                  \
	X(ARP_REQUESTS, "arp.requests")                                                            \
	X(ND_ADVERTS, "nd.adverts")                                                                \
	X(ND_HEARD, "nd.heard")                                                                    \
	X(ND_SOLICITS, "nd.solicits")                                                              \
	X(ICMP_ECHOES, "icmp.echoes")                                                              \
	X(ICMP_ERRORS, "icmp.errors")                                                              \
	X(ICMP_LIMITED, "icmp.limited")                                                            \
	X(IKE_RX, "ike.rx")                                                                        \
	X(IKE_TX, "ike.tx")                                                                        \
	X(ESP_IN, "esp.in")                                                                        \
	X(ESP_OUT, "esp.out")                                                                      \
	X(ESP_IN_BYTES, "esp.in.bytes")                                                            \
	X(ESP_OUT_BYTES, "esp.out.bytes")                                                          \
	X(AH_IN, "ah.in")                                                                          \
	X(AH_OUT, "ah.out")                                                                        \
	X(AH_IN_BYTES, "ah.in.bytes")                                                              \
	X(AH_OUT_BYTES, "ah.out.bytes")                                                            \
	X(NATT_KEEPALIVES, "natt.keepalives")                                                      \
	X(UDP_ENCAP_IN, "udp-encapsulation.in")                                                    \
	X(PATH_MTU_HEARD, "path-mtu.heard")                                                        \
	X(FRAGMENTS_IN, "fragments.in")                                                            \
	X(FRAGMENTS_JOINED, "fragments.joined")                                                    \
	X(FRAGMENTS_OUT, "fragments.out")                                                          \
	X(FABRIC_FORWARDED, "fabric.forwarded")                                                    \
	X(FABRIC_RECEIVED, "fabric.received")                                                      \
	X(AWAITED, "esp.awaited")                                                                  \
	X(AWAIT_FULL, "esp.await-table-full")                                                      \
	X(HANDOVER_QUEUED, "handover.queued")                                                      \
	X(KERNEL_IN, "kernel.in")                                                                  \
	X(KERNEL_OUT, "kernel.out")                                                                \
	X(HANDOFFS, "worker.handoffs")                                                             \
	X(EVENTS_LOST, "event.lost")                                                               \
	X(DROP_NO_BUFFER, "drop.no-buffer")                                                        \
	X(DROP_NO_ROOM, "drop.no-room")                                                            \
	X(DROP_RING, "drop.ring")                                                                  \
	X(DROP_TX, "drop.tx")                                                                      \
	X(DROP_PORT, "drop.port")                                                                  \
	X(DROP_ETH_SHORT, "drop.eth.short")                                                        \
	X(DROP_ETH_ADDRESS, "drop.eth.address")                                                    \
	X(DROP_ETH_TYPE, "drop.eth.type")                                                          \
	X(DROP_ARP, "drop.arp.hardware")                                                           \
	X(DROP_ARP_SHORT, "drop.arp.short")                                                        \
	X(DROP_ARP_OTHER, "drop.arp.other")                                                        \
	X(DROP_IP_SHORT, "drop.ip.short")                                                          \
	X(DROP_IP_LENGTH, "drop.ip.length")                                                        \
	X(DROP_IP_VERSION, "drop.ip.version")                                                      \
	X(DROP_IP_HEADER, "drop.ip.header")                                                        \
	X(DROP_IP_SUM, "drop.ip.checksum")                                                         \
	X(DROP_IP6_SHORT, "drop.ip6.short")                                                        \
	X(DROP_IP6_VERSION, "drop.ip6.header")                                                     \
	X(DROP_IP6_MAPPED, "drop.ip6.mapped")                                                      \
	X(DROP_IP6_CHAIN, "drop.ip6.chain")                                                        \
	X(DROP_IP6_LIMIT, "drop.ip6.extension-limit")                                              \
	X(DROP_IP6_ORDER, "drop.ip6.extension-order")                                              \
	X(DROP_IP6_OPTION, "drop.ip6.option-bad")                                                  \
	X(DROP_IP6_OPTION_UNKNOWN, "drop.ip6.option-unknown")                                      \
	X(DROP_IP6_ROUTING, "drop.ip6.routing-type-0")                                             \
	X(DROP_IP6_ROUTED, "drop.ip6.segments-left")                                               \
	X(DROP_IP6_MARTIAN, "drop.ip6.martian")                                                    \
	X(DROP_IP6_SCOPE, "drop.ip6.scope")                                                        \
	X(DROP_ND_HOPS, "drop.nd.hop-limit")                                                       \
	X(DROP_ND_SHORT, "drop.nd.short")                                                          \
	X(DROP_ND_TARGET, "drop.nd.target")                                                        \
	X(DROP_ND_OPTION, "drop.nd.option")                                                        \
	X(DROP_ND_OTHER, "drop.nd.other")                                                          \
	X(DROP_ICMP6_SHORT, "drop.icmp6.short")                                                    \
	X(DROP_ICMP6_SUM, "drop.icmp6.checksum")                                                   \
	X(DROP_FRAGMENT, "drop.fragment.length")                                                   \
	X(DROP_FRAGMENT_BEYOND, "drop.fragment.beyond")                                            \
	X(DROP_FRAGMENT_OVERLAP, "drop.fragment.overlap")                                          \
	X(DROP_FRAGMENT_BIG, "drop.fragment.too-big")                                              \
	X(DROP_FRAGMENT_COPY, "drop.fragment.copy")                                                \
	X(DROP_FRAGMENT_ECN, "drop.fragment.ecn")                                                  \
	X(DROP_FRAGMENT_INCOMPLETE, "drop.fragment.incomplete")                                    \
	X(DROP_FRAGMENT_REFUSED, "drop.fragment.refused")                                          \
	X(DROP_IP_MULTICAST, "drop.ip.multicast")                                                  \
	X(DROP_IP_SOURCE_GROUP, "drop.ip.source-group")                                            \
	X(DROP_IP_NOBODY, "drop.ip.unspecified")                                                   \
	X(DROP_IP_SOURCE, "drop.ip.source")                                                        \
	X(DROP_IP_TTL, "drop.ip.ttl")                                                              \
	X(DROP_IP_ROUTE, "drop.ip.no-route")                                                       \
	X(DROP_IP_PROTOCOL, "drop.ip.protocol")                                                    \
	X(DROP_IP_TOO_BIG, "drop.ip.too-big")                                                      \
	X(DROP_TUNNEL_MTU, "drop.tunnel.mtu")                                                      \
	X(DROP_IP_NEEDS_FRAGMENT, "drop.ip.needs-fragment")                                        \
	X(DROP_PATH_MTU, "drop.path-mtu")                                                          \
	X(DROP_ICMP, "drop.icmp.type")                                                             \
	X(DROP_ICMP_SHORT, "drop.icmp.short")                                                      \
	X(DROP_ICMP_SUM, "drop.icmp.checksum")                                                     \
	X(DROP_UDP_LENGTH, "drop.udp.length")                                                      \
	X(DROP_UDP_SHORT, "drop.udp.short")                                                        \
	X(DROP_UDP_SUM, "drop.udp.checksum")                                                       \
	X(DROP_UDP_PORT, "drop.udp.port")                                                          \
	X(DROP_IKE_SHORT, "drop.ike.short")                                                        \
	X(DROP_IKE_OFF, "drop.ike.off")                                                            \
	X(DROP_IKE_QUEUE, "drop.ike.queue")                                                        \
	X(DROP_AH_SHORT, "drop.ah.short")                                                          \
	X(DROP_AH_SPI_RESERVED, "drop.ah.spi-reserved")                                            \
	X(DROP_AH_SPI, "drop.ah.spi-unknown")                                                      \
	X(DROP_AH_LENGTH, "drop.ah.length")                                                        \
	X(DROP_AH_HEADERS, "drop.ah.headers")                                                      \
	X(DROP_AH_REPLAY, "drop.ah.replay")                                                        \
	X(DROP_AH_OLD, "drop.ah.below-window")                                                     \
	X(DROP_AH_NUMBER, "drop.ah.number-zero")                                                   \
	X(DROP_AH_HORIZON, "drop.ah.horizon")                                                      \
	X(DROP_AH_AUTH, "drop.ah.auth")                                                            \
	X(DROP_AH_NEXT, "drop.ah.next-header")                                                     \
	X(DROP_AH_BUNDLE, "drop.ah.bundle")                                                        \
	X(DROP_IP_CLEAR, "drop.ip.clear")                                                          \
	X(DROP_TRANSPORT, "drop.transport")                                                        \
	X(DROP_ESP_SHORT, "drop.esp.short")                                                        \
	X(DROP_NATT_SHORT, "drop.natt.short")                                                      \
	X(DROP_ESP_SPI_RESERVED, "drop.esp.spi-reserved")                                          \
	X(DROP_ESP_SPI, "drop.esp.spi-unknown")                                                    \
	X(DROP_AWAIT_QUEUE, "drop.esp.await-queue")                                                \
	X(DROP_AWAIT_LATE, "drop.esp.await-late")                                                  \
	X(DROP_ESP_LENGTH, "drop.esp.length")                                                      \
	X(DROP_ESP_BLOCK, "drop.esp.alignment")                                                    \
	X(DROP_ESP_REPLAY, "drop.esp.replay")                                                      \
	X(DROP_ESP_OLD, "drop.esp.below-window")                                                   \
	X(DROP_ESP_NUMBER, "drop.esp.number-zero")                                                 \
	X(DROP_ESP_HORIZON, "drop.esp.horizon")                                                    \
	X(DROP_ESP_AUTH, "drop.esp.auth")                                                          \
	X(DROP_ESP_PADDING, "drop.esp.padding")                                                    \
	X(DROP_ESP_PAD_LENGTH, "drop.esp.pad-length")                                              \
	X(DROP_ESP_NEXT, "drop.esp.next-header")                                                   \
	X(DROP_ESP_DUMMY, "drop.esp.dummy")                                                        \
	X(DROP_INNER_SHORT, "drop.esp.inner-short")                                                \
	X(DROP_INNER_LENGTH, "drop.esp.inner-length")                                              \
	X(DROP_INNER_VERSION, "drop.esp.inner-version")                                            \
	X(DROP_INNER_HEADER, "drop.esp.inner-header")                                              \
	X(DROP_INNER_SUM, "drop.esp.inner-checksum")                                               \
	X(DROP_INNER_IP6, "drop.esp.inner-ip6")                                                    \
	X(DROP_ESP_SELECTOR, "drop.esp.selector")                                                  \
	X(DROP_ESP_ECN, "drop.esp.ecn")                                                            \
	X(DROP_ESP_EPOCH, "drop.esp.epoch")                                                        \
	X(DROP_ESP_LEASE, "drop.esp.lease")                                                        \
	X(DROP_ESP_IV, "drop.esp.iv")                                                              \
	X(DROP_ESP_LIFETIME, "drop.esp.lifetime")                                                  \
	X(DROP_SPD_POLICY, "drop.spd.no-policy")                                                   \
	X(DROP_SPD_HOP, "drop.spd.no-next-hop-tunnel")                                             \
	X(DROP_SPD_SA, "drop.spd.no-sa")                                                           \
	X(DROP_KERNEL_QUEUE, "drop.kernel.queue")                                                  \
	X(DROP_KERNEL_SOURCE, "drop.kernel.source")                                                \
	X(DROP_KERNEL_ROUTE, "drop.kernel.no-tunnel")                                              \
	X(DROP_KERNEL_POLICY, "drop.kernel.no-policy")                                             \
	X(DROP_KERNEL_STANDBY, "drop.kernel.standby")                                              \
	X(DROP_NEIGHBOUR_QUEUE, "drop.neighbour.queue")                                            \
	X(DROP_NEIGHBOUR, "drop.neighbour.unresolved")                                             \
	X(DROP_RG_STANDBY, "drop.rg.standby")                                                      \
	X(DROP_RG_HOPPED, "drop.rg.hopped")                                                        \
	X(DROP_FABRIC, "drop.fabric.kind")                                                         \
	X(DROP_FABRIC_SHORT, "drop.fabric.short")                                                  \
	X(DROP_FABRIC_VERSION, "drop.fabric.version")                                              \
	X(DROP_FABRIC_CLUSTER, "drop.fabric.cluster")                                              \
	X(DROP_FABRIC_NODE, "drop.fabric.node")                                                    \
	X(DROP_FABRIC_IFACE, "drop.fabric.interface")                                              \
	X(DROP_FABRIC_QUEUE, "drop.fabric.queue")                                                  \
	X(DROP_FABRIC_PEER, "drop.fabric.no-peer")                                                 \
	X(DROP_FABRIC_MTU, "drop.fabric.mtu")                                                      \
	X(DROP_HANDOVER_QUEUE, "drop.handover.queue")                                              \
	X(DROP_MOVE_QUEUE, "drop.move.queue")                                                      \
	X(DROP_WORKER_GONE, "drop.worker.gone")                                                    \
	X(DROP_WORKER_REVOKED, "drop.worker.revoked")

enum counter {

#define X(id, name) STAT_##id,
	STAT_LIST(X)
#undef X
		STAT_COUNT
};

const char *stat_name(enum counter s);

/* One writer, others may read at any time. */
static inline void count_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

static inline void count_set(uint64_t *c, uint64_t v)
{
	__atomic_store_n(c, v, __ATOMIC_RELAXED);
}

static inline uint64_t count_get(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}
