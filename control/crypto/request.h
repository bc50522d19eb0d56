#pragma once
/*
 * Certificate requests (RFC 2986) and self-signed certificates, made in two steps because the key
 * is elsewhere: first the octets to sign, then the whole with the signature.
 *
 * Life: request_new() .. request_free(). Thread: any.
 */
#include "crypto/sign.h"

#define REQUEST_NAMES_MAX 16

struct request;

struct request_terms {
	struct view public_key; /* DER of SubjectPublicKeyInfo */
	const char *subject;	/* "CN=gw, O=example, C=US", as written; SN is the serial number */
	/* subjectAltName in the library's words: "DNS:gw.example.net", "IP:192.0.2.1", "email:a@b"
	 */
	const char *names[REQUEST_NAMES_MAX];
	size_t n_names;
	enum sign_hash hash;
	bool self_signed; /* a certificate instead, for so many days */
	int64_t now_s;
	uint32_t days;
	uint8_t serial[16]; /* random */
};

/* -ERR_SYNTAX: the subject. -ERR_VALUE: a name. -ERR_UNSUPPORTED: key and hash do not go together.
 */
int request_new(const struct request_terms *t, struct request **out) MUST_CHECK;
/* What to sign, lent, and how. */
struct view request_octets(const struct request *r);
enum sign_scheme request_scheme(const struct request *r);
/* DER of the whole; the caller owns *der. */
int request_finish(const struct request *r, struct view signature, struct blob *der) MUST_CHECK;
void request_free(struct request *r);
