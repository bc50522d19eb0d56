#include "host/persist.h"

#include <stdio.h>

#include "base/err.h"
#include "host/store_file.h"

static void write_out(uv_work_t *w)
{
	struct persist *p = (struct persist *)w->data;

	p->rc = store_file_write(p->path, blob_view(&p->writing));
}

static void start(struct persist *p);

static void written(uv_work_t *w, int status)
{
	struct persist *p = (struct persist *)w->data;

	p->busy = false;
	blob_fini(&p->writing);
	if (status == 0 && p->done)
		p->done(p->ctx, p->writing_serial, p->rc);
	if (p->waiting && !p->busy)
		start(p);
}

static void start(struct persist *p)
{
	p->waiting = false;
	p->busy = true;
	p->writing = blob_take(&p->next);
	p->writing_serial = p->next_serial;
	p->work.data = p;
	(void)uv_queue_work(p->loop, &p->work, write_out, written);
}

int persist_init(struct persist *p, uv_loop_t *loop, const char *path)
{
	*p = (struct persist){.loop = loop};
	return snprintf(p->path, sizeof p->path, "%s", path) >= (int)sizeof p->path ? -ERR_LIMIT
										    : 0;
}

int persist_put(struct persist *p, uint64_t serial, struct view octets)
{
	auto_blob copy = {0};
	int rc = blob_copy(octets, &copy);

	if (rc < 0)
		return rc;
	blob_fini(&p->next);
	p->next = blob_take(&copy);
	p->next_serial = serial;
	p->waiting = true;
	if (!p->busy)
		start(p);
	return 0;
}

void persist_fini(struct persist *p)
{
	p->done = NULL;
	p->waiting = false;
	while (p->busy && uv_run(p->loop, UV_RUN_ONCE) != 0)
		;
	blob_fini(&p->next);
	blob_fini(&p->writing);
}
