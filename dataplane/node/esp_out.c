#include "core/flow_port.h"
#include "node/esp.h"

const struct hop *sa_route(const struct worker *w, const struct sa *sa)
{
	const struct hop *hop = net_route(w->net,
		net_fib(w->net, atomic_load_explicit(&sa->instance, memory_order_relaxed)),
		ip_dst(sa->tmpl));

	return hop && (hop->kind == HOP_VIA || hop->kind == HOP_CONNECTED) ? hop : NULL;
}

/* RFC 4301 8: inner packets that would not fit are answered, or cut before encryption; the pieces
 * come next. */
void sa_too_big(struct worker *w, struct pkt *p, const struct sa *sa, uint32_t max,
	struct cut_queue *pieces)
{
	bool fixed = !ip_is_v4(p->p) || load_be16(p->p + IP4_AT_FRAG) & IP4_DF;

	if (p->tunnel_mtu)
		max = MIN(max, (uint32_t)p->tunnel_mtu);
	if (fixed && sa_cold(sa)->outer.no_too_big) {
		worker_drop(w, p, STAT_DROP_TUNNEL_MTU);
	} else if (fixed) {
		answer_too_big(w, p, max);
		worker_drop(w, p, STAT_DROP_IP_TOO_BIG);
	} else {
		pieces->at = 0;
		pieces->n = cut_packet(w, p, max, pieces->v);
	}
}

static bool fits(
	struct worker *w, struct pkt *p, struct sa *sa, uint32_t mtu, struct cut_queue *pieces)
{
	uint32_t way = atomic_load_explicit(&sa->mtu, memory_order_relaxed);
	uint32_t room = MIN(mtu, way) - sa->overhead;
	bool within = p->tunnel_mtu == 0 || p->len <= p->tunnel_mtu;

	if (esp_size(&sa->suite->shape, p->len) <= room && within)
		return true;
	path_mtu_age(w, sa); /* the next packet is measured anew */
	if (sa_is_least(p))
		return true;
	sa_too_big(w, p, sa, esp_payload_max(&sa->suite->shape, room), pieces);
	return false;
}

/* RFC 4301 5.1.2.1: DF, DSCP and TTL as the VPN says, ECN by RFC 6040 normal mode (copied). IPv6
 * has no DF to copy: it is as if it were always set. */
static void outer_header4(struct worker *w, uint8_t *o, const struct sa *sa, const uint8_t *inner)
{
	const struct outer_rules *r = &sa->outer;
	uint16_t df = outer_df(r, ip_is_v4(inner) ? load_be16(inner + IP4_AT_FRAG) : IP4_DF);
	uint8_t tos = outer_tos(r, ip_tos(inner));
	uint32_t sum = (uint16_t)~load_be16(sa->tmpl + IP4_AT_SUM);
	uint16_t id = w->ip_id++, len = (uint16_t)(load_be16(o + IP4_AT_LEN));

	o[IP4_AT_TOS] = tos;
	store_be16(o + IP4_AT_ID, id);
	store_be16(o + IP4_AT_FRAG, df);
	sum += (uint32_t)tos + len + id + df;
	if (__builtin_expect(r->copy_ttl, 0)) { /* the template's is 0 then */
		o[IP4_AT_TTL] = ip_hops(inner);
		sum += (uint32_t)o[IP4_AT_TTL] << 8;
	}
	store_be16(o + IP4_AT_SUM, sum_done(sum));
}

/* RFC 6438 3: the label of the inner flow, so that routers on the way spread by it. */
static void outer_header6(
	const struct worker *w, uint8_t *o, const struct sa *sa, struct view inner)
{
	const struct outer_rules *r = &sa->outer;
	uint8_t tos = outer_tos(r, ip_tos(inner.p));

	store_be32(o, UINT32_C(6) << 28 | (uint32_t)tos << 20 | flow_label(w->sh->flow_key, inner));
	if (r->copy_ttl)
		o[IP6_AT_HOPS] = ip_hops(inner.p);
}

