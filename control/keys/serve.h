#pragma once
/*
 * The work of the process: questions in, answers out, until tandemd goes.
 *
 * Life: serve_init() before the process is locked in, serve_run() after, serve_fini(). Signatures
 * are made one after the other by the caller's thread, keys by the slow one. Whatever comes over
 * the socket is answered or ends the service; a message that makes no sense ends it.
 */
#include "keys/links.h"
#include "keys/slow.h"
#include "keys/vault.h"

struct serve {
	struct links links;
	struct slow slow;
	struct crypto *crypto;
	struct vault *vault;
	struct token_modules modules;
};

/* Takes the socket. The modules are loaded by the caller into s->modules before. */
int serve_init(struct serve *s, int fd) MUST_CHECK;
/* Says `ready` and serves. 0 when tandemd closed the socket. */
int serve_run(struct serve *s, const char *ready) MUST_CHECK;
/* One round: waits for something to do and does it. 1; 0 when tandemd closed the socket. */
int serve_once(struct serve *s) MUST_CHECK;
void serve_fini(struct serve *s);
