#pragma once
/*
 * Asymmetric work under way on one machine: a thread pool that takes some time.
 *
 * Life: zeroed .. kexes_fini(). A job is taken out by its id when its time has come; what is left
 * when a process dies is freed.
 */
#include "ike/effect.h"

enum { KEXES = 64 };

struct kexes {
	struct ike_kex_job *v[KEXES];
	size_t n;
};

void kexes_add(struct kexes *k, struct ike_kex_job *job);
/* NULL: not there any more. */
struct ike_kex_job *kexes_take(struct kexes *k, uint64_t id);
void kexes_fini(struct kexes *k);
