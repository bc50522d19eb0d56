#pragma once
/*
 * Grace periods (quiescent-state based reclamation): what was unpublished before a token may be
 * freed once every worker has been between two bursts since. In C11 atomics alone, so that the
 * thread sanitizer can prove it, and with a set of workers to leave out: a hung one.
 *
 * Life: qsbr_new() .. qsbr_free(). Thread: a worker uses its own id only; tokens are the API
 * thread's. For a sleeping (offline) worker no grace period waits.
 */
#include <stdbool.h>
#include <stdint.h>

struct qsbr;

/* Up to 32. */
struct qsbr *qsbr_new(uint32_t threads);
void qsbr_free(struct qsbr *q);
void qsbr_quiescent(struct qsbr *q, uint32_t id);
void qsbr_offline(struct qsbr *q, uint32_t id);
void qsbr_online(struct qsbr *q, uint32_t id);
uint64_t qsbr_token(struct qsbr *q);
/* Have all workers but those of the set `without` passed a quiescent state since? Never waits. */
bool qsbr_passed(struct qsbr *q, uint64_t token, uint32_t without);
