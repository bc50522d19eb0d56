#include "qsbr.h"

#include <stdlib.h>

#include <rte_lcore.h>
#include <rte_rcu_qsbr.h>

void *qsbr_new(uint32_t threads)
{
	size_t n = (rte_rcu_qsbr_get_memsize(threads) + 63) & ~(size_t)63;
	struct rte_rcu_qsbr *q = aligned_alloc(64, n);

	if (q && rte_rcu_qsbr_init(q, threads) != 0) {
		free(q);
		return NULL;
	}
	return q;
}

void qsbr_free(void *q)
{
	free(q);
}

bool qsbr_thread_enter(void *q, uint32_t id)
{
	if (rte_thread_register() != 0)
		return false;
	if (rte_rcu_qsbr_thread_register(q, id) != 0) {
		rte_thread_unregister();
		return false;
	}
	rte_rcu_qsbr_thread_online(q, id);
	return true;
}

void qsbr_thread_leave(void *q, uint32_t id)
{
	rte_rcu_qsbr_thread_offline(q, id);
	(void)rte_rcu_qsbr_thread_unregister(q, id);
	rte_thread_unregister();
}

void qsbr_quiescent(void *q, uint32_t id)
{
	rte_rcu_qsbr_quiescent(q, id);
}

void qsbr_offline(void *q, uint32_t id)
{
	rte_rcu_qsbr_thread_offline(q, id);
}

void qsbr_online(void *q, uint32_t id)
{
	rte_rcu_qsbr_thread_online(q, id);
}

uint64_t qsbr_token(void *q)
{
	return rte_rcu_qsbr_start(q);
}

bool qsbr_passed(void *q, uint64_t token)
{
	return rte_rcu_qsbr_check(q, token, false) == 1;
}
