/*
 * [edit interfaces], [edit security zones].
 */
#include <stdlib.h>

#include "config/build.h"
#include "config/value.h"

#define MTU_DEFAULT 1500
#define MTU_IPV6    1280 /* RFC 8200 5 */

static enum model_if_kind kind_of(const char *name)
{
	if (strncmp(name, "reth", 4) == 0)
		return MODEL_IF_RETH;
	if (strncmp(name, "st0", 3) == 0)
		return MODEL_IF_TUNNEL;
	return strncmp(name, "fab", 3) == 0 ? MODEL_IF_FABRIC : MODEL_IF_PORT;
}

/* RFC 4291: what is no address of an interface. Link-local ones are made from the MAC. */
static const char *unfit(const struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t none[15];

	if (a->family != 6)
		return NULL;
	if (memcmp(a->b, mapped, sizeof mapped) == 0)
		return "this is an IPv4 address in the form of IPv6";
	if (a->b[0] == 0xff)
		return "this is a group";
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return "link-local addresses are made from the MAC, and none else are used";
	return memcmp(a->b, none, sizeof none) == 0 && a->b[15] <= 1
		       ? "no interface has this address"
		       : NULL;
}

static uint32_t add_addresses(struct build *b, const struct node *list, struct prefix *to)
{
	const char *why;
	uint32_t n = 0;

	for (const struct node *a = list ? list->first : NULL; a; a = a->next) {
		if (!a->is_name || prefix_parse(a->word, &to[n]) != 0)
			continue;
		why = unfit(&to[n++].addr);
		if (why)
			refuse_at(b, a, "%s", why);
	}
	return n;
}

/* ST0-003, the static ones. The VPNs are found when there are some (build_ipsec). */
static void add_bindings(
	struct build *b, const struct node *list, struct model_unit *u, struct model_binding *to)
{
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		struct model_binding *e = &to[u->n_bindings];

		if (!n->is_name || addr_parse(n->word, &e->hop) < 0)
			continue;
		e->vpn_name = stmt_text(b, n, "ipsec-vpn");
		if (!e->vpn_name)
			refuse_missing(b, n, "ipsec-vpn");
		else if (!u->multipoint)
			refuse_at(b, n, "only a multipoint unit of st0 has next-hop tunnels");
		else
			u->n_bindings++;
	}
}

static void fill_bindings(struct build *b, const struct node *n, struct model_unit *u)
{
	const struct node *v4 = stmt(b, n, "family inet next-hop-tunnel");
	const struct node *v6 = stmt(b, n, "family inet6 next-hop-tunnel");
	struct model_binding *all =
		arena_array(b->arena, struct model_binding, stmt_count(v4) + stmt_count(v6));

	if (!all)
		return;
	u->bindings = all;
	add_bindings(b, v4, u, all);
	add_bindings(b, v6, u, all);
}

static void fill_unit(struct build *b, const struct node *n, const struct model_interface *i,
	struct model_unit *u)
{
	const struct node *v4 = stmt(b, n, "family inet address");
	const struct node *v6 = stmt(b, n, "family inet6 address");
	struct prefix *addresses =
		arena_array(b->arena, struct prefix, stmt_count(v4) + stmt_count(v6));
	uint64_t number = 0;

	if (!addresses || !value_uint(n->word, &number))
		return;
	u->interface = i;
	u->number = (uint32_t)number;
	u->name = arena_format(b->arena, "%s.%u", i->name, u->number);
	u->inet = stmt_flag(b, n, "family inet");
	u->inet6 = stmt_flag(b, n, "family inet6");
	u->multipoint = stmt_flag(b, n, "multipoint");
	u->n_addresses = add_addresses(b, v4, addresses);
	u->n_addresses += add_addresses(b, v6, addresses + u->n_addresses);
	u->addresses = addresses;
	if (v6 && i->mtu < MTU_IPV6)
		refuse_at(b, v6, "'%s' has an mtu of %u; IPv6 needs %d", i->name, i->mtu, MTU_IPV6);
	fill_bindings(b, n, u);
	u->kernel_device = stmt_text(b, n, "kernel-device");
	u->kernel_table = stmt_u32(b, n, "kernel-table");
	u->ike_allowed = !stmt_flag(b, NULL, "security zones security-zone");
	if (u->multipoint && i->kind != MODEL_IF_TUNNEL)
		refuse_at(b, stmt(b, n, "multipoint"), "only a unit of st0 can be multipoint");
	if (u->kernel_device && i->kind != MODEL_IF_TUNNEL && u->n_addresses == 0)
		refuse_at(b, stmt(b, n, "kernel-device"),
			"'%s' has no address for the kernel to speak with", u->name);
	if (u->kernel_device && strpbrk(u->kernel_device, "/ %:"))
		refuse_at(b, stmt(b, n, "kernel-device"), "this is no name of a device");
	if (i->kind == MODEL_IF_FABRIC)
		refuse_at(b, n, "a fabric interface has no units");
	if (i->reth)
		refuse_at(b, n, "a member of %s has no units of its own", i->reth->name);
}

