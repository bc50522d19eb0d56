#pragma once
/*
 * Certificate revocation lists (RFC 5280 5), whole ones and deltas: read once, signature checked,
 * kept as a sorted table of 32 octets an entry.
 *
 * Refused: one that the issuer did not sign, or with SHA-1 or older; of an issuer that may not sign
 * lists; for some reasons only; with entries of other issuers; with critical extensions that are
 * not known here.
 *
 * Life: crl_parse() .. crl_unref(), counted. Thread: any. Reading 8 MB takes some 100 ms: not for
 * the loop's.
 */
#include "crypto/cert.h"

#define CRL_DER_MAX    (8u << 20)
#define CRL_POINTS_MAX 8

struct crl_entry {
	uint8_t serial[CERT_SERIAL_MAX]; /* right-aligned */
	uint8_t reason;			 /* RFC 5280 5.3.1 */
	int64_t date_s;
};

struct crl {
	uint32_t refs_;	    /* private; atomic */
	struct view issuer; /* DER of the name */
	uint8_t issuer_key_hash[CERT_HASH];
	int64_t this_update_s, next_update_s; /* next: INT64_MAX when it does not say */
	uint8_t version;
	uint8_t number[CERT_SERIAL_MAX], base[CERT_SERIAL_MAX]; /* right-aligned */
	bool has_number, is_delta;				/* delta: of list `base` or later */
	/* issuingDistributionPoint (RFC 5280 5.2.5) */
	bool only_users, only_cas;
	struct cert_urls points; /* it speaks for certificates that name one of these; none: all */
	struct cert_urls delta_urls; /* freshestCRL */
	struct crl_entry *entries;   /* by serial */
	size_t n;
	struct blob issuer_der_, texts_; /* private */
};

enum crl_finding { CRL_NOT_LISTED, CRL_REVOKED, CRL_REMOVED /* of a delta */ };

/* *why: a constant sentence. The caller owns *out. -ERR_LIMIT: more than CRL_DER_MAX. */
int crl_parse(
	struct view der, const struct cert *issuer, struct crl **out, const char **why) MUST_CHECK;
/* PEM or DER. */
int crl_parse_file(
	struct view text, const struct cert *issuer, struct crl **out, const char **why) MUST_CHECK;
struct crl *crl_ref(struct crl *c);
void crl_unref(struct crl *c);

/* Is the list meant for this certificate? (onlyContains..., distribution point) */
bool crl_covers(const struct crl *c, const struct cert *cert);
/* entry: NULL, or where the entry is told (lent). Serial as in struct cert. */
enum crl_finding crl_find(const struct crl *c, struct view serial, const struct crl_entry **entry);
/* A delta applies to a base whose number is not below its base number, and that it is newer than.
 */
bool crl_delta_fits(const struct crl *delta, const struct crl *base);
/* By number, else by date. */
bool crl_is_newer(const struct crl *a, const struct crl *than);
