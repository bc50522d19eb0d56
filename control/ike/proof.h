#pragma once
/*
 * Authentication by certificates as work for others: making our signature, and judging the peer's
 * certificates and signature. The engine never parses X.509 and never sees a private key.
 *
 * Life of a job: made by the engine, owned by whoever executes the effect (IKE_FX_SIGN,
 * IKE_FX_TRUST) until SIGNED or TRUSTED gives it back; every job is answered, once, within about a
 * minute. It may be worked on by any one thread at a time, but is freed (ike_*_job_free(), also by
 * an executor that goes down) on the engine's thread: it holds a reference to the configuration.
 */
#include "base/secret.h"
#include "config/model.h"
#include "crypto/cert_ref.h"
#include "crypto/sign.h"
#include "ike/ident.h"
#include "ike/trail.h"

struct ike_sign_job {
	uint64_t id;
	char *key_id; /* certificate-id of `local-certificate` */
	enum sign_scheme scheme;
	bool plain; /* vouches without the post-quantum key (RFC 8784) */
	struct blob octets;
	struct blob signature; /* out */
	int rc;		       /* out: 0 or negative enum err */
};

#define IKE_CERTS_MAX	     10	   /* in one message; RFC 5280 chains are as long */
#define IKE_CERT_OCTETS_MAX  40000 /* of all of them */
#define IKE_TRUST_REASON_MAX 400
#define IKE_SUBJECT_MAX	     256

struct ike_cert {
	uint8_t encoding; /* enum cert_encoding: CERT_X509_SIGNATURE, or CERT_PKCS7 if asked for */
	struct blob data;
};

#define IKE_TERMS_MAX 8

struct ike_trust_terms {
	const struct model_ike_policy *policy;
	uint32_t key_schemes; /* SIGN_BIT()s: the peer's key must be good for one of these */
};

/*
 * One job does all there is about the peer: a chain from its certificate to an anchor the policy
 * trusts, validity, key usage, policy OIDs, revocation, the identity backed by the certificate
 * (RFC 4945 3.1), and the signature.
 */
struct ike_trust_job {
	uint64_t id;
	struct model *model; /* a reference; frees what the next points to */
	/* Tried in this order until one fits: gateways may differ in nothing but whom they trust.
	 */
	struct ike_trust_terms terms[IKE_TERMS_MAX];
	size_t n_terms;
	struct ike_cert certs[IKE_CERTS_MAX]; /* as received, end entity first; perhaps none */
	size_t n_certs;
	struct sign_alg alg;
	struct blob octets, signature;
	struct ident peer_id; /* what it claims */
	uint64_t wall_ms;

	int rc;				   /* out: 0; -ERR_AUTH; another error: could not tell */
	size_t chosen;			   /* out: which of the terms, when rc is 0 */
	char reason[IKE_TRUST_REASON_MAX]; /* out: for the operator, when rc < 0 */
	char subject[IKE_SUBJECT_MAX];	   /* out: of its certificate, "" when there is none */
	uint64_t not_after_wall_ms;	   /* out: earliest of the chain */
	struct cert_ref *refs;		   /* out: the chain but its anchor; malloc */
	size_t n_refs;
	struct blob trail; /* out: one step for each of them */
};

void ike_sign_job_free(struct ike_sign_job *job);
void ike_trust_job_free(struct ike_trust_job *job);

/* What is known of a certificate of our own. Lent until the next event. */
struct ike_local_cert {
	const struct view *chain; /* DER, our own first, without the anchor */
	size_t n_chain;
	struct view subject; /* DER */
	uint32_t schemes;    /* SIGN_BIT()s that its key is good for */
	/* SHA-1 of the public key (RFC 7296 3.7) of the issuer of each of the chain. */
	const uint8_t (*issuers)[20];
};

/* Where the engine asks for certificates: a snapshot that changes between events only. */
struct ike_credentials {
	void *ctx;
	/* NULL: there is none, or its key is missing. */
	const struct ike_local_cert *(*local)(void *ctx, const char *certificate_id);
	/* Digests as CERTREQ carries them, 20 octets each, of the anchors that a policy trusts. */
	struct view (*anchors)(void *ctx, const struct model_ike_policy *policy);
};

struct ike;
struct peer_cert;

/* The chains of all peers, lent for the call. */
void ike_peer_chains(
	const struct ike *ike, void (*each)(void *ctx, const struct peer_cert *peer), void *ctx);

/* ---- for the engine's own files */

struct ike;
struct ike_sa;
struct gateway;
struct cause;

/* Of one IKE SA while it authenticates; in struct half. One job is out at a time. */
struct proof {
	uint64_t job; /* that is out; 0: none */
	struct ike_trust_job *verdict;
	struct ike_sign_job *own;
	struct ike_sign_job *plain;  /* the second one, of an initiator */
	uint8_t method, peer_method; /* enum auth_method */
	bool decoy;		     /* whatever the verdict is: we know no such peer */
	/* Responder: whose the terms of the job are. As long as its model is the engine's. */
	struct gateway *gateways[IKE_TERMS_MAX];
};

void proof_fini(struct proof *p);

/* What stays of the peer's certificates with its IKE SA; NULL without any. */
struct peer_cert {
	uint64_t not_after_wall_ms;
	char *subject;
	struct blob trail; /* of each of the refs */
	size_t n_refs;
	struct cert_ref refs[];
};

/* trail may be empty. */
struct peer_cert *peer_cert_new(
	const char *subject, const struct cert_ref *refs, size_t n_refs, struct view trail);
/* NULL from NULL. -ERR_NOMEM. */
int peer_cert_copy(const struct peer_cert *from, struct peer_cert **out) MUST_CHECK;
void peer_cert_free(struct peer_cert *p);
/* How long the peer's chain is good from then on; UINT64_MAX: without end. */
uint64_t peer_cert_left_ms(const struct peer_cert *p, uint64_t wall_ms);

/* Both take the job over, also when they fail. */
int proof_sign(struct ike *ike, struct ike_sa *sa, struct ike_sign_job *job) MUST_CHECK;
int proof_trust(struct ike *ike, struct ike_sa *sa, struct ike_trust_job *job) MUST_CHECK;
/* The message at hand waits, decrypted, for the job that is out, and is then given to the same rule
 * once more. FSM_STAY, or negative. */
int proof_wait(struct ike *ike, struct ike_sa *sa, const struct cause *c) MUST_CHECK;
/* The finished jobs; they are the engine's from here on. */
void proof_signed(struct ike *ike, struct ike_sign_job *job);
void proof_trusted(struct ike *ike, struct ike_trust_job *job);
/* Closes every IKE SA whose peer's chain has one of these (PKI: revoked later). */
void proof_revoked(struct ike *ike, const struct cert_ref *refs, size_t n);