static int by_number(const void *a, const void *b)
{
	const struct model_unit *ua = a, *ub = b;

	return ua->number < ub->number ? -1 : ua->number > ub->number;
}

static void fill_units(struct build *b, const struct node *n, struct model_interface *i)
{
	const struct node *list = stmt(b, n, "unit");
	struct model_unit *units = arena_array(b->arena, struct model_unit, stmt_count(list));
	uint32_t at = 0;

	if (!units)
		return;
	for (const struct node *u = list ? list->first : NULL; u; u = u->next)
		if (u->is_name)
			fill_unit(b, u, i, &units[at++]);
	qsort(units, at, sizeof *units, by_number);
	i->units = units;
	i->n_units = at;
}

/* Statements that only one kind of interface has. */
static void check_kind(struct build *b, const struct node *n, const struct model_interface *i)
{
	static const struct {
		const char *path;
		unsigned kinds; /* bit per enum model_if_kind */
		const char *reason;
	} rules[] = {
		{"dpdk-device", 1 << MODEL_IF_PORT, "only a port (ge-, xe-, et-) has a device"},
		{"gigether-options redundant-parent", 1 << MODEL_IF_PORT,
			"only a port (ge-, xe-, et-) can be a member"},
		{"redundant-ether-options redundancy-group", 1 << MODEL_IF_RETH,
			"only a reth interface belongs to a redundancy group"},
		{"fabric-options member-interfaces", 1 << MODEL_IF_FABRIC,
			"only a fab interface has fabric members"},
		{"mac-address", 1 << MODEL_IF_PORT | 1 << MODEL_IF_RETH,
			"only a port or a reth has a MAC address"},
	};

	for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
		const struct node *s = stmt(b, n, rules[k].path);

		if (s && !(rules[k].kinds & 1u << i->kind))
			refuse_at(b, s, "%s", rules[k].reason);
	}
}

static void fill_interface(struct build *b, const struct node *n, struct model_interface *i)
{
	const char *mac = stmt_text(b, n, "mac-address");
	uint32_t mtu = stmt_u32(b, n, "mtu");

	i->name = n->word;
	i->kind = kind_of(n->word);
	i->device = stmt_text(b, n, "dpdk-device");
	i->has_mac = mac && value_mac(mac, i->mac);
	i->mtu = mtu ? (uint16_t)mtu : MTU_DEFAULT;
	i->disabled = stmt_flag(b, n, "disable");
	if (i->kind == MODEL_IF_RETH)
		(void)value_interface_index(n->word, "reth", &i->index);
	if (i->kind == MODEL_IF_FABRIC)
		(void)value_interface_index(n->word, "fab", &i->index);
	check_kind(b, n, i);
	if (i->kind != MODEL_IF_RETH)
		return;
	i->rg = stmt_u32(b, n, "redundant-ether-options redundancy-group");
	if (i->rg == 0)
		refuse_missing(b, n, "redundant-ether-options redundancy-group");
}

static int by_name(const void *a, const void *b)
{
	const struct model_interface *ia = a, *ib = b;

	return strverscmp(ia->name, ib->name); /* ge-0/0/2 before ge-0/0/10 */
}

static struct model_interface *find(const struct build *b, const char *name)
{
	/* The array is ours until the build ends. */
	struct model_interface *all = writable(b->m->interfaces);

