#include "pki/cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

struct entry {
	UT_hash_handle hh;
	struct blob key;
	struct cert *cert; /* or: */
	struct path path;
};

struct pki_cache {
	pthread_mutex_t lock;
	/* A map keeps the order of insertion: what is used is put in anew, so the first is oldest.
	 */
	struct entry *certs, *paths;
	size_t max;
	struct pki_cache_stats stats;
};

int pki_cache_new(size_t max, struct pki_cache **out)
{
	struct pki_cache *c = calloc(1, sizeof *c);

	if (!c)
		return -ERR_NOMEM;
	c->max = max;
	if (pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return -ERR_NOMEM;
	}
	*out = c;
	return 0;
}

static void entry_free(struct entry *e)
{
	blob_fini(&e->key);
	cert_unref(e->cert);
	path_fini(&e->path);
	free(e);
}

static void map_fini(struct entry **map)
{
	struct entry *e, *next;

	map_foreach (*map, e, next) {
		HASH_DELETE(hh, *map, e);
		entry_free(e);
	}
}

void pki_cache_free(struct pki_cache *c)
{
	if (!c)
		return;
	map_fini(&c->certs);
	map_fini(&c->paths);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct entry *entry_use(struct entry **map, struct view key)
{
	struct entry *e;

	HASH_FIND(hh, *map, key.p, key.n, e);
	if (!e)
		return NULL;
	HASH_DELETE(hh, *map, e);
	HASH_ADD_KEYPTR(hh, *map, e->key.p, e->key.n, e);
	return e;
}

/* Takes e over. */
static void entry_put(struct pki_cache *c, struct entry **map, struct entry *e)
{
	struct entry *old;

	HASH_FIND(hh, *map, e->key.p, e->key.n, old);
	if (!old && HASH_COUNT(*map) >= c->max)
		old = *map;
	if (old) {
		HASH_DELETE(hh, *map, old);
		entry_free(old);
	}
	HASH_ADD_KEYPTR(hh, *map, e->key.p, e->key.n, e);
}

static struct entry *entry_new(struct view key)
{
	struct entry *e = calloc(1, sizeof *e);

	if (e && blob_copy(key, &e->key) < 0) {
		free(e);
		return NULL;
	}
	return e;
}

int pki_cache_cert(struct pki_cache *c, struct view der, struct cert **out)
{
	struct cert *cert = NULL;
	struct entry *e;
	int rc;

	(void)pthread_mutex_lock(&c->lock);
	e = der.n != 0 ? entry_use(&c->certs, der) : NULL;
	if (e) {
		cert = cert_ref(e->cert);
		c->stats.certs_known++;
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (cert) {
		*out = cert;
		return 0;
	}
	rc = cert_parse(der, &cert);
	if (rc < 0)
		return rc;
	e = entry_new(der);
	(void)pthread_mutex_lock(&c->lock);
	c->stats.certs_read++;
	if (e) {
		e->cert = cert_ref(cert);
		entry_put(c, &c->certs, e);
	}
	(void)pthread_mutex_unlock(&c->lock);
	*out = cert;
	return 0;
}

bool pki_cache_path(struct pki_cache *c, struct view key, int64_t at_s, struct path *out)
{
	struct entry *e;
	bool found = false;

	(void)pthread_mutex_lock(&c->lock);
	e = entry_use(&c->paths, key);
	if (e && at_s >= e->path.not_before_s && at_s <= e->path.not_after_s) {
		path_copy(&e->path, out);
		c->stats.paths_known++;
		found = true;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

void pki_cache_keep(struct pki_cache *c, struct view key, const struct path *p)
{
	struct entry *e = entry_new(key);

	(void)pthread_mutex_lock(&c->lock);
	c->stats.paths_built++;
	if (e) {
		path_copy(p, &e->path);
		entry_put(c, &c->paths, e);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

struct pki_cache_stats pki_cache_stats(struct pki_cache *c)
{
	struct pki_cache_stats s;

	(void)pthread_mutex_lock(&c->lock);
	s = c->stats;
	(void)pthread_mutex_unlock(&c->lock);
	return s;
}
