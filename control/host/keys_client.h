#pragma once
/*
 * tandemd's side of tandem-keys: starts it, keeps it running, has it sign and make keys.
 *
 * Life: keys_client_init() .. keys_client_close(), after which the loop must run once more while
 * the client is there. The process is started by the first job and again when it dies; jobs that
 * were with it are tried once more, then answered with -ERR_IO. Whoever asks is answered exactly
 * once, never from inside of the asking call. Keys are loaded from the store (config/pki_dir.h)
 * when they are first asked for. Private keys pass through here only when an operator brings one;
 * nothing of it is kept. Thread: the loop.
 */
#include <uv.h>

#include "base/list.h"
#include "base/log.h"
#include "config/pki_dir.h"
#include "frame.h"
#include "keys.pb-c.h"
#include "keys/token.h"

/* r is lent; NULL when the process did not answer or nothing was asked of it. rc: error of the
 * answer. */
typedef void keys_done_fn(void *ctx, int rc, const Keys__Response *r);

struct keys_client {
	uv_loop_t *loop;
	struct log_ctx log;
	const char *dir;  /* of the store; lent */
	const char *user; /* to become; lent */
	char program[512];
	uv_process_t process;
	uv_poll_t poll;
	uv_timer_t watch;
	uv_idle_t soon;			      /* answers that no process gave */
	uv_prepare_t turn;		      /* its end: what was asked in it leaves together */
	struct list jobs, sent, ended, asked; /* sent: with the process, in its order */
	struct frame_in in;
	uint64_t last;
	char modules[TOKEN_MODULES_MAX][256];
	size_t n_modules;
	int fd;
	int events; /* that the poll waits for; 0: not started */
	bool started, alive, polling, closing;
	uint64_t starts; /* of the process */
};

/* program NULL: beside tandemd. */
int keys_client_init(struct keys_client *k, uv_loop_t *loop, const char *dir, const char *program,
	const char *user) MUST_CHECK;
void keys_client_close(struct keys_client *k);

/* Signs octets (copied), not hashed yet; scheme is of crypto/sign.h. -ERR_NOMEM: done() will not be
 * called. */
int keys_client_sign(struct keys_client *k, const char *key_id, uint32_t scheme, struct view octets,
	keys_done_fn *done, void *ctx) MUST_CHECK;
/* Files may have changed: keys are loaded again when they are asked for next. */
void keys_client_refresh(struct keys_client *k);
/* The public half of a key of the store. */
void keys_client_load(struct keys_client *k, const char *key_id, keys_done_fn *done, void *ctx);
/* A key that is brought: the file is there when it is answered with 0. Replaces one of that name.
 */
void keys_client_import(struct keys_client *k, const char *key_id, struct view octets,
	const char *passphrase, keys_done_fn *done, void *ctx);
/* A new one; uri "" for a file, else it is made in that token and the URI is kept. */
void keys_client_generate(struct keys_client *k, const char *key_id, bool ecdsa, uint32_t bits,
	const char *uri, keys_done_fn *done, void *ctx);
/* A key that is in a token already: its URI is kept when it can be used. */
void keys_client_adopt(
	struct keys_client *k, const char *key_id, const char *uri, keys_done_fn *done, void *ctx);
/* Is there one of that name in the store? */
bool keys_client_has(const struct keys_client *k, const char *key_id);
/* Removes it from the store and from the process; what is in a token stays there. */
void keys_client_remove(struct keys_client *k, const char *key_id);
