#pragma once
/*
 * Certificates, requests and revocation lists as an operator reads them. Nothing here judges: a
 * file is shown as it stands.
 *
 * Texts are UTF-8 as the certificate has it, cut to their room; who prints them escapes them.
 * Pure, any thread.
 */
#include "crypto/cert.h"

#define CERT_TEXT_MAX 1024

/* A name four ways. */
struct name_text {
	char plain[CERT_TEXT_MAX];  /* "C=US, O=example, CN=x" */
	char spaced[CERT_TEXT_MAX]; /* "C = US, O = example, CN = x" */
	char labels[CERT_TEXT_MAX]; /* "Organization: example, Country: US, Common name: x" */
	char common[256];	    /* "x"; the plain form when there is no common name */
};

struct cert_text {
	struct name_text subject, issuer;
	char serial_hex[64], serial_decimal[64]; /* "0x00a1", "161" */
	char usages[256];			 /* "CRL signing, Certificate signing"; "" = any */
	char alternates[CERT_TEXT_MAX];		 /* "email empty, gw.example.net, 192.0.2.1" */
	struct view public_key;			 /* the key's bits, of the certificate */
	uint8_t sha1[20], md5[16];
};

int cert_text_make(const struct cert *c, struct cert_text *out) MUST_CHECK;

struct request_text {
	struct name_text subject;
	const char *key_name; /* "rsaEncryption" */
	uint32_t key_bits;
	uint8_t sha1[20], md5[16];
};

/* Of a PKCS#10 file (PEM). -ERR_SYNTAX. */
int request_text_make(struct view pem, struct request_text *out) MUST_CHECK;

struct crl_text {
	struct name_text issuer;
	uint32_t version;
	int64_t this_update_s, next_update_s; /* 0: it does not say */
};

/* Called for each entry; serial: octets as they stand. */
typedef void crl_text_fn(void *ctx, struct view serial, int64_t date_s);

/* Of a CRL file (PEM or DER), not verified. -ERR_SYNTAX. each may be NULL. */
int crl_text_make(struct view file, struct crl_text *out, crl_text_fn *each, void *ctx) MUST_CHECK;
/* DER of the first object of a PEM text of that kind ("CERTIFICATE", "X509 CRL"), or the text
 * itself when it is no PEM. at: where to begin, moved behind it. -ERR_NOT_FOUND: no more. */
int pem_next(struct view text, size_t *at, const char *kind, struct blob *der) MUST_CHECK;
/* PEM of DER, NUL-terminated (not counted); appended. */
int pem_append(struct blob *out, const char *kind, struct view der) MUST_CHECK;
