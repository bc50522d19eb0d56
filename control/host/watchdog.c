#include "host/watchdog.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { TICK_MS = 100, LIMIT_TICKS = 20, BEAT_MS = 100 };

static void on_beat(uv_timer_t *t)
{
	struct watchdog *w = (struct watchdog *)t->data;

	atomic_store(&w->ticks_since_beat, 0);
}

static void *watch(void *arg)
{
	static const char message[] = "tandemd: the event loop stood still for 2 s; exiting\n";
	struct watchdog *w = (struct watchdog *)arg;
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};

	while (!atomic_load(&w->stop)) {
		(void)nanosleep(&tick, NULL);
		if (atomic_fetch_add(&w->ticks_since_beat, 1) < LIMIT_TICKS)
			continue;
		if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
			_exit(71);
		_exit(70);
	}
	return NULL;
}

int watchdog_start(struct watchdog *w, uv_loop_t *loop)
{
	if (uv_timer_init(loop, &w->beat) != 0)
		return -ERR_IO;
	w->beat.data = w;
	(void)uv_timer_start(&w->beat, on_beat, 0, BEAT_MS);
	if (pthread_create(&w->thread, NULL, watch, w) != 0)
		return -ERR_IO;
	w->running = true;
	return 0;
}

void watchdog_stop(struct watchdog *w)
{
	if (!w->running)
		return;
	atomic_store(&w->stop, true);
	(void)pthread_join(w->thread, NULL);
	w->running = false;
	uv_close((uv_handle_t *)&w->beat, NULL);
}
