#include "core/ah.h"
#include "node/node.h"

enum { UDP_IKE = 500, UDP_NATT = 4500, UDP_HDR = 8, NON_ESP_MARKER = 4 };

/* To the worker that owns the SPI's bucket; p at the ESP header or AH. */
static void steer(struct worker *w, struct pkt *p, enum pkt_kind kind)
{
	bool ah = kind == PKT_AH_IN;
	uint32_t to;

	if (p->len < (ah ? (uint32_t)AH_HDR : (uint32_t)ESP_HDR)) {
		worker_drop(w, p, ah ? STAT_DROP_AH_SHORT : STAT_DROP_ESP_SHORT);
		return;
	}
	p->spi = load_be32(p->p + (ah ? AH_AT_SPI : 0));
	if (p->spi <= SPI_RESERVED_LAST) {
		worker_drop(w, p, ah ? STAT_DROP_AH_SPI_RESERVED : STAT_DROP_ESP_SPI_RESERVED);
		return;
	}
	p->kind = (uint8_t)kind;
	sad_fetch(&w->sh->sad, p->spi);
	to = worker_of_bucket(w, spi_bucket(p->spi, w->net->bucket_bits));
	if (to == w->id)
		vec_add(ah ? &w->ah_in : &w->esp_in, p);
	else
		worker_hand(w, to, p);
}

/* RFC 8200 8.1: over IPv6 there is no "none was sent". */
static bool udp_sum_is_good(const struct pkt *p)
{
	const uint8_t *ip = p->p - p->outer;
	uint16_t len = (uint16_t)p->len;
	uint32_t sum;

	if (load_be16(p->p + 6) == 0)
		return ip_is_v4(ip);
	sum = ip_is_v4(ip) ? sum_pseudo(load_be32(ip + IP4_AT_SRC), load_be32(ip + IP4_AT_DST),
				     IP_UDP, len)
			   : sum_pseudo6(ip_src(ip), ip_dst(ip), IP_UDP, len);
	return sum_done(sum_add(sum, pkt_view(p))) == 0;
}

/* What is not ESP is for the owner of the group alone; p->outer octets behind its IP header. */
static bool gate_local(struct worker *w, struct pkt *p, const struct iface *own)
{
	uint8_t node;

	if (own->rg == 0 || p->flags & PKT_HOPPED) /* tandemd decides about what was sent to it */
		return true;
	switch (gate_rg(w, own->rg, &node)) {
	case GATE_ACT:
		return true;
	case GATE_FORWARD:
		(void)pkt_push(p, p->outer);
		node_forward(w, p, own->rg, node);
		return false;
	case GATE_QUEUE:
	case GATE_DROP:
		break;
	}
	worker_drop(w, p, STAT_DROP_RG_STANDBY);
	return false;
}

/* Fragments of ESP are gathered before anybody knows the bucket: in a handover too. */
static bool gate_fragment(struct worker *w, struct pkt *p, const struct iface *own)
{
	return gate_handover(w, own->rg) || gate_local(w, p, own);
}

/* p at the UDP header, cut to its length. */
static void local_ike(struct worker *w, struct pkt *p, const struct iface *own)
{
	uint32_t n;

	if (!own->ike) {
		worker_drop(w, p, STAT_DROP_IKE_OFF);
		return;
	}
	if (!gate_local(w, p, own))
		return;
	if (!udp_sum_is_good(p)) {
		worker_drop(w, p, STAT_DROP_UDP_SUM);
		return;
	}
	p->iface = own->slot;
	p->port = load_be16(p->p + 2);
	n = UDP_HDR + (p->port == UDP_NATT ? (uint32_t)NON_ESP_MARKER : 0);
	pkt_pull(p, n);
	p->outer += n;
	node_punt(w, p);
}

/* RFC 3948 2: a keepalive, a non-ESP marker, or an SPI. */
static void local_natt(struct worker *w, struct pkt *p, const struct iface *own)
{
	const uint8_t *data = p->p + UDP_HDR;
	uint32_t n = p->len - UDP_HDR;

	if (n == 1 && data[0] == 0xff) {
		worker_drop(w, p, STAT_NATT_KEEPALIVES);
		return;
	}
	if (n < NON_ESP_MARKER) {
		worker_drop(w, p, STAT_DROP_NATT_SHORT);
		return;
	}
	if (load_be32(data) == 0) {
		local_ike(w, p, own);
		return;
	}
	p->flags |= PKT_NATT;
	p->outer += UDP_HDR; /* its checksum is not looked at: ESP has a better one */
	pkt_pull(p, UDP_HDR);
	steer(w, p, PKT_ESP_IN);
}

/* ESP in UDP at a port of our own choice: no IKE and no keepalives are there, and the source port
 * says nothing about the peer. */
