#include "pki/store.h"

#include <stdlib.h>

static bool is_above(const struct pki_ca *maybe, const struct pki_ca *ca)
{
	return maybe != ca && maybe->cert && !cert_equal(maybe->cert, ca->cert) &&
	       cert_signed_by(ca->cert, maybe->cert);
}

static void parent_find(struct pki_store *s, struct pki_ca *ca)
{
	if (!ca->cert || ca->cert->self_issued)
		return;
	for (size_t i = 0; !ca->parent && i < s->n; i++)
		if (is_above(&s->cas[i], ca))
			ca->parent = &s->cas[i];
}

int pki_store_new(struct model *m, const struct pki_source *source, uint64_t generation,
	struct pki_store **out)
{
	struct pki_store *s = calloc(1, sizeof *s);
	int rc = 0;

	if (!s)
		return -ERR_NOMEM;
	s->refs = 1;
	s->generation = generation;
	s->model = model_ref(m);
	s->cas = calloc(m->n_ca_profiles + (size_t)1, sizeof *s->cas);
	if (!s->cas)
		rc = -ERR_NOMEM;
	for (uint32_t i = 0; rc == 0 && i < m->n_ca_profiles; i++) {
		s->cas[i].profile = &m->ca_profiles[i];
		rc = source->ca(source->ctx, m->ca_profiles[i].name, &s->cas[i].cert);
		s->n += rc == 0;
	}
	if (rc < 0) {
		pki_store_unref(s);
		return rc;
	}
	for (size_t i = 0; i < s->n; i++)
		parent_find(s, &s->cas[i]);
	*out = s;
	return 0;
}

struct pki_store *pki_store_ref(struct pki_store *s)
{
	s->refs++;
	return s;
}

void pki_store_unref(struct pki_store *s)
{
	if (!s || --s->refs != 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		cert_unref(s->cas[i].cert);
	free(s->cas);
	model_free(s->model);
	free(s);
}

const struct pki_ca *pki_store_find(const struct pki_store *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->cas[i].profile->name, name) == 0)
			return &s->cas[i];
	return NULL;
}

const struct pki_ca *pki_store_of(const struct pki_store *s, const struct cert *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->cas[i].cert && cert_equal(s->cas[i].cert, c))
			return &s->cas[i];
	return NULL;
}
