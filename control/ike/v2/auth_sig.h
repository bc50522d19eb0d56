#pragma once
/*
 * Authentication by signatures in IKE_AUTH (RFC 7296 2.15, 3.6 to 3.8; RFC 7427; RFC 4945): what is
 * asked of the peer, what goes to the SIGN and TRUST jobs, and what comes of them.
 *
 * One SA waits for one job at a time; where it waits and how it goes on is proof.h. Thread: the
 * engine's.
 */
#include "ike/rx.h"
#include "wire/pld_id.h"

struct gateway;
struct ike;
struct writer;

/* ---- IKE_SA_INIT */

/* SIGNATURE_HASH_ALGORITHMS, when a gateway that may be meant authenticates by signatures. */
void auth_sig_hashes_write(struct ike *ike, const struct ike_sa *sa, struct writer *w);
/* CERTREQ: the anchors of those gateways; of sa->gw alone when we are the initiator (IKE_AUTH). */
void auth_sig_request_write(struct ike *ike, const struct ike_sa *sa, struct writer *w);
/* What the peer says there. -ERR_NOMEM. */
int auth_sig_read(struct ike_sa *sa, const struct rx *rx) MUST_CHECK;

/* ---- our signature */

/* Our identity for that gateway: a distinguished name is the certificate's subject (ID-002). */
int auth_own_id(struct ike *ike, const struct gateway *gw, struct ident *out) MUST_CHECK;
/* A SIGN job over what our AUTH covers; `plain`: as it was before a post-quantum key was mixed in
 * (RFC 8784). Logs why when there is none. */
int auth_sig_make(struct ike *ike, struct ike_sa *sa, bool plain) MUST_CHECK;
/* ID, CERT, AUTH, with the finished job. */
int auth_sig_write(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;
/* NO_PPK_AUTH, with the finished plain one. */
int auth_sig_plain_write(struct ike *ike, struct ike_sa *sa, struct writer *w) MUST_CHECK;

/* ---- the peer's */

/* Whom the peer may be, best first. */
struct auth_peers {
	struct gateway *v[IKE_TERMS_MAX];
	size_t n;
};

/* A TRUST job by the policies of these gateways. -ERR_AUTH: all refuse the method or its form, *why
 * tells. */
int auth_sig_judge(struct ike *ike, struct ike_sa *sa, const struct rx *rx,
	const struct auth_peers *from, const char **why) MUST_CHECK;
/* Is the policy's local certificate below a CA that the peer's CERTREQ names? */
bool auth_sig_is_asked(
	struct ike *ike, const struct ike_sa *sa, const struct model_ike_policy *policy);
/* The verdict: 0 or -ERR_AUTH, and then *why, which lives as long as the verdict. */
int auth_sig_verdict(const struct ike_sa *sa, const char **why) MUST_CHECK;
/* The SA is up: what stays of the peer's certificates. -ERR_NOMEM. */
int auth_sig_keep(struct ike_sa *sa) MUST_CHECK;
