#pragma once
/*
 * The passphrase of a key file: typed at the terminal without being seen, or read from a descriptor
 * that whoever starts the command hands on. Neither way shows it to other users, as an argument
 * does.
 */
#include "base/view.h"

#define PASSPHRASE_MAX 1024 /* characters */

/* Does that file of a key say that it is encrypted? PEM only: DER does not say. */
bool passphrase_is_needed(struct view key);
/* One line of fd, or all of it; a text in *out, which the caller wipes. -ERR_IO, -ERR_LIMIT. */
int passphrase_read(int fd, struct blob *out) MUST_CHECK;
/* Asks at the terminal of the process. -ERR_NOT_FOUND: there is none. */
int passphrase_ask(const char *question, struct blob *out) MUST_CHECK;
