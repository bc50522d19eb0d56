#pragma once
/*
 * Where log lines of tandemd go: a file or standard error, one line each.
 *
 * Lines of info are gathered and written together by logger_flush(), once a turn of the loop and
 * before anybody outside can see what they tell of: a write(2) each was a twentieth of a set-up.
 * Whatever is graver is written at once, with all before it; so is everything while debugging. A
 * daemon that crashes loses the info of the turn it dies in.
 *
 * Life: logger_open() .. logger_close(), which writes the rest. Thread: any, under its own lock.
 * Line: "2026-11-21T09:15:02.114Z notice ike.up gw=paris peer=..."
 */
#include <pthread.h>
#include <time.h>

#include "base/log.h"

#define LOGGER_LINE_MAX	  1400
#define LOGGER_GATHER_MAX 16384

struct logger {
	int fd;
	struct log_sink sink;
	pthread_mutex_t lock;
	char gathered[LOGGER_GATHER_MAX];
	size_t n;
	time_t second; /* that `day` tells */
	char day[32];
};

/* path NULL or "-": standard error. 0 or -ERR_IO. Not to be moved afterwards. */
int logger_open(struct logger *l, const char *path, enum log_level max) MUST_CHECK;
/* Opens the file again (log rotation). */
int logger_reopen(struct logger *l, const char *path) MUST_CHECK;
void logger_close(struct logger *l);
