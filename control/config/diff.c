#include "config/diff.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/tree.h"

/* A tree and a place in it; n NULL: not there. */
struct spot {
	const struct tree *t;
	const struct node *n;
};

static struct spot below(struct spot s, const char *word)
{
	return (struct spot){s.t, s.n ? tree_find(s.t, s.n, word) : NULL};
}

static struct spot at(const struct model *m, const char *path)
{
	struct spot s = {m->tree, m->tree->root};
	char word[64];

	while (s.n && *path) {
		size_t n = strcspn(path, " ");

		if (n >= sizeof word)
			return (struct spot){m->tree, NULL};
		memcpy(word, path, n);
		word[n] = '\0';
		path += n + (path[n] == ' ');
		s = below(s, word);
	}
	return s;
}

/* What appearing or vanishing means. */
static unsigned whole(const struct node *n)
{
	unsigned reload = 0;

	if (n->schema->row)
		return n->schema->row->reload;
	for (const struct node *c = n->first; c; c = c->next)
		reload |= whole(c);
	return reload;
}

static bool same_order(const struct node *a, const struct node *b)
{
	const struct node *ca = a->first, *cb = b->first;

	for (; ca && cb; ca = ca->next, cb = cb->next)
		if (strcmp(ca->word, cb->word) != 0)
			return false;
	return ca == cb;
}

static unsigned differ(struct spot a, struct spot b)
{
	unsigned reload = 0;

	if (!a.n || !b.n)
		return a.n ? whole(a.n) : b.n ? whole(b.n) : 0;
	if (schema_has(a.n->schema, SCHEMA_ORDERED) && !a.n->is_name && !same_order(a.n, b.n))
		reload |= a.n->schema->row->reload;
	for (const struct node *c = a.n->first; c; c = c->next)
		reload |= differ((struct spot){a.t, c}, below(b, c->word));
	for (const struct node *c = b.n->first; c; c = c->next)
		if (!below(a, c->word).n)
			reload |= whole(c);
	return reload;
}

static unsigned differ_at(const struct model *old, const struct model *fresh, const char *path)
{
	return differ(at(old, path), at(fresh, path));
}

static int add(struct diff *d, struct diff_row row)
{
	struct diff_row *grown;

	if (row.reload == 0)
		return 0;
	grown = realloc(d->v, (d->n + 1) * sizeof *grown);
	if (!grown)
		return -ERR_NOMEM;
	d->v = grown;
	d->v[d->n++] = row;
	d->reload |= row.reload;
	return 0;
}

/* A list of proposals that itself differs shows in the policy. */
static unsigned differ_proposals(
	struct spot policy, const char *list, const struct model *old, const struct model *fresh)
{
	struct spot names = below(policy, "proposals");
	unsigned reload = 0;

	for (const struct node *v = names.n ? names.n->first : NULL; v; v = v->next)
		reload |= differ(below(at(old, list), v->word), below(at(fresh, list), v->word));
	return reload;
}

static unsigned differ_policy(const struct model *old, const struct model *fresh,
	const char *section, const char *was, const char *is)
{
	char policies[40], proposals[40];
	struct spot a, b;

	(void)snprintf(policies, sizeof policies, "security %s policy", section);
	(void)snprintf(proposals, sizeof proposals, "security %s proposal", section);
	a = below(at(old, policies), was);
	b = below(at(fresh, policies), is);
	return differ(a, b) | differ_proposals(b, proposals, old, fresh);
}

/* CAs a policy trusts, among them those it is not tied to by name. */
static unsigned differ_trust(const struct model *old, const struct model *fresh,
	const struct model_ike_policy *a, const struct model_ike_policy *b)
{
	const char *path = "security pki ca-profile";
	unsigned reload = a->n_trusted_cas != b->n_trusted_cas ? RELOAD_NEW : 0;

	for (uint32_t i = 0; i < b->n_trusted_cas; i++)
		reload |= differ(below(at(old, path), b->trusted_cas[i]->name),
			below(at(fresh, path), b->trusted_cas[i]->name));
	return reload;
}

static unsigned gateway_change(const struct model *old, const struct model *fresh,
	const struct model_gateway *a, const struct model_gateway *b)
{
	unsigned reload = differ(below(at(old, "security ike gateway"), a->name),
		below(at(fresh, "security ike gateway"), b->name));

	if (!addr_equal(&a->local, &b->local) || a->rg != b->rg)
		reload |= RELOAD_RESET;
	if (a->ike_allowed != b->ike_allowed)
		reload |= RELOAD_NEW;
	if (b->policy->local_certificate)
		reload |= differ_trust(old, fresh, a->policy, b->policy);
	return reload | differ_policy(old, fresh, "ike", a->policy->name, b->policy->name);
}

