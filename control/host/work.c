#include "host/work.h"

void work_init(struct work_queue *q)
{
	list_init(&q->items);
	q->draining = false;
}

void work_post(struct work_queue *q, struct work *w)
{
	list_add_tail(&q->items, &w->link);
}

static void run_all(struct work_queue *q, struct daemon *d, bool drop)
{
	while (!list_is_empty(&q->items)) {
		struct work *w = list_item(q->items.next, struct work, link);

		list_del(&w->link);
		w->run(d, w, drop);
	}
}

void work_drain(struct work_queue *q, struct daemon *d)
{
	if (q->draining)
		return;
	q->draining = true;
	run_all(q, d, false);
	q->draining = false;
}

void work_fini(struct work_queue *q, struct daemon *d)
{
	q->draining = true;
	run_all(q, d, true);
}
