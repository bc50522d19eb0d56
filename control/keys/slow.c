#include "keys/slow.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK = 256 * 1024 }; /* locked memory: not the default of 8 MB */

static struct slow_job *pop(struct list *l)
{
	struct slow_job *j;

	if (list_is_empty(l))
		return NULL;
	j = list_item(l->next, struct slow_job, link);
	list_del(&j->link);
	return j;
}

static void *serve(void *ctx)
{
	const uint64_t one = 1;
	struct slow *s = ctx;
	struct slow_job *j;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		j = pop(&s->todo);
		if (!j) {
			(void)pthread_cond_wait(&s->posted, &s->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&s->lock);
		j->run(j);
		(void)pthread_mutex_lock(&s->lock);
		list_add_tail(&s->done, &j->link);
		if (write(s->fd, &one, sizeof one) != sizeof one)
			break; /* never: the counter has 64 bits */
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

int slow_start(struct slow *s)
{
	pthread_attr_t attr;
	int failed;

	*s = (struct slow){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	list_init(&s->todo);
	list_init(&s->done);
	if (s->fd < 0)
		return -ERR_IO;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->posted, NULL);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	failed = pthread_create(&s->thread, &attr, serve, s);
	(void)pthread_attr_destroy(&attr);
	if (failed)
		(void)close(s->fd);
	return failed ? -ERR_NOMEM : 0;
}

void slow_stop(struct slow *s, void (*drop)(struct slow_job *j))
{
	struct slow_job *j;

	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->posted);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	while ((j = pop(&s->todo)) || (j = pop(&s->done)))
		drop(j);
	(void)pthread_cond_destroy(&s->posted);
	(void)pthread_mutex_destroy(&s->lock);
	(void)close(s->fd);
}

void slow_post(struct slow *s, struct slow_job *j)
{
	(void)pthread_mutex_lock(&s->lock);
	list_add_tail(&s->todo, &j->link);
	(void)pthread_cond_signal(&s->posted);
	(void)pthread_mutex_unlock(&s->lock);
}

struct slow_job *slow_take(struct slow *s)
{
	struct slow_job *j;
	uint64_t count;

	(void)pthread_mutex_lock(&s->lock);
	j = pop(&s->done);
	if (list_is_empty(&s->done))
		(void)!read(s->fd, &count, sizeof count);
	(void)pthread_mutex_unlock(&s->lock);
	return j;
}
