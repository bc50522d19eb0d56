#include "world.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *const names[CAS] = {"Root", "Eng", "Sales", "Dev", "QA", "Stranger"};

void world_init(struct world *w)
{
	*w = (struct world){0};
	w->ca[ROOT] = forge_make_ca("C=US,O=example,CN=Root", NULL, -1);
	w->ca[ENG] = forge_make_ca("C=US,O=example,CN=Eng-CA", &w->ca[ROOT], -1);
	w->ca[SALES] = forge_make_ca("C=US,O=example,CN=Sales-CA", &w->ca[ROOT], -1);
	w->ca[DEV] = forge_make_ca("C=US,O=example,CN=Dev-CA", &w->ca[ENG], -1);
	w->ca[QA] = forge_make_ca("C=US,O=example,CN=QA-CA", &w->ca[ENG], -1);
	w->ca[STRANGER] = forge_make_ca("C=US,O=stranger,CN=Root", NULL, -1);
	w->model.refs = 1000; /* never freed: it is a part of this */
	w->model.ca_profiles = w->profiles;
}

void world_fini(struct world *w)
{
	pki_store_unref(w->store);
	for (size_t i = 0; i < CAS; i++)
		forge_ca_free(&w->ca[i]);
}

static int hand_out(void *ctx, const char *name, struct cert **out)
{
	struct world *w = (struct world *)ctx;

	for (uint32_t i = 0; i < w->model.n_ca_profiles; i++)
		if (strcmp(w->profiles[i].name, name) == 0 && w->held[i])
			*out = cert_ref(w->held[i]);
	return 0;
}

static void renew(struct world *w)
{
	const struct pki_source source = {hand_out, w};

	pki_store_unref(w->store);
	w->store = NULL;
	if (pki_store_new(&w->model, &source, ++w->generation, &w->store) < 0)
		abort();
}

void world_profile(struct world *w, const char *name, struct cert *cert)
{
	uint32_t i = w->model.n_ca_profiles;

	if (i == WORLD_PROFILES)
		abort();
	w->profiles[i] = (struct model_ca_profile){.name = name, .identity = name};
	w->held[i] = cert;
	w->model.n_ca_profiles++;
	renew(w);
}

void world_trust(struct world *w, ...)
{
	va_list ap;
	int which;

	w->model.n_ca_profiles = 0;
	renew(w);
	va_start(ap, w);
	while ((which = va_arg(ap, int)) >= 0)
		world_profile(w, names[which], w->ca[which].cert);
	va_end(ap);
}

int world_setup(void **state)
{
	static struct world w;

	world_init(&w);
	*state = &w;
	return 0;
}

int world_teardown(void **state)
{
	world_fini(*state);
	return 0;
}
