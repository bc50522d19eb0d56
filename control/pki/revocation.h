#pragma once
/*
 * Is a certificate of a chain revoked? By lists (CRL) and responders (OCSP), as each CA profile
 * says; what is not here is asked for, and kept as long as it is good (PKI-009 to PKI-014).
 *
 * Sans-IO: what is to be fetched goes out through ops, what came back is handed in, read and
 * checked already. revocation_check() never blocks: REVOCATION_WAIT means that something is out,
 * and ops.changed() says when to ask again.
 *
 * Nothing is fetched but for a path that is already trusted up to its anchor. An issuer without a
 * profile of its own, below one whose profile checks lists, is a dynamic profile: dynamic-001, ...
 * It is never configuration, and is forgotten after a day without use.
 *
 * Life: revocation_new() .. revocation_free(); a fetch that is out then is forgotten, not answered.
 * Thread: the loop's.
 */
#include "base/env.h"
#include "base/log.h"
#include "crypto/cert_ref.h"
#include "crypto/crl.h"
#include "crypto/ocsp.h"
#include "pki/store.h"

#define REVOCATION_SOURCES_MAX 512  /* lists, of all issuers */
#define REVOCATION_ANSWERS_MAX 8192 /* of responders */
#define REVOCATION_DYNAMIC_MAX 128
#define REVOCATION_FETCHES_MAX 64 /* out at once */
#define REVOCATION_NAME_MAX    64

enum revocation_kind { REVOCATION_FETCH_CRL, REVOCATION_FETCH_OCSP };

/* Lent for the call: the executor copies, and takes references. */
struct revocation_fetch {
	uint64_t id; /* comes back */
	enum revocation_kind kind;
	const char *url;
	const char *password;	     /* NULL: none; secret */
	const struct cert *issuer;   /* who must have signed what comes */
	const struct cert_ref *cert; /* OCSP: whom it is about */
	struct view request, nonce;  /* OCSP */
	const char *profile;	     /* for the operator */
};

struct revocation_ops {
	void *ctx;
	/* 0: revocation_list() or revocation_answer() follows, later. Negative: not now. */
	int (*fetch)(void *ctx, const struct revocation_fetch *f);
	/* Something came or failed: whoever waits may ask again. Called at most once an input. */
	void (*changed)(void *ctx);
	/* Certificates that a new list or answer revokes, by cert_ref_compare(). Lent. */
	void (*revoked)(void *ctx, const struct cert_ref *refs, size_t n);
	/* A list of a profile came over the network: keep it. */
	void (*keep)(void *ctx, const char *profile, struct view der);
	/* A dynamic profile is no more: what was kept of it goes. */
	void (*forget)(void *ctx, const char *profile);
	const struct env *env;
	const struct log_ctx *log;
};

enum revocation_result {
	REVOCATION_GOOD,
	REVOCATION_WAIT,
	REVOCATION_FAILED, /* cannot be told, and the profile does not let that pass */
	REVOCATION_REVOKED
};

struct revocation;

int revocation_new(const struct revocation_ops *ops, struct revocation **out) MUST_CHECK;
void revocation_free(struct revocation *r);

/* The whole path but its anchor. why: room for a sentence; set when the result is not GOOD. */
enum revocation_result revocation_check(struct revocation *r, const struct pki_store *s,
	const struct path *path, int64_t now_s, char *why, size_t cap);

/* What a fetch brought: `list` is taken over, or NULL and why. der: as it came, to be kept. */
void revocation_list(struct revocation *r, uint64_t id, struct crl *list, struct view der,
	const char *why, int64_t now_s);
/* a: taken over (its responder), or NULL and why. */
void revocation_answer(
	struct revocation *r, uint64_t id, struct ocsp_answer *a, const char *why, int64_t now_s);

/* A list from disk or of the operator's, for a configured profile; taken over. An older one than
 * is here changes nothing. */
void revocation_load(
	struct revocation *r, const struct pki_ca *ca, struct crl *list, int64_t now_s);
/* The operator clears lists: of one profile, or all (NULL). */
void revocation_clear(struct revocation *r, const char *profile);

/* A new snapshot: lists of CAs that are gone or changed are forgotten; what the configuration says
 * where to fetch is fetched without waiting for a peer. */
void revocation_store(struct revocation *r, struct pki_store *s, int64_t now_s);
/* Says again whom the lists and answers that are here revoke: for SAs that were not here when those
 * came (a takeover, a restart). */
void revocation_tell(struct revocation *r);

/* Of a chain that nobody here has seen (of an SA taken over): a certificate, and where it says that
 * its list and its responder are ("": it does not). */
struct revocation_link {
	const struct cert_ref *ref;
	const char *crl_url, *ocsp_url;
	const struct cert *issuer; /* NULL: a profile holds it */
};

/* Gets, and goes on getting, what speaks of a chain, the end entity first, as if its peer had come
 * now: also of dynamic profiles and from responders. What is unknown here is left out. */
void revocation_want(
	struct revocation *r, const struct revocation_link *chain, size_t n, int64_t now_s);
/* Refreshes what is due. Call it once a second. */
void revocation_tick(struct revocation *r, int64_t now_s);

/* For `show security pki crl`: all that are there, by profile. The views live until the next call
 * of anything here. */
struct revocation_shown {
	const char *profile;
	bool dynamic;
	const struct crl *list, *delta; /* list NULL: none came so far */
	const char *failure;		/* of the last attempt; "" */
	int64_t fetched_s, next_s;	/* 0: never */
};

/* false: i is behind the last one. */
bool revocation_at(const struct revocation *r, size_t i, struct revocation_shown *out);

struct revocation_stats {
	uint64_t checks, good, revoked, failed, skipped;
	uint64_t lists_fetched, lists_failed, answers_fetched, answers_failed, dynamic_made;
};

struct revocation_stats revocation_stats(const struct revocation *r);
