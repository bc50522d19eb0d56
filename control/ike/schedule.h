#pragma once
/*
 * When things happen: lifetimes with their soft margins, retransmissions, liveness, NAT keepalives,
 * and which request of ours comes next.
 *
 * Soft lifetimes are hard - 135 s for who initiated and hard - 90 s for who responded (LIF-003), so
 * that normally one end acts first. Thread: the engine's.
 */
#include "ike/child.h"
#include "ike/sa.h"

struct ike_ev_activity;

#define SOFT_MARGIN_INITIATOR_MS 135000
#define SOFT_MARGIN_RESPONDER_MS 90000

/* When the answering end of a rekey uses the new child although it has not seen the peer use it,
 * nor heard that the old one is deleted: docs/adr/0016. */
#define OUTBOUND_AFTER_MS 10000

/* ---- what comes next */
/* The SA may be able to begin an exchange: looked at before the step ends. */
void sched_work(struct ike *ike, struct ike_sa *sa);
void sched_run(struct ike *ike);
/* A little later; sched_retry(): after a refusal that passes (TEMPORARY_FAILURE), each end at
 * another time. */
void sched_retry(struct ike *ike, struct ike_sa *sa);
void sched_later(struct ike *ike, struct ike_sa *sa, uint64_t delay_ms);

/* ---- turns of life */
/* A state was entered (fsm.c). */
void sched_entered(struct ike *ike, struct ike_sa *sa);
/* From the beginning of its life to its soft end (LIF-003, LIF-005). */
uint64_t sched_soft_ms(const struct ike_sa *sa);
/* An IKE SA is authenticated, or was made by a rekey: lifetimes begin. */
void sched_established(struct ike *ike, struct ike_sa *sa);
/* The peer's certificate, or one above it, ends before this SA's lifetime would. */
bool sched_ends_with_certificate(const struct ike_sa *sa);
/* Taken over from another node: probes and keepalives begin anew. */
void sched_resumed(struct ike *ike, struct ike_sa *sa);
void sched_child_established(struct ike *ike, struct child *c);
/* The dataplane answered: it may be used, or rc says why not. */
/* The peer asked again: it did not have our answer yet, nor the child that it may tell of. */
void sched_answered_again(struct ike *ike, struct ike_sa *sa);
void sched_child_installed(struct ike *ike, struct child *c, int rc);
/* It was rekeyed by `by`: goes after a while (we asked), or when the peer says so. */
void sched_child_replaced(struct ike *ike, struct child *c, uint32_t by, bool ours);
/* The record is removed, the dataplane told, the tunnel too. why: enum tunnel_down. */
void sched_child_gone(struct ike *ike, struct child *c, int why);
/* All children of it, then itself: records and dataplane. Leaves the state to the caller. */
void sched_sa_gone(struct ike *ike, struct ike_sa *sa, int why);
void sched_moved(struct ike *ike, struct ike_sa *sa, const struct endpoint *to);

/* ---- timers */
void sched_sa_due(struct ike *ike, struct ike_sa *sa);
void sched_child_due(struct ike *ike, struct child *c);
void sched_activity(struct ike *ike, const struct ike_ev_activity *a);
/* Until the request at hand is sent again. */
uint64_t sched_retransmit_ms(const struct ike_sa *sa);
bool sched_gives_up(const struct ike_sa *sa);
