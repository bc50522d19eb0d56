#include "pki/chain.h"

static bool is_allowed(const struct chain_terms *t, const struct pki_ca *ca)
{
	for (size_t i = 0; i < t->n_cas; i++)
		if (strcmp(t->cas[i], ca->profile->name) == 0)
			return true;
	return t->n_cas == 0;
}

static bool is_anchor(const struct chain_terms *t, const struct pki_ca *ca)
{
	if (!ca->cert || !is_allowed(t, ca))
		return false;
	for (const struct pki_ca *up = ca->parent; up; up = up->parent)
		if (is_allowed(t, up))
			return false;
	return true;
}

struct sorted {
	const struct cert *anchors[CHAIN_OTHERS_MAX], *others[CHAIN_OTHERS_MAX];
	size_t n_anchors, n_others;
};

static void other_add(struct sorted *s, const struct cert *c)
{
	for (size_t i = 0; i < s->n_others; i++)
		if (s->others[i] == c)
			return;
	if (s->n_others < CHAIN_OTHERS_MAX)
		s->others[s->n_others++] = c;
}

static void sort(const struct pki_store *store, struct path_set certs, const struct chain_terms *t,
	struct sorted *s)
{
	s->n_anchors = s->n_others = 0;
	for (size_t i = 1; i < certs.n; i++)
		other_add(s, certs.v[i]);
	for (size_t i = 0; i < store->n; i++) {
		const struct pki_ca *ca = &store->cas[i];

		if (is_anchor(t, ca) && s->n_anchors < CHAIN_OTHERS_MAX)
			s->anchors[s->n_anchors++] = ca->cert;
		else if (ca->cert)
			other_add(s, ca->cert);
	}
}

/* All that a path depends on, but the time: snapshot, certificates in their order, terms. */
static int key_of(const struct pki_store *s, struct path_set certs, const struct chain_terms *t,
	struct blob *key)
{
	int rc = blob_append(key, view_of(&s->generation, sizeof s->generation));

	for (size_t i = 0; rc == 0 && i < certs.n; i++)
		rc = blob_append(key, view_of_array(certs.v[i]->fingerprint));
	for (size_t i = 0; rc == 0 && i < t->n_cas; i++)
		rc = blob_append(key, view_of(t->cas[i], strlen(t->cas[i]) + 1));
	if (rc == 0)
		rc = blob_append(key, view_of_literal("\0"));
	for (size_t i = 0; rc == 0 && i < t->n_policies; i++)
		rc = blob_append(key, view_of(t->policies[i], strlen(t->policies[i]) + 1));
	return rc;
}

int chain_build(const struct pki_store *s, struct pki_cache *cache, struct path_set certs,
	const struct chain_terms *t, struct path *out, const char **why)
{
	const struct path_terms terms = {t->at_s, t->policies, t->n_policies, t->blame};
	struct sorted sorted;
	auto_blob key = {0};
	int rc;

	*why = "no certificate was sent";
	if (certs.n == 0)
		return -ERR_AUTH;
	*why = "the chain is longer than 10 certificates";
	if (certs.n > CERT_CHAIN_MAX)
		return -ERR_LIMIT;
	*why = "out of memory";
	rc = key_of(s, certs, t, &key);
	if (rc < 0)
		return rc;
	if (cache && pki_cache_path(cache, blob_view(&key), t->at_s, out))
		return 0;
	sort(s, certs, t, &sorted);
	rc = path_build(certs.v[0], (struct path_set){sorted.others, sorted.n_others},
		(struct path_set){sorted.anchors, sorted.n_anchors}, &terms, out, why);
	if (rc == 0 && cache)
		pki_cache_keep(cache, blob_view(&key), out);
	return rc;
}
