#include "qsbr.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The token a worker saw last, on a line of its own; 0 = offline. */
struct seen {
	_Alignas(64) _Atomic uint64_t token;
};

struct qsbr {
	_Atomic uint64_t token;
	uint32_t n;
	struct seen seen[];
};

struct qsbr *qsbr_new(uint32_t threads)
{
	size_t size = sizeof(struct qsbr) + threads * sizeof(struct seen);
	struct qsbr *q = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (!q)
		return NULL;
	memset(q, 0, size);
	atomic_init(&q->token, 1);
	q->n = threads;
	return q;
}

void qsbr_free(struct qsbr *q)
{
	free(q);
}

/* Reads of before are done when the store is seen. */
void qsbr_quiescent(struct qsbr *q, uint32_t id)
{
	uint64_t now = atomic_load_explicit(&q->token, memory_order_acquire);

	atomic_store_explicit(&q->seen[id].token, now, memory_order_release);
}

void qsbr_offline(struct qsbr *q, uint32_t id)
{
	atomic_store_explicit(&q->seen[id].token, 0, memory_order_release);
}

/* Either qsbr_passed() sees us online, or we see what was unpublished before its token: both sides
 * are sequentially consistent. */
void qsbr_online(struct qsbr *q, uint32_t id)
{
	(void)atomic_exchange(&q->seen[id].token, atomic_load(&q->token));
}

uint64_t qsbr_token(struct qsbr *q)
{
	return atomic_fetch_add(&q->token, 1) + 1;
}

bool qsbr_passed(struct qsbr *q, uint64_t token, uint32_t without)
{
	for (uint32_t i = 0; i < q->n; i++) {
		uint64_t seen = atomic_load(&q->seen[i].token);

		if (seen != 0 && seen < token && !(without >> i & 1))
			return false;
	}
	return true;
}
