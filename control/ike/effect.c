#include "ike/effect.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/proof.h"

#define CHUNK_MIN 16384

/* Blocks never move, so what they hold may be pointed to. The first one is kept over a clear. */
struct ike_chunk {
	struct ike_chunk *older;
	size_t cap, n;
	_Alignas(16) uint8_t p[];
};

void ike_effects_init(struct ike_effects *fx)
{
	*fx = (struct ike_effects){0};
}

static struct ike_chunk *chunk_new(struct ike_chunk *older, size_t need)
{
	size_t cap = MAX(need, (size_t)CHUNK_MIN);
	struct ike_chunk *c = malloc(sizeof *c + cap);

	if (c)
		*c = (struct ike_chunk){.older = older, .cap = cap};
	return c;
}

void *ike_effects_alloc(struct ike_effects *fx, size_t n)
{
	struct ike_chunk *c = fx->arena;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!c || c->cap - c->n < n) {
		c = chunk_new(fx->arena, n);
		if (!c) {
			fx->failed = true;
			return NULL;
		}
		fx->arena = c;
	}
	p = c->p + c->n;
	c->n += n;
	return memset(p, 0, n);
}

struct view ike_effects_copy(struct ike_effects *fx, struct view v)
{
	void *p = v.n ? ike_effects_alloc(fx, v.n) : NULL;

	if (!p)
		return (struct view){0};
	memcpy(p, v.p, v.n);
	return view_of(p, v.n);
}

struct ike_effect *ike_effects_add(struct ike_effects *fx, enum ike_effect_type type)
{
	if (fx->n == fx->cap) {
		size_t cap = fx->cap ? fx->cap * 2 : 16;
		struct ike_effect *v = realloc(fx->v, cap * sizeof *v);

		if (!v) {
			fx->failed = true;
			return NULL;
		}
		fx->v = v;
		fx->cap = cap;
	}
	fx->v[fx->n] = (struct ike_effect){.type = type};
	return &fx->v[fx->n++];
}

static void job_drop(struct ike_effect *e)
{
	if (e->type == IKE_FX_KEX)
		ike_kex_job_free(e->kex);
	else if (e->type == IKE_FX_SIGN)
		ike_sign_job_free(e->sign);
	else if (e->type == IKE_FX_TRUST)
		ike_trust_job_free(e->trust);
}

void ike_effects_clear(struct ike_effects *fx)
{
	struct ike_chunk *c = fx->arena;

	for (size_t i = 0; i < fx->n; i++)
		job_drop(&fx->v[i]);
	while (c && c->older) {
		struct ike_chunk *older = c->older;

		secret_wipe(c->p, c->n);
		free(c);
		c = older;
	}
	if (c) {
		secret_wipe(c->p, c->n);
		c->n = 0;
	}
	fx->arena = c;
	fx->n = 0;
	fx->failed = false;
}

void ike_effects_fini(struct ike_effects *fx)
{
	ike_effects_clear(fx);
	free(fx->arena);
	free(fx->v);
	*fx = (struct ike_effects){0};
}

void ike_kex_run(const struct crypto *c, struct ike_kex_job *job)
{
	struct view peer = blob_view(&job->peer_public);

	switch (job->kind) {
	case IKE_KEX_GENERATE:
		job->rc = kex_generate(c, job->group, &job->kex);
		break;
	case IKE_KEX_DERIVE:
		job->rc = job->kex ? kex_derive(c, job->kex, peer, &job->shared) : -ERR_VALUE;
		break;
	case IKE_KEX_RESPOND:
	default:
		job->rc = kex_respond(c, job->group, peer, &job->kex, &job->shared);
		break;
	}
}

void ike_kex_job_free(struct ike_kex_job *job)
{
	if (!job)
		return;
	kex_free(job->kex);
	blob_fini(&job->peer_public);
	secret_free(job->shared);
	free(job);
}
