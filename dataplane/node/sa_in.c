#include "await.h"
#include "core/transport.h"
#include "form.h"
#include "node/esp.h"

#define BAD_SPI_NS (UINT64_C(100) * 1000 * 1000)

static void tell_unknown(struct worker *w, const struct pkt *p)
{
	struct note n = {.kind = NOTE_BAD_SPI, .spi = p->spi};

	if (w->now_ns - w->bad_spi_ns < BAD_SPI_NS)
		return;
	w->bad_spi_ns = w->now_ns;
	n.endpoint.from = ip_src(p->p - p->outer);
	n.endpoint.from_port = p->sport;
	n.endpoint.to = ip_dst(p->p - p->outer);
	n.endpoint.to_port = p->flags & PKT_NATT ? ESP_UDP_PORT : 0;
	(void)worker_note(w, &n);
}

void sa_unknown(struct worker *w, struct pkt *p, enum counter why)
{
	p->sa = NULL;
	if (await_hold(w, p))
		return;
	tell_unknown(w, p);
	worker_drop(w, p, why);
}

static void tell_first(struct worker *w, struct sa *sa)
{
	struct note n = {.kind = NOTE_INBOUND_FIRST, .spi = sa->spi_in};

	sa_flag(sa, SA_SEEN_IN);
	/* Rule 10: the peer has it, so we may use it. */
	atomic_store_explicit(&sa->outbound, true, memory_order_release);
	(void)worker_note(w, &n);
}

bool sa_mark(struct worker *w, struct pkt *p)
{
	struct sa *sa = p->sa;

	if (replay_mark(&sa->in, p->seq) < 0) { /* twice in one burst */
		count_add(&sa->n.replay_errors, 1);
		worker_drop(
			w, p, suite_is_ah(sa->suite) ? STAT_DROP_AH_REPLAY : STAT_DROP_ESP_REPLAY);
		return false;
	}
	if (__builtin_expect(!(sa->flags & SA_SEEN_IN), 0))
		tell_first(w, sa);
	return true;
}

/* RFC 6040 4.2, RFC 4301 5.1.2.1: congestion comes in, DSCP when the VPN says so; for all four
 * pairs of families. p at the inner header. */
static enum counter take_tos(struct pkt *p, const struct sa *sa, uint8_t outer_tos)
{
	uint8_t was = ip_tos(p->p), tos;
	uint16_t word = load_be16(p->p);

	if (ecn_leave(was, outer_tos, &tos) < 0)
		return STAT_DROP_ESP_ECN;
	if (sa_cold(sa)->outer.copy_dscp)
		tos = (uint8_t)((outer_tos & OUTER_DSCP) | (tos & OUTER_ECN));
	if (!ip_is_v4(p->p)) {
		ip6_tos_put(p->p, tos);
		return STAT_COUNT;
	}
	p->p[IP4_AT_TOS] = tos;
	store_be16(
		p->p + IP4_AT_SUM, sum_update(load_be16(p->p + IP4_AT_SUM), word, load_be16(p->p)));
	return STAT_COUNT;
}

/* Reads the inner header. Octets behind the packet are TFC padding (RFC 4303 2.7). */
static enum counter read_inner(struct pkt *p, uint8_t next, struct flow *f)
{
	static const enum counter why[] = {
		[IP4_FAULT_SHORT] = STAT_DROP_INNER_SHORT,
		[IP4_FAULT_LENGTH] = STAT_DROP_INNER_LENGTH,
		[IP4_FAULT_VERSION] = STAT_DROP_INNER_VERSION,
		[IP4_FAULT_HEADER] = STAT_DROP_INNER_HEADER,
		[IP4_FAULT_SUM] = STAT_DROP_INNER_SUM,
	};
	enum ip4_fault fault;
	struct ip6 h;
	struct ip4 h4;