/* RFC 3948 2.1; multipath encapsulation tells inner flows apart by the source port. */
static void udp_header(uint8_t *udp, const struct sa *sa, struct view inner, uint32_t len)
{
	const struct outer_options *o = &sa_cold(sa)->outer;

	store_be16(udp + 4, (uint16_t)len);
	if (o->udp_port)
		store_be16(udp, flow_port(o->udp_key, inner));
}

/* What of the IP header is not in the template. */
static inline void outer_fill(
	struct worker *w, uint8_t *o, const struct sa *sa, struct view inner, uint32_t len)
{
	if (__builtin_expect(ip_is_v4(o), 1)) {
		store_be16(o + IP4_AT_LEN, (uint16_t)len);
		outer_header4(w, o, sa, inner.p);
	} else {
		store_be16(o + IP6_AT_LEN, (uint16_t)(len - IP6_HDR));
		outer_header6(w, o, sa, inner);
	}
}

void sa_outer_put(
	struct worker *w, uint8_t *o, const struct sa *sa, struct view inner, uint32_t len)
{
	memcpy(o, sa->tmpl, sa->overhead);
	outer_fill(w, o, sa, inner, len);
}

/* Lengths the compiler knows are copied in place. */
static inline void template_put(uint8_t *o, const struct sa *sa)
{
	enum { PLAIN = (int)IP4_HDR + ESP_HDR };

	if (sa->overhead == IP4_HDR)
		memcpy(o, sa->tmpl, PLAIN);
	else
		memcpy(o, sa->tmpl, sa->overhead + (uint32_t)ESP_HDR);
}

/* Writes everything around the inner packet but the ciphertext and the ICV. */
static void build(struct worker *w, struct pkt *p, struct suite_op *op, uint64_t iv)
{
	struct sa *sa = p->sa;
	const struct esp_shape *shape = &sa->suite->shape;
	uint32_t pad = esp_pad(shape, p->len), cipher = p->len + pad + ESP_TRAILER;
	uint32_t front = sa->overhead + (uint32_t)ESP_HDR + shape->iv;
	struct view inner = pkt_view(p);
	uint8_t *o, *esp;

	esp_trailer_put(pkt_append(p, pad + ESP_TRAILER + shape->icv), pad,
		ip_is_v4(inner.p) ? ESP_NEXT_IPV4 : ESP_NEXT_IPV6);
	o = pkt_push(p, front);
	esp = o + sa->overhead;
	template_put(o, sa);
	outer_fill(w, o, sa, inner, p->len);
	if (sa->flags & SA_UDP)
		udp_header(
			esp - ESP_UDP_HDR, sa, inner, p->len - (uint32_t)(esp - o) + ESP_UDP_HDR);
	store_be32(esp + 4, (uint32_t)p->seq);
	if (suite_is_aead(sa->suite))
		store_be64(esp + ESP_HDR, iv);
	else
		suite_random_iv(w->engine, sa->suite, esp + ESP_HDR);
	op->key = sa->key_out;
	op->esp = esp;
	op->len = cipher;
	op->salt = sa->salt_out;
	op->seq = p->seq;
	op->esn = sa->flags & SA_ESN;
}

static bool has_room(const struct pkt *p, const struct sa *sa)
{
	uint32_t front = ETH_HDR + sa->overhead + (uint32_t)ESP_HDR + sa->suite->shape.iv;
	uint32_t back = sa->suite->shape.align + (uint32_t)ESP_TRAILER + sa->suite->shape.icv;

	return p->head >= front && p->tail >= back;
}