static unsigned vpn_change(const struct model *old, const struct model *fresh,
	const struct model_vpn *a, const struct model_vpn *b)
{
	unsigned reload = differ(below(at(old, "security ipsec vpn"), a->name),
		below(at(fresh, "security ipsec vpn"), b->name));

	/* The global window counts where the VPN has none of its own. */
	if (a->replay_window != b->replay_window)
		reload |= RELOAD_NEW;
	return reload | differ_policy(old, fresh, "ipsec", a->policy->name, b->policy->name);
}

#define RESET_ALL (RELOAD_RESET | RELOAD_DATAPLANE)

static int removed(const struct model *old, const struct model *fresh, struct diff *d)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < old->n_gateways; i++)
		if (!model_gateway(fresh, old->gateways[i].name))
			rc = add(d, (struct diff_row){DIFF_GATEWAY, DIFF_REMOVED, RESET_ALL,
					    old->gateways[i].name});
	for (uint32_t i = 0; rc == 0 && i < old->n_vpns; i++)
		if (!model_vpn(fresh, old->vpns[i].name))
			rc = add(d, (struct diff_row){
					    DIFF_VPN, DIFF_REMOVED, RESET_ALL, old->vpns[i].name});
	for (uint32_t i = 0; rc == 0 && i < old->n_interfaces; i++)
		if (!model_interface(fresh, old->interfaces[i].name))
			rc = add(d, (struct diff_row){DIFF_INTERFACE, DIFF_REMOVED,
					    RELOAD_DATAPLANE, old->interfaces[i].name});
	return rc;
}

static int changed_objects(const struct model *old, const struct model *fresh, struct diff *d)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < old->n_gateways; i++) {
		const struct model_gateway *a = &old->gateways[i];
		const struct model_gateway *b = model_gateway(fresh, a->name);

		if (b)
			rc = add(d, (struct diff_row){DIFF_GATEWAY, DIFF_CHANGED,
					    gateway_change(old, fresh, a, b), b->name});
	}
	for (uint32_t i = 0; rc == 0 && i < old->n_vpns; i++) {
		const struct model_vpn *a = &old->vpns[i], *b = model_vpn(fresh, a->name);

		if (b)
			rc = add(d, (struct diff_row){DIFF_VPN, DIFF_CHANGED,
					    vpn_change(old, fresh, a, b), b->name});
	}
	for (uint32_t i = 0; rc == 0 && i < old->n_interfaces; i++) {
		const char *name = old->interfaces[i].name;

		if (model_interface(fresh, name))
			rc = add(d, (struct diff_row){DIFF_INTERFACE, DIFF_CHANGED,
					    differ(below(at(old, "interfaces"), name),
						    below(at(fresh, "interfaces"), name)),
					    name});
	}
	return rc;
}

static int changed_sections(const struct model *old, const struct model *fresh, struct diff *d)
{
	static const struct {
		const char *path;
		enum diff_kind kind;
	} sections[] = {{"routing-options", DIFF_ROUTES}, {"security zones", DIFF_ZONES},
		{"chassis cluster", DIFF_CLUSTER}, {"chassis dataplane", DIFF_DATAPLANE},
		{"system", DIFF_GLOBAL}, {"security pki", DIFF_GLOBAL},
		{"security ike session", DIFF_GLOBAL},
		{"security ike respond-bad-spi", DIFF_GLOBAL}};

	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(sections); i++)
		rc = add(d, (struct diff_row){sections[i].kind, DIFF_CHANGED,
				    differ_at(old, fresh, sections[i].path), ""});
	return rc;
}

static int added(const struct model *old, const struct model *fresh, struct diff *d)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < fresh->n_gateways; i++)
		if (!model_gateway(old, fresh->gateways[i].name))
			rc = add(d, (struct diff_row){DIFF_GATEWAY, DIFF_ADDED, RELOAD_NEW,
					    fresh->gateways[i].name});
	for (uint32_t i = 0; rc == 0 && i < fresh->n_vpns; i++)
		if (!model_vpn(old, fresh->vpns[i].name))
			rc = add(d, (struct diff_row){DIFF_VPN, DIFF_ADDED,
					    RELOAD_NEW | RELOAD_DATAPLANE, fresh->vpns[i].name});
	for (uint32_t i = 0; rc == 0 && i < fresh->n_interfaces; i++)
		if (!model_interface(old, fresh->interfaces[i].name))
			rc = add(d, (struct diff_row){DIFF_INTERFACE, DIFF_ADDED, RELOAD_DATAPLANE,
					    fresh->interfaces[i].name});
	return rc;
}

int diff_models(const struct model *old, const struct model *fresh, struct diff *out)
{
	struct diff d = {0};
	int rc = removed(old, fresh, &d);

	if (rc == 0)
		rc = changed_objects(old, fresh, &d);
	if (rc == 0)
		rc = changed_sections(old, fresh, &d);
	if (rc == 0)
		rc = added(old, fresh, &d);
	if (rc < 0) {
		diff_fini(&d);
		return rc;
	}
	*out = d;
	return 0;
}

void diff_fini(struct diff *d)
{
	free(d->v);
	*d = (struct diff){0};
}
