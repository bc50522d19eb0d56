#pragma once
/*
 * One request to tandemd over its Unix socket, and its responses as they come. Blocks; gives up
 * when the daemon is silent for 30 seconds.
 */
#include "control.pb-c.h"

#include "base/err.h"

#define CLIENT_SOCKET_DEFAULT "/run/tandem/tandemd.sock"

/* Lent for the call; a negative return ends the exchange and is returned. */
typedef int client_part_fn(void *ctx, const Ctl__Response *r);

/* 0 after the last response; -ERR_NOT_FOUND when nothing listens there, -ERR_IO, -ERR_AGAIN on
 * silence, -ERR_SYNTAX for a response that cannot be read, -ERR_LIMIT for one that is too long. */
int client_ask(const char *socket_path, const Ctl__Request *request, client_part_fn *part,
	void *ctx) MUST_CHECK;
