#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/err.h"
#include "dp.h"

enum { HANG_MAX_MS = 60 * 1000 };

int test_listen(struct dp *dp, const char *path)
{
	dp->test = path ? api_listen_datagrams(path) : -1;
	dp->sh.test_hang = path != NULL;
	if (!path)
		return 0;
	if (dp->test < 0)
		return -ERR_IO;
	log_warn(&dp->log, "dp.test", "socket=%s", path);
	return 0;
}

/* "hang WORKER MILLISECONDS" */
void test_readable(struct dp *dp)
{
	char text[64];
	unsigned worker, ms;
	ssize_t n = recv(dp->test, text, sizeof text - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	text[n] = 0;
	if (sscanf(text, "hang %u %u", &worker, &ms) != 2 || worker >= dp->sh.n_workers ||
		ms > HANG_MAX_MS) {
		log_warn(&dp->log, "dp.test.garbled", "octets=%zd", n);
		return;
	}
	log_warn(&dp->log, "dp.test.hang", "worker=%u ms=%u", worker, ms);
	atomic_store(&dp->sh.workers[worker]->hang_ms, ms);
}
