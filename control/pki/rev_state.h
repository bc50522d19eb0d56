#pragma once
/*
 * Inside of struct revocation, for revocation.c, rev_crl.c and rev_ocsp.c only.
 */
#include "base/map.h"
#include "pki/revocation.h"

#define REV_RETRY_S	10 /* after a failure, doubling */
#define REV_RETRY_MAX_S 600
#define REV_UNUSED_S	86400 /* then a source nobody configured is forgotten */
#define REV_SKEW_S	300   /* lists that are dated a little ahead of our clock */
#define REV_REASON_MAX	96
#define REV_ISSUER_KEY	(2 * CERT_HASH)
#define REV_URL_TRIES	8

/* Who speaks for an issuer, by which rules. */
struct rev_terms {
	const struct model_ca_profile *profile; /* its own, or the next one's above */
	bool inherited;				/* from above: the URLs are not for it */
};

/* One thing to fetch from one of several places, in their order. */
struct rev_try {
	uint64_t id;	    /* out; 0: not */
	size_t place;	    /* which URL */
	int64_t retry_at_s; /* after a failure; 0: none */
	uint32_t failures;
	bool tried; /* at least once to the end */
	char failure[REV_REASON_MAX];
};

/* The list of an issuer, of one distribution point. */
struct rev_source {
	UT_hash_handle hh;
	struct blob key; /* issuer's name hash, key hash, then the point ("": of the profile) */
	char profile[REVOCATION_NAME_MAX];
	bool dynamic, preset; /* preset: fetched without a peer asking */
	bool wanted;	      /* likewise, but only as long as it is used */
	struct cert *issuer;
	struct crl *base, *delta;
	struct blob urls; /* texts of the certificate's points, each with its NUL */
	struct blob delta_urls;
	struct rev_try list, fresh;
	int64_t fetched_s, delta_fetched_s, used_s;
	uint32_t refresh_h;
};

struct rev_answer {
	UT_hash_handle hh;
	struct blob key; /* issuer's name hash, key hash, then the serial */
	struct cert_ref ref;
	struct cert *issuer;
	struct blob urls; /* texts of the certificate's responders, each with its NUL */
	struct ocsp_answer answer;
	bool there, wanted; /* wanted: asked for without a peer asking */
	int64_t until_s, used_s;
	uint8_t nonce[OCSP_NONCE_LEN];
	bool with_nonce;
	char profile[REVOCATION_NAME_MAX];
	struct rev_try out;
};

struct revocation {
	struct revocation_ops ops;
	struct pki_store *store;
	struct rev_source *sources; /* in the order they came */
	struct rev_answer *answers;
	uint64_t next_id;
	uint32_t dynamic_last, out;
	struct revocation_stats stats;
	bool dirty; /* ops.changed() is due */
};

struct rev_ask {
	const struct cert *cert, *issuer;
	struct rev_terms terms;
	int64_t now_s;
	char *why;
	size_t cap;
};

/* The texts of a certificate, each with its NUL, in place of what was in out. */
int rev_texts_of(const struct cert_urls *urls, struct blob *out);
/* The place-th of the texts; NULL: there are not so many. */
const char *rev_text_at(const struct blob *texts, size_t place);

enum revocation_result rev_crl_check(struct revocation *r, const struct rev_ask *a);
enum revocation_result rev_ocsp_check(struct revocation *r, const struct rev_ask *a);
/* true: the fetch was ours. */
bool rev_crl_done(struct revocation *r, uint64_t id, struct crl *list, struct view der,
	const char *why, int64_t now_s);
bool rev_ocsp_done(
	struct revocation *r, uint64_t id, struct ocsp_answer *a, const char *why, int64_t now_s);
/* One of a chain, by these terms. */
void rev_crl_want(struct revocation *r, const struct revocation_link *l,
	const struct rev_terms *terms, int64_t now_s);
void rev_ocsp_want(struct revocation *r, const struct revocation_link *l,
	const struct rev_terms *terms, int64_t now_s);
void rev_crl_tell(struct revocation *r);
void rev_ocsp_tell(struct revocation *r);
void rev_crl_tick(struct revocation *r, int64_t now_s);
void rev_ocsp_tick(struct revocation *r, int64_t now_s);
void rev_source_free(struct revocation *r, struct rev_source *s);
void rev_answer_free(struct revocation *r, struct rev_answer *a);
/* The source of a configured profile, made when it is not there. NULL: no memory. */
struct rev_source *rev_source_of(struct revocation *r, const struct pki_ca *ca, int64_t now_s);
void rev_source_take(struct revocation *r, struct rev_source *s, struct crl *list, int64_t now_s);

/* For the log: without user and password, and nothing that could forge a line. */
enum { REV_URL_TEXT = 512 };

const char *rev_url_text(const char *url, char out[REV_URL_TEXT]);
/* A failure: waits, longer each time. */
void rev_try_failed(struct rev_try *t, const char *why, int64_t now_s);
bool rev_try_may(const struct rev_try *t, int64_t now_s);
/* Starts one fetch; 0 and t->id set, or negative. */
int rev_start(struct revocation *r, struct rev_try *t, struct revocation_fetch *f) MUST_CHECK;
void rev_issuer_key(const struct cert *issuer, uint8_t key[REV_ISSUER_KEY]);
enum revocation_result rev_say(
	const struct rev_ask *a, enum revocation_result what, const char *fmt, ...) PRINTF(3, 4);
