#pragma once
/*
 * The exchanges of IKEv2: acts of the rule table (rules.c), one file each, and the ways our own
 * requests begin. x_init_door.c: who is let in at all; x_init.c: RFC 7296 1.2, first half;
 * x_auth.c: second half; x_inter.c: RFC 9242 between them; x_child.c and x_rekey.c: 1.3;
 * x_info.c: 1.4; collide.c: 2.8.1, 2.8.2, 2.25.
 */
#include "ike/fsm.h"
#include "ike/negotiate.h"
#include "ike/rx.h"

struct tunnel;
struct writer;
struct child;
struct gateway;
struct ike_ev_datagram;
struct ike_kex_job;

/* ---- natd.c */
void natd_write(struct ike *ike, const struct ike_sa *sa, struct writer *w);
void natd_read(struct ike *ike, struct ike_sa *sa, const struct rx *rx, uint64_t spi_r);

/* ---- x_init_door.c */
/* A first message of somebody: the only thing that makes state for strangers. */
void x_init_request(struct ike *ike, const struct ike_ev_datagram *dg, uint8_t exchange);
/* A message of a major version that is not ours; counted by the caller. */
void x_init_other_version(
	struct ike *ike, const struct ike_ev_datagram *dg, const struct ike_header *h);

/* ---- x_init.c */
/* May there be more key exchanges with who sent this (RFC 9370 2.2.1)? */
enum ike_further further_with(const struct rx *rx);
void x_init_answer(
	struct ike *ike, struct ike_sa *sa, const struct ike_ev_datagram *dg, uint8_t exchange);
/* The same with a ticket in place of a key exchange: resume.h. */
int on_resume_start(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_resume_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_resume_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
/* Begins an IKE SA for the sake of t; NULL when nothing can be done. */
struct ike_sa *x_init_start(struct ike *ike, struct gateway *gw, const struct tunnel *t);
/* ... that is to take the place of `old`, with the same peer. */
struct ike_sa *x_init_anew(struct ike *ike, struct ike_sa *old, const struct tunnel *t);
int on_init_start(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_key_pair(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_cookie(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_other_group(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_refused(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_given_up(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_init_respond(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* The first keys of a new IKE SA. */
int init_keys_make(struct ike *ike, struct ike_sa *sa, struct view shared) MUST_CHECK;

/* ---- x_inter.c */
/* All key exchanges that were agreed on are done. */
bool inter_is_done(const struct ike_sa *sa);
int on_init_secret(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_inter_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_inter_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- x_auth.c */
/* The request, when everything for it is there. */
int x_auth_send(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
/* Logs and counts it. `id` is text. */
void auth_tell_failure(struct ike *ike, struct ike_sa *sa, const char *id, const char *reason);
int on_auth_begin(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_signed(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_refused(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_refuse(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_distrust(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_auth_broken(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- x_child.c */
/* The child part of an answer: SA, TSi, TSr, or a notification that says why not. With `old` it
 * replaces that child. nonce_r is ours. *out: the child, NULL when refused. */
struct child_ask {
	struct view ni, nr, shared;
	bool with_dh;
	struct child *old;
};

int child_respond(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct child_ask *ask, struct writer *w, struct child **out) MUST_CHECK;

/* Our side of an offer: SA, TSi, TSr of that tunnel, USE_TRANSPORT_MODE. */
struct child_terms {
	bool with_dh;
	uint32_t spi;
	const struct child *old; /* that it is to replace */
	uint8_t resource;	 /* for that worker: beside the fallback */
};

int child_offer(struct ike *ike, struct writer *w, const struct ike_sa *sa, const struct tunnel *t,
	const struct child_terms *terms) MUST_CHECK;

/* What the peer answered to it: makes the child. */
struct child_answer {
	const struct tunnel *t;
	uint32_t spi_in;
	struct view ni, nr, shared;
	bool with_dh;
	const struct child *old; /* that it replaces */
	uint8_t resource;
};

int child_accept(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct child_answer *a, struct child **out) MUST_CHECK;
int on_child_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_child_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- x_rekey.c */
/* The children of one IKE SA go to its successor. */
void rekey_hand_over(struct ike *ike, struct ike_sa *from, struct ike_sa *to);
/* The peer works with the SA that its rekey made, so it does not know of a crossing one of ours, or
 * knows that ours loses: the children are there at its end. */
void rekey_claim(struct ike *ike, struct ike_sa *sa);
struct birth;
/* The last answer to a rekey of the peer's: with it the new SA is there. */
int rekey_finish(struct ike *ike, struct ike_sa *sa, const struct birth *b, struct writer *w,
	const struct rx *rx) MUST_CHECK;
int on_rekey_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_rekey_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- follow.c */
int on_follow_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_follow_unknown(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- x_info.c */
int on_info_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_busy_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_delete_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_info_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_close_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_close(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_dead(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_expired(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_forget(struct ike *ike, struct ike_sa *sa, const struct cause *c);
int on_bad_message(struct ike *ike, struct ike_sa *sa, const struct cause *c);

/* ---- begin.c: requests of ours; all expect sa->out to be NULL. */
int xchg_begin_child(
	struct ike *ike, struct ike_sa *sa, struct tunnel *t, struct child *old) MUST_CHECK;
/* ... for a worker: resource.h. */
int xchg_begin_own_child(
	struct ike *ike, struct ike_sa *sa, struct tunnel *t, uint8_t resource) MUST_CHECK;
int xchg_begin_rekey(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
int xchg_begin_delete_child(struct ike *ike, struct ike_sa *sa, uint32_t spi_in) MUST_CHECK;
int xchg_begin_delete(struct ike *ike, struct ike_sa *sa, uint16_t notify) MUST_CHECK;
int xchg_begin_probe(struct ike *ike, struct ike_sa *sa) MUST_CHECK;
/* A local SPI that nothing uses. */
uint64_t xchg_ike_spi_draw(struct ike *ike, uint32_t rg);
/* The key pair of a request being prepared is there. */
void xchg_key_pair(struct ike *ike, struct ike_sa *sa, struct ike_kex_job *job);
/* A request that was not built yet is not made after all. */
void xchg_abort(struct ike *ike, struct ike_sa *sa);
/* Ours is answered, or given up. */
void xchg_end(struct ike *ike, struct ike_sa *sa);
/* It is to go, whoever wants to keep it: with a delete as soon as no request is out, but without
 * children at once. A peer that leaves us without an answer keeps nothing by that. */
void xchg_close(struct ike *ike, struct ike_sa *sa);
