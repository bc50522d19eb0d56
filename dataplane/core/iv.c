#include "core/iv.h"

#include "base/err.h"

#define IV_SPACE (UINT64_C(1) << 56)

static uint64_t incarnation_end(uint16_t incarnation)
{
	return ((uint64_t)incarnation + 1) << IV_COUNTER_BITS;
}

void iv_pool_init(struct iv_pool *p, uint16_t incarnation)
{
	atomic_init(&p->next, (uint64_t)incarnation << IV_COUNTER_BITS);
	atomic_init(&p->reserved, incarnation_end(incarnation));
}

void iv_pool_reserve(struct iv_pool *p, uint16_t incarnation)
{
	uint64_t end = incarnation_end(incarnation);

	if (end > atomic_load(&p->reserved))
		atomic_store(&p->reserved, end);
}

bool iv_pool_raise(struct iv_pool *p, uint16_t incarnation)
{
	uint64_t to = (uint64_t)incarnation << IV_COUNTER_BITS, at = atomic_load(&p->next);

	iv_pool_reserve(p, incarnation);
	while (at < to)
		if (atomic_compare_exchange_weak(&p->next, &at, to))
			return true;
	return false;
}

uint16_t iv_pool_incarnation(const struct iv_pool *p)
{
	return (uint16_t)(atomic_load(&p->next) >> IV_COUNTER_BITS);
}

bool iv_pool_is_half(const struct iv_pool *p)
{
	return atomic_load(&p->reserved) - atomic_load(&p->next) < UINT64_C(1)
									   << (IV_COUNTER_BITS - 1);
}

int iv_pool_take(struct iv_pool *p, struct iv_block *b)
{
	uint64_t at = atomic_load(&p->next);

	do {
		if (at + IV_BLOCK > atomic_load(&p->reserved) || at + IV_BLOCK > IV_SPACE)
			return -ERR_LIMIT;
	} while (!atomic_compare_exchange_weak(&p->next, &at, at + IV_BLOCK));
	*b = (struct iv_block){at, at + IV_BLOCK};
	return 0;
}
