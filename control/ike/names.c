#include "ike/names.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"

static bool is_name(const struct model_peer *p)
{
	return p->addr.family == 0 && p->host;
}

static struct name *name_find(const struct ike *ike, const char *host)
{
	struct name *n;

	HASH_FIND_STR(ike->names, host, n);
	return n;
}

static size_t add(
	const struct model_gateway *m, const struct addr *v, size_t n, struct addr *out, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].family == m->local.family && at < PEER_ADDRESSES_MAX)
			out[at++] = v[i];
	return at;
}

size_t names_of(const struct ike *ike, const struct model_gateway *m, struct addr *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct name *name =
			is_name(&m->peers[i]) ? name_find(ike, m->peers[i].host) : NULL;

		if (!is_name(&m->peers[i]))
			n = add(m, &m->peers[i].addr, 1, out, n);
		else if (name)
			n = add(m, name->v, name->n, out, n);
	}
	return n;
}

void names_ask(struct ike *ike, const struct model_gateway *m)
{
	for (uint32_t i = 0; i < m->n_peers; i++) {
		struct ike_effect *e;

		if (!is_name(&m->peers[i]))
			continue;
		e = ike_effects_add(ike->fx, IKE_FX_RESOLVE);
		if (e)
			e->resolve = m->peers[i].host;
	}
}

/* ---------------------------------------------------------------- what is told */

static bool is_known(const struct name *n, const struct addr *v, size_t n_v)
{
	if (n->n != n_v)
		return false;
	for (size_t i = 0; i < n_v; i++)
		if (!addr_equal(&n->v[i], &v[i]))
			return false;
	return true;
}

static bool has_name(const struct model_gateway *m, const char *host)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (is_name(&m->peers[i]) && strcmp(m->peers[i].host, host) == 0)
			return true;
	return false;
}

static struct name *name_new(struct ike *ike, const char *host)
{
	struct name *n = calloc(1, sizeof *n + strlen(host) + 1);

	if (!n)
		return NULL;
	memcpy(n->host, host, strlen(host) + 1);
	HASH_ADD_STR(ike->names, host, n);
	return n;
}

int names_told(struct ike *ike, const char *host, const struct addr *v, size_t n)
{
	struct name *name = name_find(ike, host);
	struct gateway *gw, *next;
	int rc;

	if (n == 0)
		return 0;
	if (!name)
		name = name_new(ike, host);
	if (!name)
		return -ERR_NOMEM;
	n = MIN(n, (size_t)NAME_ADDRESSES_MAX);
	if (is_known(name, v, n))
		return 0;
	name->n = n;
	memcpy(name->v, v, n * sizeof *v);
	rc = peers_build(ike);
	map_foreach (ike->gateways, gw, next)
		if (rc == 0 && has_name(gw->model, host))
			gateway_again(ike, gw);
	return rc;
}

/* ---------------------------------------------------------------- life */

void names_prune(struct ike *ike)
{
	struct name *n, *next;

	map_foreach (ike->names, n, next)
		n->listed = false;
	for (uint32_t i = 0; ike->names && i < ike->model->n_gateways; i++) {
		const struct model_gateway *m = &ike->model->gateways[i];

		for (uint32_t k = 0; k < m->n_peers; k++) {
			n = is_name(&m->peers[k]) ? name_find(ike, m->peers[k].host) : NULL;
			if (n)
				n->listed = true;
		}
	}
	map_foreach (ike->names, n, next) {
		if (n->listed)
			continue;
		HASH_DEL(ike->names, n);
		free(n);
	}
}

void names_fini(struct ike *ike)
{
	struct name *n, *next;

	map_foreach (ike->names, n, next) {
		HASH_DEL(ike->names, n);
		free(n);
	}
}
