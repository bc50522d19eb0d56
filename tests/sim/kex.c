#include "kex.h"

#include <stdlib.h>

void kexes_add(struct kexes *k, struct ike_kex_job *job)
{
	if (k->n == KEXES)
		abort();
	k->v[k->n++] = job;
}

struct ike_kex_job *kexes_take(struct kexes *k, uint64_t id)
{
	for (size_t i = 0; i < k->n; i++) {
		struct ike_kex_job *job = k->v[i];

		if (job->id != id)
			continue;
		k->v[i] = k->v[--k->n];
		return job;
	}
	return NULL;
}

void kexes_fini(struct kexes *k)
{
	while (k->n)
		ike_kex_job_free(k->v[--k->n]);
}