/* Everything that can be refused before a number is used. On success the number is taken. */
static bool admit(struct worker *w, struct pkt *p, struct suite_op *op, struct cut_queue *pieces)
{
	struct sa *sa = p->sa;
	const struct iface *iface;
	const struct hop *hop;
	uint64_t iv = 0;

	if (!esp_admit(w, p, sa))
		return false;
	hop = sa_route(w, sa);
	iface = hop ? net_iface(w->net, hop->iface) : NULL;
	if (!iface) {
		worker_drop(w, p, STAT_DROP_IP_ROUTE);
		return false;
	}
	if (!fits(w, p, sa, iface->mtu, pieces))
		return false;
	if (!has_room(p, sa)) {
		worker_drop(w, p, STAT_DROP_NO_ROOM);
		return false;
	}
	if (!sa_number(w, p, sa->suite, STAT_ESP_OUT_BYTES, &iv))
		return false;
	p->hop = (uint32_t)(hop - w->net->hops);
	build(w, p, op, iv);
	return true;
}

static struct pkt *next(struct worker *w, uint32_t *at, struct cut_queue *pieces)
{
	if (pieces->at < pieces->n)
		return pieces->v[pieces->at++];
	return *at < w->esp_out.n ? w->esp_out.v[(*at)++] : NULL;
}

/* RFC 8200 8.1: over IPv6 UDP has a checksum; that it may be zero for tunnels (RFC 6935) has to be
 * agreed on, and kernels drop it. */
static void udp_sum6(struct pkt *p)
{
	uint8_t *udp = p->p + IP6_HDR;
	uint32_t len = p->len - IP6_HDR;
	uint16_t sum = sum_done(
		sum_add(sum_pseudo6(ip_src(p->p), ip_dst(p->p), IP_UDP, len), view_of(udp, len)));

	store_be16(udp + 6, sum ? sum : 0xffff);
}

/* Around an IPv6 packet that no one may be asked to shorten: cut as the outer packet it is. */
static void leave_cut(
	struct worker *w, struct pkt *p, const struct iface *iface, const struct hop *hop)
{
	struct ipaddr next_hop = hop_address(hop, ip_dst(p->p));
	struct pkt *pieces[IP4_CUT_MAX] UNINITIALIZED;
	uint32_t n;

	if (ip_is_v4(p->p)) {
		store_be16(p->p + IP4_AT_SUM,
			sum_update(load_be16(p->p + IP4_AT_SUM), load_be16(p->p + IP4_AT_FRAG), 0));
		store_be16(p->p + IP4_AT_FRAG, 0);
	}
	n = cut_packet(w, p, iface->mtu, pieces);
	for (uint32_t i = 0; i < n; i++)
		node_output(w, pieces[i], iface, next_hop);
}

void sa_leave(struct worker *w, struct pkt *p)
{
	const struct hop *hop = &w->net->hops[p->hop];
	const struct iface *iface = net_iface(w->net, hop->iface);

	if (p->sa->flags & SA_UDP && !ip_is_v4(p->p))
		udp_sum6(p);
	if (__builtin_expect(p->len > iface->mtu, 0))
		leave_cut(w, p, iface, hop);
	else
		node_output(w, p, iface, hop_address(hop, ip_dst(p->p)));
}

void node_esp_out(struct worker *w)
{
	struct suite_op ops[PKT_BURST] UNINITIALIZED;
	struct pkt *v[PKT_BURST] UNINITIALIZED;
	struct cut_queue pieces UNINITIALIZED;
	struct pkt *p;
	uint32_t at = 0, n;

	pieces.n = pieces.at = 0;
	do {
		n = 0;
		while (n < PKT_BURST && (p = next(w, &at, &pieces)) != NULL) {
			v[n] = p;
			if (admit(w, p, &ops[n], &pieces))
				n++;
		}
		if (__builtin_expect(w->sh->test_hang, 0) && n)
			worker_test_hang(w, HANG_OUT);
		esp_run(w, v, ops, n, true);
		for (uint32_t i = 0; i < n; i++) {
			worker_count(w, STAT_ESP_OUT);
			sa_leave(w, v[i]);
		}
	} while (n == PKT_BURST);
	w->esp_out.n = 0;
}
