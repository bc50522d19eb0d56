#pragma once
/*
 * Getting octets from an address that a certificate or the configuration names, and not from where
 * it should not lead: http, https and ldap only, at most FETCH_REDIRECTS_MAX redirects (to http and
 * https), no proxy, no loopback, link-local, multicast or unspecified address unless allowed, by
 * the address that is really connected to. Bounded in octets and in time.
 *
 * struct fetch carries http(s) on the caller's loop, through struct fetch_ops; fetch_wait() is for
 * ldap, whose library blocks: it needs a thread of its own.
 *
 * Life: fetch_new() .. fetch_free(), which calls nobody back. Thread: one for a struct fetch; any
 * for fetch_wait().
 */
#include "base/err.h"
#include "base/view.h"

#define FETCH_TIME_MS	    10000
#define FETCH_CONNECT_MS    5000
#define FETCH_REDIRECTS_MAX 3
#define FETCH_URL_MAX	    2048
#define FETCH_WHY_MAX	    160

enum { FETCH_READ = 1, FETCH_WRITE = 2 };

struct fetch_ops {
	void *ctx;
	/* Tell fetch_on_socket() when fd becomes so; 0: no more. */
	void (*watch)(void *ctx, int fd, int events);
	/* Call fetch_on_timer() after so long; negative: no more. */
	void (*timer)(void *ctx, long ms);
};

struct fetch_ask {
	const char *url;
	const char *password; /* NULL: none */
	struct view post;     /* empty: GET */
	const char *post_type;
	size_t max; /* octets of an answer */
	bool allow_local;
	uint32_t time_ms;   /* 0: FETCH_TIME_MS */
	const char *source; /* address to come from; NULL: the kernel's choice. Not with ldap */
	const char *device; /* to leave by (a VRF); NULL: any. Not with ldap */
};

struct fetch;

/* Once a process, before any thread; and at its end. */
int fetch_library_start(void) MUST_CHECK;
void fetch_library_end(void);

int fetch_new(const struct fetch_ops *ops, struct fetch **out) MUST_CHECK;
void fetch_free(struct fetch *f);
void fetch_on_socket(struct fetch *f, int fd, int events);
void fetch_on_timer(struct fetch *f);

/* rc 0: body, lent. Else why. Never from inside fetch_start(). */
typedef void fetch_done_fn(void *ctx, int rc, struct view body, const char *why);

int fetch_start(
	struct fetch *f, const struct fetch_ask *ask, fetch_done_fn *done, void *ctx) MUST_CHECK;
uint32_t fetch_running(const struct fetch *f);

bool fetch_is_ldap(const char *url);
/* Blocks for FETCH_TIME_MS at most; *stop, set by another thread, ends it within a second. The
 * caller owns *out: the first certificateRevocationList of the answer. */
int fetch_wait(const struct fetch_ask *ask, const int *stop, struct blob *out,
	char why[FETCH_WHY_MAX]) MUST_CHECK;
/* May this address be connected to? 4 or 16 octets, network order. */
bool fetch_address_is_local(struct view address);
