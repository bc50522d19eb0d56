#pragma once
/*
 * Grace periods: rte_rcu_qsbr behind six calls, so that what lives under it need not see DPDK.
 *
 * Thread: a worker uses its own id only; tokens are the API thread's. In a sleeping (offline)
 * worker no grace period waits.
 */
#include <stdbool.h>
#include <stdint.h>

void *qsbr_new(uint32_t threads);
void qsbr_free(void *q);
/* Makes the thread a DPDK thread (mempool cache, lcore id) and goes online. */
bool qsbr_thread_enter(void *q, uint32_t id);
void qsbr_thread_leave(void *q, uint32_t id);
void qsbr_quiescent(void *q, uint32_t id);
void qsbr_offline(void *q, uint32_t id);
void qsbr_online(void *q, uint32_t id);
uint64_t qsbr_token(void *q);
/* Have all workers passed a quiescent state since? Never waits. */
bool qsbr_passed(void *q, uint64_t token);
