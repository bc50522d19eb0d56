#include "base/secret.h"

#include <stdlib.h>

void secret_wipe(void *p, size_t n)
{
	if (n != 0)
		explicit_bzero(p, n);
}

struct secret *secret_new(size_t n)
{
	struct secret *s = calloc(1, sizeof *s + n);

	if (s)
		s->n = n;
	return s;
}

struct secret *secret_copy(struct view from)
{
	struct secret *s = secret_new(from.n);

	if (s && from.n != 0)
		memcpy(s->p, from.p, from.n);
	return s;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	secret_wipe(s->p, s->n);
	free(s);
}

void secret_cleanup(struct secret **s)
{
	secret_free(*s);
}

void secret_wipe_blob(struct blob *b)
{
	secret_wipe(b->p, b->n);
	blob_fini(b);
}
