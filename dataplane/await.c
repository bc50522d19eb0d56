#include "await.h"

#include <stddef.h>

/* SPIs are our own choice: their low bits are random. */
static _Atomic(struct awaited *) *slot_of(struct await_table *t, uint32_t spi, uint32_t probe)
{
	return &t->slots[(spi + probe) % AWAIT_SLOTS];
}

static _Atomic(struct awaited *) *slot_with(struct await_table *t, uint32_t spi)
{
	for (uint32_t i = 0; t && i < AWAIT_PROBES; i++) {
		_Atomic(struct awaited *) *s = slot_of(t, spi, i);
		const struct awaited *a = atomic_load_explicit(s, memory_order_acquire);

		if (a && a->spi == spi)
			return s;
	}
	return NULL;
}

bool await_put(struct await_table *t, struct awaited *a, uint64_t now_ns, struct awaited **old)
{
	_Atomic(struct awaited *) *s = slot_with(t, a->spi);

	for (uint32_t i = 0; !s && i < AWAIT_PROBES; i++) {
		_Atomic(struct awaited *) *at = slot_of(t, a->spi, i);
		const struct awaited *there = atomic_load(at);

		if (!there || awaited_is_over(there, now_ns))
			s = at;
	}
	*old = s ? atomic_exchange(s, a) : NULL;
	return s != NULL;
}

struct awaited *await_take(struct await_table *t, uint32_t spi)
{
	_Atomic(struct awaited *) *s = slot_with(t, spi);

	return s ? atomic_exchange(s, NULL) : NULL;
}

struct awaited *await_find(struct await_table *t, uint32_t spi)
{
	_Atomic(struct awaited *) *s = slot_with(t, spi);

	return s ? atomic_load_explicit(s, memory_order_acquire) : NULL;
}
