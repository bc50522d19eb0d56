#pragma once
/*
 * What is taken from the process before it sees a key: the network, its user, core dumps,
 * debuggers, and nearly all system calls.
 *
 * Called once at the start, in this order: sandbox_detach() while still privileged; then whatever
 * needs files (modules of tokens); then sandbox_lock(), which cannot be undone. What the machine
 * does not allow (no privileges: no other user, no network of its own) is left out and told in
 * `*is`, but the filter of system calls is never left out.
 */
#include <stdbool.h>

#include "base/err.h"

struct sandbox {
	const char *user; /* to become; ignored when not privileged */
	bool files;	  /* modules of tokens open files of their own while they work */
};

/* What holds. */
struct sandbox_state {
	bool own_network, own_user, memory_locked, filtered;
};

/* No core, no ptrace, memory locked, a network namespace with nothing in it, another user.
 * -ERR_NOT_FOUND: there is no such user. -ERR_IO: the system refused. */
int sandbox_detach(const struct sandbox *s, struct sandbox_state *is) MUST_CHECK;
/* For all threads. What is not on the list fails with EPERM; execve, ptrace and fork end the
 * process, and without modules so do socket and connect: only a stranger's code calls them.
 * -ERR_IO. */
int sandbox_lock(const struct sandbox *s, struct sandbox_state *is) MUST_CHECK;
