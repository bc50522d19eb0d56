#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

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

struct pause {
	struct order o;
	unsigned ms;
};

static void pause_run(struct worker *w, struct command *c)
{
	unsigned ms = container_of(c, struct pause, o.c)->ms;
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000L};

	(void)w;
	(void)nanosleep(&t, NULL);
}

static void pause_order(struct dp *dp, uint32_t worker, unsigned ms)
{
	struct pause *p = calloc(1, sizeof *p);

	if (!p)
		return;
	p->o.c.run = pause_run;
	p->ms = ms;
	dp_order(dp, worker, &p->o, NULL);
}

/* "hang WORKER MILLISECONDS": when it sends next; "hang-in ..": when it receives; "hang-order ..":
 * at once, in an order; "held WORKER 0": says in the log if what a "hang" asked for has begun */
void test_readable(struct dp *dp)
{
	char text[64], word[16];
	unsigned worker, ms;
	bool in, order;
	ssize_t n = recv(dp->test, text, sizeof text - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	text[n] = 0;
	if (sscanf(text, "%15s %u %u", word, &worker, &ms) != 3 || worker >= dp->sh.n_workers ||
		ms > HANG_MAX_MS || (strncmp(word, "hang", 4) != 0 && strcmp(word, "held") != 0)) {
		log_warn(&dp->log, "dp.test.garbled", "octets=%zd", n);
		return;
	}
	if (strcmp(word, "held") == 0) {
		if (atomic_load(&dp->sh.workers[worker]->hang_ms[HANG_OUT]) == 0)
			log_warn(&dp->log, "dp.test.held", "worker=%u", worker);
		return;
	}
	in = strcmp(word, "hang-in") == 0;
	order = strcmp(word, "hang-order") == 0;
	log_warn(&dp->log, "dp.test.hang", "worker=%u ms=%u in=%d order=%d", worker, ms, in, order);
	if (order)
		pause_order(dp, worker, ms);
	else
		atomic_store(&dp->sh.workers[worker]->hang_ms[in ? HANG_IN : HANG_OUT], ms);
}
