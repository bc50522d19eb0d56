#pragma once
/*
 * Jobs that take long - making an RSA key, a passphrase - on a thread of their own, so that
 * nobody's signature waits for them.
 *
 * Life: slow_start() before the process is locked in (threads cannot be made later) .. slow_stop(),
 * which waits for the job at hand. A job is given with slow_post() and comes back from slow_take()
 * once slow_fd() can be read. run() is called on the thread and may touch nothing but the job.
 */
#include <pthread.h>

#include "base/err.h"
#include "base/list.h"

struct slow_job {
	struct list link;
	void (*run)(struct slow_job *j);
};

struct slow {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct list todo, done;
	int fd; /* eventfd */
	bool stop;
};

int slow_start(struct slow *s) MUST_CHECK;
/* What was not taken is handed to `drop`. */
void slow_stop(struct slow *s, void (*drop)(struct slow_job *j));
void slow_post(struct slow *s, struct slow_job *j);
/* The next that is done; NULL when there is none. */
struct slow_job *slow_take(struct slow *s);
