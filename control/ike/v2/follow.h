#pragma once
/*
 * IKE_FOLLOWUP_KE (RFC 9370 2.2.4): the further key exchanges of a rekey of an IKE SA, one exchange
 * for each, between its CREATE_CHILD_SA and the new SA. A link that the responder chooses ties them
 * together.
 *
 * Life: of who asked in its exchange (sa->out->follow), of who answers in the IKE SA (sa->follow),
 * until the new SA is made, or FOLLOW_MS. Both are in records, so that either end may fail over in
 * the middle. What an answer brought counts from the next request on, for a successor may hear that
 * answer once more.
 *
 * Two rekeys never cross here: who has one under way that may need this tells the peer to try
 * later.
 */
#include "ike/fsm.h"

#define FOLLOW_MS   30000
#define FOLLOW_LINK 16

struct follow {
	struct ike_suite suite;
	uint64_t spi_local, spi_remote;
	struct blob ni, nr;
	struct secret *shared; /* of CREATE_CHILD_SA */
	struct secret *more;   /* of those that are done, one after the other; NULL: none is */
	uint8_t at;	       /* how many that is */
	bool asked;	       /* initiator: the request under way is one of these */
	struct secret *next;   /* initiator: what the last answer brought */
	struct blob link, next_link;
	uint64_t until_ms; /* responder */
};

struct birth;

void follow_free(struct follow *f);
/* The peer of that IKE SA can do it. */
bool follow_is_possible(const struct ike_sa *sa);
/* A rekey of the peer's waits for its next key exchange. */
bool follow_is_waiting(const struct ike *ike, const struct ike_sa *sa);
/* What makes the new SA; views of f. */
void follow_birth(const struct follow *f, struct birth *b);

/* ---- who asked; both take what they keep. */
int follow_begin(
	struct ike *ike, struct ike_sa *sa, const struct birth *b, const struct rx *rx) MUST_CHECK;
/* 0: all are done. FSM_STAY: one more is under way. */
int follow_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c) MUST_CHECK;
/* The request, with the key pair that is there now. */
int follow_build(struct ike *ike, struct ike_sa *sa) MUST_CHECK;

/* ---- who answers */
int follow_expect(
	struct ike *ike, struct ike_sa *sa, const struct birth *b, const struct rx *rx) MUST_CHECK;