static void local_multipath(struct worker *w, struct pkt *p)
{
	p->outer += UDP_HDR;
	pkt_pull(p, UDP_HDR);
	worker_count(w, STAT_UDP_ENCAP_IN);
	steer(w, p, PKT_ESP_IN);
}

static void local_udp(struct worker *w, struct pkt *p, const struct iface *own)
{
	uint32_t len;

	if (p->len < UDP_HDR) {
		worker_drop(w, p, STAT_DROP_UDP_SHORT);
		return;
	}
	len = load_be16(p->p + 4);
	if (len < UDP_HDR || len > p->len) {
		worker_drop(w, p, STAT_DROP_UDP_LENGTH);
		return;
	}
	pkt_cut(p, len);
	p->sport = load_be16(p->p);
	switch (load_be16(p->p + 2)) {
	case UDP_IKE:
		local_ike(w, p, own);
		return;
	case UDP_NATT:
		local_natt(w, p, own);
		return;
	default:
		if (net_has_udp_port(w->net, load_be16(p->p + 2)))
			local_multipath(w, p);
		else
			worker_drop(w, p, STAT_DROP_UDP_PORT);
	}
}

/* RFC 4301 5.2: what transport mode protects is not heard in clear. The policies of an interface
 * are those of its own addresses, seen from here. */
static bool came_bare(const struct pkt *p, const struct iface *own)
{
	struct flow f, out;
	uint32_t policy;

	if (!own->n_spds || own->kind == IFACE_TUNNEL || p->flags & PKT_INNER)
		return false;
	f = flow_of(pkt_view(p));
	out = f;
	out.src = f.dst;
	out.dst = f.src;
	spd_index_out(own->spds[0].index, &out, 1, &policy);
	return policy != SPD_NONE;
}

/* `hdr` octets of headers, then the upper layer. */
static void local_upper(
	struct worker *w, struct pkt *p, uint32_t hdr, uint8_t proto, const struct iface *own)
{
	pkt_pull(p, hdr);
	p->outer = hdr;
	p->sport = 0;
	if (proto == IP_ESP)
		steer(w, p, PKT_ESP_IN);
	else if (proto == IP_AH)
		steer(w, p, PKT_AH_IN);
	else
		local_udp(w, p, own);
}

void node_local(struct worker *w, struct pkt *p, const struct ip4 *h, const struct iface *own)
{
	if (ip4_is_fragment(h)) {
		struct fragment f = fragment_of4(h, p->p);

		p->outer = 0;
		if (gate_fragment(w, p, own))
			node_gather(w, p, &f, own);
		return;
	}
	if (h->proto == IP_ICMP) {
		p->outer = 0;
		if (__builtin_expect(came_bare(p, own), 0))
			worker_drop(w, p, STAT_DROP_IP_CLEAR);
		else if (gate_local(w, p, own))
			node_icmp(w, p, h, own);
		return;
	}
	if (h->proto != IP_ESP && h->proto != IP_AH && h->proto != IP_UDP) {
		worker_drop(w, p, STAT_DROP_IP_PROTOCOL);
		return;
	}
	local_upper(w, p, h->hdr, h->proto, own);
}

/* RFC 8200 4: what a destination must not pass over, and says so. */
static bool is_refused(struct worker *w, struct pkt *p, const struct ip6 *h)
{
	struct icmp6_say say = {ICMP6_PARAMETER, 2, h->option_at};

	if (h->option_at) {
		if (p->p[h->option_at] & 0x80)
			icmp6_error(w, p, &say);
		worker_drop(w, p, STAT_DROP_IP6_OPTION_UNKNOWN);
		return true;
	}
	if (h->routing_at) {
		say = (struct icmp6_say){ICMP6_PARAMETER, 0, h->routing_at + 2u};
		icmp6_error(w, p, &say);
		worker_drop(w, p, STAT_DROP_IP6_ROUTED);
		return true;
	}
	return false;
}

void node_local6(struct worker *w, struct pkt *p, const struct ip6 *h, const struct iface *own)
{
	p->outer = 0;
	if (is_refused(w, p, h))
		return;
	if (ip6_is_fragment(h)) {
		struct fragment f = fragment_of6(h, p->p);

		if (gate_fragment(w, p, own))
			node_gather(w, p, &f, own);
	} else if (h->proto == IP_ICMP6) {
		if (__builtin_expect(came_bare(p, own), 0) && p->len > h->hdr &&
			!nd_is(p->p[h->hdr]))
			worker_drop(w, p, STAT_DROP_IP_CLEAR);
		else if (gate_local(w, p, own))
			node_icmp6(w, p, h, own);
	} else if (h->proto == IP_ESP || h->proto == IP_AH || h->proto == IP_UDP) {
		local_upper(w, p, h->hdr, h->proto, own);
	} else {
		icmp6_error(w, p, &(struct icmp6_say){ICMP6_PARAMETER, 1, h->proto_at});
		worker_drop(w, p, STAT_DROP_IP_PROTOCOL);
	}
}