	if (__builtin_expect(next == ESP_NEXT_IPV4, 1)) {
		fault = ip4_read(pkt_view(p), &h4);
		if (fault != IP4_OK)
			return why[fault];
		pkt_cut(p, h4.len);
		flow_put4(f, pkt_view(p));
		return STAT_COUNT;
	}
	if (ip6_read(pkt_view(p), &h) != IP6_OK)
		return STAT_DROP_INNER_IP6;
	if (!ip6_may_pass(&h))
		return STAT_DROP_IP6_SCOPE;
	pkt_cut(p, h.len);
	*f = flow_of6(pkt_view(p), &h);
	return STAT_COUNT;
}

/* p at the inner packet. */
static enum counter leave_tunnel(struct pkt *p, const struct opened *o, struct flow *f)
{
	uint8_t outer_tos = ip_tos(p->p - o->outer);
	enum counter why;

	if (o->next != ESP_NEXT_IPV4 && o->next != ESP_NEXT_IPV6)
		return suite_is_ah(p->sa->suite) ? STAT_DROP_AH_NEXT : STAT_DROP_ESP_NEXT;
	why = read_inner(p, o->next, f);
	/* Alike, as they mostly are, nothing follows from them. */
	if (why != STAT_COUNT || outer_tos == ip_tos(p->p))
		return why;
	return take_tos(p, p->sa, outer_tos);
}

/* RFC 4303 3.1.1: the IP header moves up to what it carried. */
static enum counter leave_transport(struct pkt *p, const struct opened *o, struct flow *f)
{
	const uint8_t *outer = p->p - o->outer;

	/* Protection within protection would be looked at by nobody. */
	if (o->next == IP_ESP || o->next == IP_AH)
		return suite_is_ah(p->sa->suite) ? STAT_DROP_AH_NEXT : STAT_DROP_ESP_NEXT;
	memmove(pkt_push(p, o->hdr), outer, o->hdr);
	transport_close(p->p, o->hdr, o->next, p->len);
	*f = flow_of(pkt_view(p));
	return STAT_COUNT;
}

static enum counter leave(struct pkt *p, const struct opened *o)
{
	const struct sa *sa = p->sa;
	enum counter why;
	struct flow f;

	if (o->next == ESP_NEXT_DUMMY)
		return STAT_DROP_ESP_DUMMY;
	if (__builtin_expect(sa_is_transport(sa), 0))
		why = leave_transport(p, o, &f);
	else
		why = leave_tunnel(p, o, &f);
	if (why != STAT_COUNT)
		return why;
	return selectors_match_in(&sa_cold(sa)->ts, &f) ? STAT_COUNT : STAT_DROP_ESP_SELECTOR;
}

void sa_reject(struct worker *w, struct pkt *p, enum counter why)
{
	struct sa *sa = p->sa;

	count_set(&sa->n.last_in_ns, w->now_ns);
	if (why == STAT_DROP_ESP_SELECTOR)
		count_add(&sa->n.selector_errors, 1);
	else if (why != STAT_DROP_ESP_DUMMY)
		count_add(&sa->n.decrypt_errors, 1);
	worker_drop(w, p, why);
	sa_tend(w, sa);
}

void sa_accept(struct worker *w, struct pkt *p, const struct opened *o)
{
	struct sa *sa = p->sa;
	bool ah = suite_is_ah(sa->suite);
	enum counter why = leave(p, o);

	if (why != STAT_COUNT) {
		sa_reject(w, p, why);
		return;
	}
	count_set(&sa->n.last_in_ns, w->now_ns);
	count_add(&sa->n.packets_in, 1);
	count_add(&sa->n.bytes_in, p->len);
	worker_count(w, ah ? STAT_AH_IN : STAT_ESP_IN);
	count_add(&w->stats[ah ? STAT_AH_IN_BYTES : STAT_ESP_IN_BYTES], p->len);
	p->flags |= PKT_INNER;
	if (!sa_is_transport(sa))
		p->iface = atomic_load_explicit(&sa_cold(sa)->tunnel, memory_order_relaxed);
	vec_add(&w->route, p);
	sa_tend(w, sa);
}
