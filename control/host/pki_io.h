#pragma once
/*
 * Fetching for the daemon: control/pki/fetch.h on its loop, ldap on threads of their own.
 *
 * Life: pki_io_init() .. pki_io_fini(), which waits for the threads (about a second) and calls
 * nobody back. Thread: the loop.
 */
#include <uv.h>

#include "base/list.h"
#include "pki/fetch.h"

#define PKI_IO_LDAP_MAX 4 /* threads at once */

struct pki_io {
	uv_loop_t *loop;
	struct fetch *fetch;
	uv_timer_t *timer; /* its own allocation: it outlives this until it is closed */
	struct list polls, ldaps;
	uint32_t n_ldaps;
	int stop; /* read by the threads */
};

int pki_io_init(struct pki_io *io, uv_loop_t *loop) MUST_CHECK;
void pki_io_fini(struct pki_io *io);
/* As fetch_start(), for any of the protocols. -ERR_LIMIT: too many threads are out. */
int pki_io_get(
	struct pki_io *io, const struct fetch_ask *ask, fetch_done_fn *done, void *ctx) MUST_CHECK;