	for (uint32_t i = 0; name && i < b->m->n_interfaces; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

static void join_reth(struct build *b, const struct node *n, struct model_interface *port)
{
	const struct node *parent = stmt(b, n, "gigether-options redundant-parent");
	const struct model_interface *reth;

	if (!parent || !parent->first)
		return;
	reth = find(b, parent->first->word);
	if (!reth || reth->kind != MODEL_IF_RETH) {
		refuse_at(
			b, parent, "'%s' is not a configured reth interface", parent->first->word);
		return;
	}
	port->reth = reth;
	port->rg = reth->rg;
}

static bool is_member(
	struct build *b, const struct model_interface *group, const struct model_interface *port)
{
	const struct node *members;

	if (group->kind == MODEL_IF_RETH)
		return port->reth == group;
	members = stmt(b, stmt(b, NULL, "interfaces"), group->name);
	members = members ? stmt(b, members, "fabric-options member-interfaces") : NULL;
	return members && tree_find(b->t, members, port->name);
}

static void fill_members(struct build *b, struct model_interface *group)
{
	const struct model_interface **members =
		arena_array(b->arena, const struct model_interface *, b->m->n_interfaces);

	if (!members)
		return;
	for (uint32_t i = 0; i < b->m->n_interfaces; i++)
		if (b->m->interfaces[i].kind == MODEL_IF_PORT &&
			is_member(b, group, &b->m->interfaces[i]))
			members[group->n_members++] = &b->m->interfaces[i];
	group->members = members;
}

static const struct node *fabric_members(const struct build *b, const struct node *e)
{
	const struct node *members =
		e->is_name ? stmt(b, e, "fabric-options member-interfaces") : NULL;

	return members ? members->first : NULL;
}

/* A fabric member need not be configured elsewhere: it then has no device on this node. Returns
 * how many interfaces there are with them, at most. */
static uint32_t count_bare_members(struct build *b, const struct node *list, uint32_t n)
{
	for (const struct node *e = list->first; e; e = e->next)
		for (const struct node *p = fabric_members(b, e); p; p = p->next)
			n += !tree_find(b->t, list, p->word);
	return n;
}

static uint32_t add_bare_members(
	struct build *b, const struct node *list, struct model_interface *to, uint32_t n)
{
	uint32_t configured = n;

	for (const struct node *e = list->first; e; e = e->next)
		for (const struct node *p = fabric_members(b, e); p; p = p->next) {
			bool known = tree_find(b->t, list, p->word) != NULL;

			for (uint32_t i = configured; i < n; i++)
				known = known || strcmp(to[i].name, p->word) == 0;
			if (kind_of(p->word) != MODEL_IF_PORT)
				refuse_at(b, p, "only a port (ge-, xe-, et-) can be a member");
			else if (!known)
				to[n++] = (struct model_interface){
					.name = p->word, .mtu = MTU_DEFAULT};
		}
	return n;
}

/* A zone allows IKE as a whole or interface by interface. */
static bool allows_ike(struct build *b, const struct node *where)
{
	return stmt_flag(b, where, "host-inbound-traffic system-services ike") ||
	       stmt_flag(b, where, "host-inbound-traffic system-services all");
}

static void fill_zone(struct build *b, const struct node *zone)
{
	const struct node *members = stmt(b, zone, "interfaces");

	for (const struct node *n = members ? members->first : NULL; n; n = n->next) {
		struct model_unit *u;

		if (!n->is_name)
			continue;
		u = writable(model_unit(b->m, n->word));
		if (!u) {
			refuse_at(b, n, "interface unit '%s' is not configured", n->word);
			continue;
		}
		if (u->zone) {
			refuse_at(b, n, "'%s' is in zone '%s' already", n->word, u->zone);
			continue;
		}
		u->zone = zone->word;
		u->ike_allowed = allows_ike(b, zone) || allows_ike(b, n);
	}
}

void build_interfaces(struct build *b)
{
	const struct node *list = stmt(b, NULL, "interfaces");
	const struct node *zones = stmt(b, NULL, "security zones security-zone");
	uint32_t n = stmt_count(list), at = 0;
	struct model_interface *all;

	if (!list)
		return;
	all = arena_array(b->arena, struct model_interface, count_bare_members(b, list, n));
	if (!all)
		return;
	for (const struct node *e = list->first; e; e = e->next)
		if (e->is_name)
			fill_interface(b, e, &all[at++]);
	at = add_bare_members(b, list, all, at);
	qsort(all, at, sizeof *all, by_name);
	b->m->interfaces = all;
	b->m->n_interfaces = at;
	for (uint32_t i = 0; i < at; i++) {
		const struct node *e = tree_find(b->t, list, all[i].name);

		if (e)
			join_reth(b, e, &all[i]);
		if (e)
			fill_units(b, e, &all[i]);
	}
	for (uint32_t i = 0; i < at; i++)
		if (all[i].kind == MODEL_IF_RETH || all[i].kind == MODEL_IF_FABRIC)
			fill_members(b, &all[i]);
	for (const struct node *z = zones ? zones->first : NULL; z; z = z->next)
		if (z->is_name)
			fill_zone(b, z);
}
