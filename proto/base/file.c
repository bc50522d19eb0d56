#include "base/file.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"

int file_write(int fd, struct view v)
{
	while (v.n != 0) {
		ssize_t n = write(fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_IO;
		v = view_of(v.p + n, v.n - (size_t)n);
	}
	return 0;
}
