#include "incarnation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static int write_all(int fd, const char *text)
{
	size_t n = strlen(text);

	return write(fd, text, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -ERR_IO;
}

static int sync_dir_of(const char *path)
{
	char dir[512];
	char *slash;
	int fd, rc;

	(void)snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ERR_IO;
	rc = fsync(fd) == 0 ? 0 : -ERR_IO;
	(void)close(fd);
	return rc;
}

/* Whole or not at all: a temporary file, synced, then renamed, then the directory synced. */
static int store(const char *path, uint16_t value)
{
	char tmp[520], text[16];
	int fd, rc;

	(void)snprintf(tmp, sizeof tmp, "%s.new", path);
	(void)snprintf(text, sizeof text, "%u\n", value);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -ERR_IO;
	rc = write_all(fd, text);
	(void)close(fd);
	if (rc == 0 && rename(tmp, path) != 0)
		rc = -ERR_IO;
	return rc == 0 ? sync_dir_of(path) : rc;
}

/* -ERR_NOT_FOUND when there is none, -ERR_VALUE when it is not what we wrote. */
static int load(const char *path, uint16_t *out)
{
	char text[16] = {0}, *end;
	unsigned long v;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_IO;
	n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	if (n <= 0)
		return -ERR_VALUE;
	v = strtoul(text, &end, 10);
	if (end == text || *end != '\n' || v > UINT16_MAX)
		return -ERR_VALUE;
	*out = (uint16_t)v;
	return 0;
}

int incarnation_begin(struct incarnation *i, const char *dir, const struct env *env)
{
	uint16_t last;
	int rc = -ERR_NOT_FOUND;

	*i = (struct incarnation){0};
	if (dir) {
		(void)snprintf(i->path, sizeof i->path, "%s/iv-incarnation", dir);
		rc = load(i->path, &last);
	}
	if (rc < 0) { /* missing or spoilt: nothing is known of the past, but much is ahead */
		i->is_fresh = true;
		last = (uint16_t)(env_random32(env) & 0x7fff);
	}
	return incarnation_reserve(i, last, &i->now);
}

int incarnation_reserve(struct incarnation *i, uint16_t last, uint16_t *out)
{
	uint16_t next = (uint16_t)(last + 1);
	int rc = i->path[0] ? store(i->path, next) : 0;

	if (rc == 0)
		*out = next;
	return rc;
}
