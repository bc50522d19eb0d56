#include "base/timer.h"

#include <stdlib.h>

#include "base/err.h"

static bool before(const struct timer *a, const struct timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void place(struct timerq *q, uint32_t slot, struct timer *t)
{
	q->heap[slot - 1] = t;
	t->slot = slot;
}

static void sift_up(struct timerq *q, struct timer *t, uint32_t slot)
{
	while (slot > 1 && before(t, q->heap[slot / 2 - 1])) {
		place(q, slot, q->heap[slot / 2 - 1]);
		slot /= 2;
	}
	place(q, slot, t);
}

static void sift_down(struct timerq *q, struct timer *t, uint32_t slot)
{
	for (;;) {
		uint32_t child = slot * 2;

		if (child > q->n)
			break;
		if (child < q->n && before(q->heap[child], q->heap[child - 1]))
			child++;
		if (!before(q->heap[child - 1], t))
			break;
		place(q, slot, q->heap[child - 1]);
		slot = child;
	}
	place(q, slot, t);
}

int timer_arm(struct timerq *q, struct timer *t, uint64_t due_ms)
{
	if (t->slot == 0 && q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 64;
		struct timer **heap = realloc(q->heap, cap * sizeof(*heap));

		if (!heap)
			return -ERR_NOMEM;
		q->heap = heap;
		q->cap = cap;
	}
	timer_cancel(q, t);
	t->due_ms = due_ms;
	t->order = q->next_order++;
	q->n++;
	sift_up(q, t, q->n);
	return 0;
}

void timer_cancel(struct timerq *q, struct timer *t)
{
	uint32_t slot = t->slot;
	struct timer *last;

	if (slot == 0)
		return;
	t->slot = 0;
	last = q->heap[--q->n];
	if (last == t)
		return;
	sift_up(q, last, slot);
	sift_down(q, last, last->slot);
}

uint64_t timerq_deadline(const struct timerq *q)
{
	return q->n == 0 ? TIMER_NEVER : q->heap[0]->due_ms;
}

struct timer *timerq_pop(struct timerq *q, uint64_t now_ms)
{
	struct timer *t;

	if (q->n == 0 || q->heap[0]->due_ms > now_ms)
		return NULL;
	t = q->heap[0];
	timer_cancel(q, t);
	return t;
}

void timerq_fini(struct timerq *q)
{
	while (q->n != 0)
		timer_cancel(q, q->heap[0]);
	free(q->heap);
	*q = (struct timerq){0};
}
