#include "host/logger.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

static void write_line(void *ctx, enum log_level level, const char *event, const char *text)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
	const struct logger *l = (const struct logger *)ctx;
	struct timespec ts = {0};
	char line[1400], day[32];
	struct tm tm;
	int n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line, sizeof line, "%s.%03ldZ %s %s %s\n", day, ts.tv_nsec / 1000000,
		names[level], event, text);
	if (n >= (int)sizeof line) {
		n = (int)sizeof line - 1;
		line[n - 1] = '\n';
	}
	/* A full disk or a closed pipe must not stop the daemon. */
	if (n > 0 && write(l->fd, line, (size_t)n) < 0)
		return;
}

static int open_path(const char *path)
{
	if (!path || strcmp(path, "-") == 0)
		return dup(STDERR_FILENO);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

int logger_open(struct logger *l, const char *path, enum log_level max)
{
	int fd = open_path(path);

	if (fd < 0)
		return -ERR_IO;
	*l = (struct logger){.fd = fd, .sink = {.line = write_line, .ctx = l, .max = max}};
	return 0;
}

int logger_reopen(struct logger *l, const char *path)
{
	int fd = open_path(path), old = l->fd;

	if (fd < 0)
		return -ERR_IO;
	l->fd = fd;
	(void)close(old);
	return 0;
}

void logger_close(struct logger *l)
{
	(void)close(l->fd);
	l->fd = -1;
}
