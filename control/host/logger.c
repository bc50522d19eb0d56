#include "host/logger.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"

static void flush_locked(struct logger *l)
{
	size_t n = l->n;

	l->n = 0;
	/* A full disk or a closed pipe must not stop the daemon. */
	if (n != 0 && write(l->fd, l->gathered, n) < 0)
		return;
}

static const char *day_of(struct logger *l, time_t second)
{
	struct tm tm;

	if (second == l->second && l->day[0] != '\0')
		return l->day;
	l->second = second;
	(void)gmtime_r(&second, &tm);
	(void)strftime(l->day, sizeof l->day, "%Y-%m-%dT%H:%M:%S", &tm);
	return l->day;
}

static void add_locked(struct logger *l, enum log_level level, const char *event, const char *text)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
	struct timespec ts = {0};
	char *line;
	int n;

	if (l->n + LOGGER_LINE_MAX > sizeof l->gathered)
		flush_locked(l);
	line = l->gathered + l->n;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	n = snprintf(line, LOGGER_LINE_MAX, "%s.%03ldZ %s %s %s\n", day_of(l, ts.tv_sec),
		ts.tv_nsec / 1000000, names[level], event, text);
	if (n >= LOGGER_LINE_MAX) {
		n = LOGGER_LINE_MAX - 1;
		line[n - 1] = '\n';
	}
	if (n > 0)
		l->n += (size_t)n;
}

static void write_line(void *ctx, enum log_level level, const char *event, const char *text)
{
	struct logger *l = (struct logger *)ctx;

	(void)pthread_mutex_lock(&l->lock);
	add_locked(l, level, event, text);
	if (level < LOG_LEVEL_INFO || l->sink.max >= LOG_LEVEL_DEBUG)
		flush_locked(l);
	(void)pthread_mutex_unlock(&l->lock);
}

static void flush(void *ctx)
{
	struct logger *l = (struct logger *)ctx;

	(void)pthread_mutex_lock(&l->lock);
	flush_locked(l);
	(void)pthread_mutex_unlock(&l->lock);
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
	*l = (struct logger){.fd = fd, .sink = {write_line, flush, l, max}};
	(void)pthread_mutex_init(&l->lock, NULL);
	return 0;
}

int logger_reopen(struct logger *l, const char *path)
{
	int fd = open_path(path), old;

	if (fd < 0)
		return -ERR_IO;
	(void)pthread_mutex_lock(&l->lock);
	flush_locked(l);
	old = l->fd;
	l->fd = fd;
	(void)pthread_mutex_unlock(&l->lock);
	(void)close(old);
	return 0;
}

void logger_close(struct logger *l)
{
	flush(l);
	(void)close(l->fd);
	(void)pthread_mutex_destroy(&l->lock);
	l->fd = -1;
}
