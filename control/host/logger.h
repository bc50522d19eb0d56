#pragma once
/*
 * Where log lines of tandemd go: a file or standard error, one line each, flushed at once.
 *
 * Life: logger_open() .. logger_close(). Thread: any (one write(2) a line).
 * Line: "2026-11-21T09:15:02.114Z notice ike.up gw=paris peer=..."
 */
#include "base/log.h"

struct logger {
	int fd;
	struct log_sink sink;
};

/* path NULL or "-": standard error. 0 or -ERR_IO. */
int logger_open(struct logger *l, const char *path, enum log_level max) MUST_CHECK;
/* Opens the file again (log rotation). */
int logger_reopen(struct logger *l, const char *path) MUST_CHECK;
void logger_close(struct logger *l);
