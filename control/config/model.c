#include "config/model.h"

#include <stdlib.h>

#include "config/arena.h"
#include "config/value.h"

struct model *model_ref(struct model *m)
{
	m->refs++;
	return m;
}

void model_free(struct model *m)
{
	/* The model itself lies in its arena. */
	if (m && --m->refs == 0)
		arena_free(m->arena);
}

void model_cleanup(struct model **m)
{
	model_free(*m);
}

/* Arrays are sorted by their first member, the name. */
static const void *find(const void *all, uint32_t n, size_t size, const char *name,
	int (*order)(const char *, const char *))
{
	const char *base = all;
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const void *item = base + (size_t)mid * size;
		const char *const *its = item;
		int c = order(name, *its);

		if (c == 0)
			return item;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

#define FIND(array, n, name, order) find((array), (n), sizeof *(array), (name), (order))

uint32_t model_expiry_days(const struct model *m, bool is_ca, const char *name)
{
	const struct model_expiry *v = is_ca ? m->expiry_cas : m->expiry_own;
	uint32_t n = is_ca ? m->n_expiry_cas : m->n_expiry_own;

	for (uint32_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return v[i].days;
	return m->expiry_days;
}

const struct model_ca_profile *model_ca_profile(const struct model *m, const char *name)
{
	return FIND(m->ca_profiles, m->n_ca_profiles, name, strcmp);
}

const struct model_ca_group *model_ca_group(const struct model *m, const char *name)
{
	return FIND(m->ca_groups, m->n_ca_groups, name, strcmp);
}

const struct model_ike_policy *model_ike_policy(const struct model *m, const char *name)
{
	return FIND(m->ike_policies, m->n_ike_policies, name, strcmp);
}

const struct model_gateway *model_gateway(const struct model *m, const char *name)
{
	return FIND(m->gateways, m->n_gateways, name, strcmp);
}

const struct model_ipsec_policy *model_ipsec_policy(const struct model *m, const char *name)
{
	return FIND(m->ipsec_policies, m->n_ipsec_policies, name, strcmp);
}

const struct model_vpn *model_vpn(const struct model *m, const char *name)
{
	return FIND(m->vpns, m->n_vpns, name, strcmp);
}

const struct model_interface *model_interface(const struct model *m, const char *name)
{
	return FIND(m->interfaces, m->n_interfaces, name, strverscmp);
}

const struct model_unit *model_unit(const struct model *m, const char *name)
{
	const char *dot = strrchr(name, '.');
	const struct model_interface *i;
	char port[64];
	uint64_t number;
	uint32_t lo = 0, hi;

	if (!dot || (size_t)(dot - name) >= sizeof port || !value_uint(dot + 1, &number))
		return NULL;
	memcpy(port, name, (size_t)(dot - name));
	port[dot - name] = '\0';
	i = model_interface(m, port);
	hi = i ? i->n_units : 0;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (i->units[mid].number == number)
			return &i->units[mid];
		if (i->units[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct model_rg *model_rg(const struct model *m, uint32_t id)
{
	for (uint32_t i = 0; i < m->cluster.n_rgs; i++)
		if (m->cluster.rgs[i].id == id)
			return &m->cluster.rgs[i];
	return NULL;
}

uint32_t model_rg_priority(const struct model_rg *rg, uint32_t node)
{
	for (uint32_t i = 0; i < rg->n_members; i++)
		if (rg->members[i].node == node)
			return rg->members[i].priority;
	return 0;
}

const struct model_selector *model_selector(const struct model *m, uint32_t policy_id)
{
	uint32_t lo = 0, hi = m->n_selectors;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->selectors[mid]->policy_id == policy_id)
			return m->selectors[mid];
		if (m->selectors[mid]->policy_id < policy_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *model_instance_name(const struct model *m, uint32_t index)
{
	return index != 0 && index <= m->n_instances ? m->instances[index - 1].name : "master";
}

bool model_vpn_waits(const struct model_vpn *v)
{
	return v->establish == MODEL_ON_TRAFFIC && v->gateway && !v->gateway->dynamic;
}

const struct model_unit *model_vpn_unit(const struct model_vpn *v)
{
	if (!v->transport)
		return v->bind;
	return v->manual ? v->manual->external : v->gateway ? v->gateway->external : NULL;
}

/* FNV-1a, 32 bits. */
static uint32_t hash_octets(uint32_t h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

uint32_t model_policy_id(const char *vpn, const char *selector)
{
	uint32_t h = hash_octets(2166136261u, vpn, strlen(vpn) + 1);

	h = hash_octets(h, selector, strlen(selector));
	return h ? h : 1;
}

uint32_t model_interface_id(const char *name)
{
	uint32_t h = hash_octets(2166136261u, name, strlen(name));

	return h ? h : 1;
}
