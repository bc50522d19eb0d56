#pragma once
/*
 * What ESP and AH share in both directions: who may act, the ciphers, asking for leases.
 * Thread: the worker that owns the SA.
 */
#include "core/cut.h"
#include "node/handover.h"

/* May this node act for the SA now? Else the packet has gone its way: queued, forwarded, dropped.
 */
bool esp_admit(struct worker *w, struct pkt *p, struct sa *sa);
/* Seals or opens; runs of packets with one suite go to it together. */
void esp_run(struct worker *w, struct pkt **v, struct suite_op *ops, uint32_t n, bool seal);
/* The same where a packet's suite is not that of its SA. */
void suites_run(struct worker *w, const struct suite *const *suites, struct suite_op *ops,
	uint32_t n, bool seal);
/* After numbers were used: asks the log for more in time, tells when the SA grows old. */
void sa_tend(struct worker *w, struct sa *sa);

/* ---- sa_in.c: what was opened, by ESP or AH */

/* Nobody knows the SPI: waits, if it is awaited; else tandemd is told, at most ten times a second,
 * and it is dropped. */
void sa_unknown(struct worker *w, struct pkt *p, enum counter why);
/* It is authentic: its number is taken. False: twice in a burst, and dropped. */
bool sa_mark(struct worker *w, struct pkt *p);
/* It is authentic, and yet goes no further. */
void sa_reject(struct worker *w, struct pkt *p, enum counter why);

/* What a packet was when p->p is at what `next` names. */
struct opened {
	uint8_t next;
	uint16_t hdr;	/* octets of the outer IP header, with what extends it */
	uint32_t outer; /* from its first octet to p->p */
};

/* On to the inside, when it is what the SA is for. */
void sa_accept(struct worker *w, struct pkt *p, const struct opened *o);

/* ---- esp_out.c: what every tunnel needs */

/* What a packet was cut into: taken before the next one. */
struct cut_queue {
	uint32_t n, at;
	struct pkt *v[IP4_CUT_MAX];
};

/* The way of the SA's packets; NULL when there is none. */
const struct hop *sa_route(const struct worker *w, const struct sa *sa);
/* Takes over an inner packet that is too long for at most `max` octets: its sender is told, or it
 * is cut. */
void sa_too_big(struct worker *w, struct pkt *p, const struct sa *sa, uint32_t max,
	struct cut_queue *pieces);

/* IPv6 is never cut by us, and its senders need not go below 1280 octets (RFC 8200 5): what such a
 * packet becomes is cut, if need be, when it leaves. */
static inline bool sa_is_least(const struct pkt *p)
{
	return !ip_is_v4(p->p) && p->len <= IP6_MTU_MIN;
}

/* Writes the outer header at o of a packet of `len` octets in all. */
void sa_outer_put(
	struct worker *w, uint8_t *o, const struct sa *sa, struct view inner, uint32_t len);
/* p at the outer header, p->hop where it goes. */
void sa_leave(struct worker *w, struct pkt *p);

/* The next number, and an IV when `cipher` (NULL: none) wants one; counts the packet in the SA, its
 * octets in `bytes`. False: dropped. Nothing that may refuse the packet comes after it. */
static inline bool sa_number(struct worker *w, struct pkt *p, const struct suite *cipher,
	enum counter bytes, uint64_t *iv)
{
	struct sa *sa = p->sa;

	if (cipher && suite_is_aead(cipher) &&
		iv_next(&w->sh->ivs, &w->ivs, w->net->iv_node, iv) < 0) {
		worker_drop(w, p, STAT_DROP_ESP_IV);
		return false;
	}
	count_set(&sa->n.last_out_ns, w->now_ns);
	p->seq = seqno_take(&sa->out);
	if (p->seq == 0) {
		sa_tend(w, sa);
		worker_drop(w, p, STAT_DROP_ESP_LEASE);
		return false;
	}
	count_add(&sa->n.packets_out, 1);
	count_add(&sa->n.bytes_out, p->len);
	count_add(&w->stats[bytes], p->len);
	sa_tend(w, sa);
	return true;
}
