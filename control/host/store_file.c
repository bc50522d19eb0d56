#include "host/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

int store_file_read(const char *path, size_t max, struct blob *out)
{
	int CLEANUP(cleanup_fd) fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_blob data = {0};
	struct stat st;
	size_t n = 0;

	if (fd < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_IO;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -ERR_IO;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return -ERR_LIMIT;
	data.p = malloc((size_t)st.st_size + 1);
	if (!data.p)
		return -ERR_NOMEM;
	data.n = (size_t)st.st_size;
	while (n < data.n) {
		ssize_t got = read(fd, data.p + n, data.n - n);

		if (got <= 0)
			return -ERR_IO;
		n += (size_t)got;
	}
	data.p[n] = '\0'; /* convenient for text; not counted */
	*out = blob_take(&data);
	return 0;
}

int store_file_write(const char *path, struct view data)
{
	char tmp[PATH_MAX], dir[PATH_MAX];
	int CLEANUP(cleanup_fd) dir_fd = -1;
	int fd, rc;

	if (snprintf(tmp, sizeof tmp, "%s.new", path) >= (int)sizeof tmp ||
		snprintf(dir, sizeof dir, "%s", path) >= (int)sizeof dir)
		return -ERR_LIMIT;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -ERR_IO;
	rc = file_write(fd, data);
	if (rc == 0 && fsync(fd) != 0)
		rc = -ERR_IO;
	if (close(fd) != 0 || rc < 0 || rename(tmp, path) != 0) {
		(void)unlink(tmp); /* it may hold keys */
		return -ERR_IO;
	}
	dir_fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd >= 0 && fsync(dir_fd) == 0 ? 0 : -ERR_IO;
}
