/*
 * [edit security ipsec].
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/algorithm.h"
#include "config/application.h"
#include "config/build.h"
#include "config/value.h"

#define ENCR_NULL 11

static void set_algorithms(struct model_ipsec_proposal *p, const struct algorithm_cipher *cipher,
	const struct algorithm_hash *hash)
{
	p->encr = cipher ? cipher->encr : 0;
	p->key_bits = cipher ? cipher->key_bits : 0;
	p->integ = hash ? hash->integ : 0;
}

/* ALG-005..007: what is meant when one of the two, or both, are not said. */
static void fill_proposal(struct build *b, const struct node *n, struct model_ipsec_proposal *p)
{
	const char *cipher_word = stmt_text(b, n, "encryption-algorithm");
	const char *hash_word = stmt_text(b, n, "authentication-algorithm");
	const char *protocol = stmt_text(b, n, "protocol");
	const struct algorithm_cipher *cipher;

	p->name = n->word;
	p->ah = protocol && strcmp(protocol, "ah") == 0;
	p->lifetime_s = stmt_u32(b, n, "lifetime-seconds");
	p->lifetime_kb = stmt_uint(b, n, "lifetime-kilobytes");
	p->esn = stmt_flag(b, n, "extended-sequence-number");
	if (!cipher_word && !hash_word && !p->ah)
		cipher_word = "3des-cbc";
	cipher = algorithm_cipher(cipher_word);
	if (!hash_word && !(cipher && cipher->aead))
		hash_word = "hmac-sha1-96";
	set_algorithms(p, cipher, algorithm_esp_hash(hash_word));
	if (!cipher && !p->ah)
		p->encr = ENCR_NULL;
}

/* Once for each proposal, used or not. */
static void check_proposal(
	struct build *b, const struct node *n, const struct model_ipsec_proposal *p)
{
	const struct node *cipher = stmt(b, n, "encryption-algorithm");
	const struct node *hash = stmt(b, n, "authentication-algorithm");
	const struct algorithm_cipher *row =
		algorithm_cipher(stmt_text(b, n, "encryption-algorithm"));

	if (p->ah && cipher)
		refuse_at(b, cipher, "protocol ah does not encrypt");
	if (row && row->aead && hash)
		refuse_at(b, hash, "'%s' brings its own authentication", row->word);
	if (p->encr == ENCR_NULL && !stmt(b, n, "protocol"))
		refuse_at(b, n, "without encryption-algorithm 'protocol esp' must be written");
	if (p->encr == ENCR_NULL)
		warn_at(b, n, "without a cipher everybody on the way can read what this protects");
	else if (algorithm_encr_is_weak(p->encr))
		warn_at(b, cipher ? cipher : n, "this cipher is weak");
	if (!algorithm_esp_hash_is_supported(p->integ))
		warn_at(b, hash ? hash : n,
			"this hash has no number in IKEv2 and is never offered");
	else if (algorithm_integ_is_weak(p->integ))
		warn_at(b, hash ? hash : n, "this hash is weak");
}

static uint32_t add_listed(
	struct build *b, const struct node *listed, struct model_ipsec_proposal *to)
{
	uint32_t n = 0;

	for (const struct node *v = listed->first; v; v = v->next) {
		const struct node *all = stmt(b, NULL, "security ipsec proposal");
		const struct node *p = all ? tree_find(b->t, all, v->word) : NULL;

		if (!p)
			refuse_at(b, v, "IPsec proposal '%s' is not defined", v->word);
		else if (n == MODEL_PROPOSALS_MAX)
			refuse_at(b, v, "a policy has at most %d proposals", MODEL_PROPOSALS_MAX);
		else
			fill_proposal(b, p, &to[n++]);
	}
	return n;
}

static uint32_t add_set(struct build *b, const char *set, struct model_ipsec_proposal *to)
{
	uint32_t n = 0;

	for (size_t i = 0; i < algorithm_sets_n && n < MODEL_PROPOSALS_MAX; i++) {
		const struct algorithm_set_row *row = &algorithm_sets[i];

		if (strcmp(row->set, set) != 0 || !row->esp_cipher)
			continue;
		to[n] = (struct model_ipsec_proposal){
			.name = arena_format(b->arena, "%s/%u", set, n + 1), .lifetime_s = 3600};
		set_algorithms(&to[n++], algorithm_cipher(row->esp_cipher),
			algorithm_esp_hash(row->esp_hash));
	}
	return n;
}

static void fill_policy(struct build *b, const struct node *n, struct model_ipsec_policy *p)
{
	struct model_ipsec_proposal *all =
		arena_array(b->arena, struct model_ipsec_proposal, MODEL_PROPOSALS_MAX);
	const struct node *listed = stmt(b, n, "proposals"), *set = stmt(b, n, "proposal-set");
	const struct node *pfs = stmt(b, n, "perfect-forward-secrecy keys");

	if (!all)
		return;
	p->name = n->word;
	p->proposals = all;
	p->pfs = algorithm_dh(stmt_text(b, n, "perfect-forward-secrecy keys"));
	if (listed && set)
		refuse_at(b, set, "'proposals' and 'proposal-set' exclude each other");
	else if (listed)
		p->n_proposals = add_listed(b, listed, all);
	else if (set && set->first)
		p->n_proposals = add_set(b, set->first->word, all);
	else
		refuse_at(b, n, "needs 'proposals' or 'proposal-set'");
	if (set && set->first && !pfs)
		p->pfs = algorithm_set_pfs(set->first->word);
	p->strict_count = stmt_flag(b, n, "strict-proposal-count");
	if (pfs && algorithm_dh_is_weak(p->pfs))
		warn_at(b, pfs, "this group is too weak");
}

static void build_policies(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ipsec policy");
	const struct node *proposals = stmt(b, NULL, "security ipsec proposal");
	struct model_ipsec_policy *all =
		arena_array(b->arena, struct model_ipsec_policy, stmt_count(list));

	for (const struct node *n = proposals ? proposals->first : NULL; n; n = n->next) {
		struct model_ipsec_proposal p = {0};

		if (!n->is_name)
			continue;
		fill_proposal(b, n, &p);
		check_proposal(b, n, &p);
	}
	if (!all)
		return;
	b->m->ipsec_policies = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_policy(b, n, &all[b->m->n_ipsec_policies++]);
	qsort(all, b->m->n_ipsec_policies, sizeof *all, model_by_name);
}

/* Reads local-ip, remote-ip, protocol and ports of a selector or one of its terms. */
static bool fill_flow(struct build *b, const struct node *n, struct model_flow *f)
{
	const char *local = stmt_text(b, n, "local-ip"), *remote = stmt_text(b, n, "remote-ip");
	const char *protocol = stmt_text(b, n, "protocol");
	const char *from = stmt_text(b, n, "source-port"),
		   *to = stmt_text(b, n, "destination-port");

	*f = (struct model_flow){.local_port_hi = UINT16_MAX, .remote_port_hi = UINT16_MAX};
	if (!local || !remote) {
		refuse_missing(b, n, local ? "remote-ip" : "local-ip");
		return false;
	}
	if (prefix_parse(local, &f->local) < 0 || prefix_parse(remote, &f->remote) < 0)
		return false;
	if (f->local.addr.family != f->remote.addr.family)
		refuse_at(b, n, "local-ip and remote-ip are of different address families");
	if (protocol)
		(void)value_protocol(protocol, &f->protocol);
	if (from)
		(void)value_ports(from, &f->local_port_lo, &f->local_port_hi);
	if (to)
		(void)value_ports(to, &f->remote_port_lo, &f->remote_port_hi);
	if ((from || to) && f->protocol != 6 && f->protocol != 17 && f->protocol != 132)
		refuse_at(b, n, "ports need protocol tcp, udp or sctp");
	return true;
}

static void fill_selector(struct build *b, const struct node *n, struct model_selector *s)
{
	const struct node *terms = stmt(b, n, "term");
	struct model_flow *flows = arena_array(b->arena, struct model_flow, stmt_count(terms) + 1);

	if (!flows)
		return;
	if (stmt_count(terms) > MODEL_TERMS_MAX)
		refuse_at(b, terms, "a traffic selector has at most %d terms", MODEL_TERMS_MAX);
	s->name = n->word;
	s->flows = flows;
	s->preference = stmt_u32(b, n, "preference");
	s->metric = stmt_u32(b, n, "metric");
	if (stmt(b, n, "local-ip") || stmt(b, n, "remote-ip") || !terms)
		s->n_flows += fill_flow(b, n, &flows[0]);
	for (const struct node *t = terms ? terms->first : NULL; t; t = t->next)
		if (t->is_name)
			s->n_flows += fill_flow(b, t, &flows[s->n_flows]);
}

/* Servers may be at either end: both ends say the same. How many flows there are. */
static uint32_t fill_service(
	struct build *b, const struct node *n, const char *service, struct model_flow f[2])
{
	const struct application *a = application_find(service);

	if (!a) {
		refuse_at(b, stmt(b, n, "ike proxy-identity service"),
			"application '%s' is not defined", service);
		return 1;
	}
	f[0].protocol = a->protocol;
	f[1] = f[0];
	f[0].remote_port_lo = f[1].local_port_lo = a->port_lo;
	f[0].remote_port_hi = f[1].local_port_hi = a->port_hi;
	return a->port_lo == 0 ? 1 : 2;
}

/* A VPN without traffic selectors: proxy-identity, or everything. */
static void fill_proxy(struct build *b, const struct node *n, struct model_selector *s)
{
	static const struct addr any = {.family = 4};
	const char *local = stmt_text(b, n, "ike proxy-identity local");
	const char *remote = stmt_text(b, n, "ike proxy-identity remote");
	const char *service = stmt_text(b, n, "ike proxy-identity service");
	struct model_flow *f = arena_array(b->arena, struct model_flow, 2);
	uint32_t n_flows = 1;

	if (!f)
		return;
	*f = (struct model_flow){.local = {.addr = any},
		.remote = {.addr = any},
		.local_port_hi = UINT16_MAX,
		.remote_port_hi = UINT16_MAX};
	if (local)
		(void)!prefix_parse(local, &f->local);
	if (remote)
		(void)!prefix_parse(remote, &f->remote);
	if (local && !remote && f->local.addr.family == 6)
		f->remote.addr.family = 6;
	if (remote && !local && f->remote.addr.family == 6)
		f->local.addr.family = 6;
	if (f->local.addr.family != f->remote.addr.family)
		refuse_at(b, stmt(b, n, "ike proxy-identity"),
			"local and remote are of different address families");
	if (service && strcmp(service, "any") != 0)
		n_flows = fill_service(b, n, service, f);
	*s = (struct model_selector){
		.name = "", .flows = f, .n_flows = n_flows, .preference = 5, .metric = 5};
}

static void fill_selectors(struct build *b, const struct node *n, struct model_vpn *v)
{
	const struct node *list = stmt(b, n, "traffic-selector");
	struct model_selector *all =
		arena_array(b->arena, struct model_selector, MAX(stmt_count(list), 1u));

	if (!all)
		return;
	v->has_selectors = list != NULL;
	for (const struct node *s = list ? list->first : NULL; s; s = s->next)
		if (s->is_name)
			fill_selector(b, s, &all[v->n_selectors++]);
	if (!list)
		fill_proxy(b, n, &all[v->n_selectors++]);
	qsort(all, v->n_selectors, sizeof *all, model_by_name);
	v->selectors = all;
	if (list && !v->transport && !stmt(b, n, "bind-interface"))
		refuse_at(b, list, "traffic selectors need 'bind-interface'");
	if (list && stmt(b, n, "ike proxy-identity"))
		refuse_at(b, list, "'traffic-selector' and 'proxy-identity' exclude each other");
}

static void fill_bind(struct build *b, const struct node *n, struct model_vpn *v)
{
	const struct node *bind = stmt(b, n, "bind-interface");

	if (!bind || !bind->first)
		return;
	v->bind = model_unit(b->m, bind->first->word);
	if (!v->bind)
		refuse_at(b, bind, "interface unit '%s' is not configured", bind->first->word);
	else if (v->bind->interface->kind != MODEL_IF_TUNNEL)
		refuse_at(b, bind, "only a unit of st0 can be bound");
}

static void fill_references(struct build *b, const struct node *n, struct model_vpn *v)
{
	const struct node *gateway = stmt(b, n, "ike gateway");
	const struct node *policy = stmt(b, n, "ike ipsec-policy");

	if (!gateway || !gateway->first)
		refuse_missing(b, n, "ike gateway");
	else
		v->gateway = model_gateway(b->m, gateway->first->word);
	if (gateway && gateway->first && !v->gateway)
		refuse_at(b, gateway, "IKE gateway '%s' is not defined", gateway->first->word);
	if (!policy || !policy->first)
		refuse_missing(b, n, "ike ipsec-policy");
	else
		v->policy = model_ipsec_policy(b->m, policy->first->word);
	if (policy && policy->first && !v->policy)
		refuse_at(b, policy, "IPsec policy '%s' is not defined", policy->first->word);
}

/* What outer headers look like. */
static void fill_outer(struct build *b, const struct node *n, struct model_vpn *v)
{
	v->copy_outer_dscp = stmt_flag(b, n, "copy-outer-dscp");
	v->copy_ttl = stmt_flag(b, n, "copy-ttl-from-inner-ip-header");
	v->ttl = (uint8_t)stmt_u32(b, n, "ttl");
	v->fixed_tos = stmt(b, n, "tos") != NULL;
	v->tos = (uint8_t)stmt_u32(b, n, "tos");
	v->tunnel_mtu = (uint16_t)stmt_u32(b, n, "tunnel-mtu");
	v->no_packet_too_big = stmt_flag(b, n, "no-icmp-packet-too-big");
	if (v->copy_ttl && stmt(b, n, "ttl"))
		refuse_at(b, stmt(b, n, "ttl"),
			"'ttl' and 'copy-ttl-from-inner-ip-header' exclude each other");
	if (stmt(b, n, "udp-encapsulate"))
		v->udp_port = (uint16_t)stmt_u32(b, n, "udp-encapsulate dest-port");
	if (v->udp_port == 4500)
		refuse_at(b, stmt(b, n, "udp-encapsulate dest-port"), "4500 is NAT traversal's");
}

/* UDP-001: what is put into UDP is ESP in a tunnel. */
static void check_udp(struct build *b, const struct node *n, const struct model_vpn *v)
{
	const struct node *udp = stmt(b, n, "udp-encapsulate");

	if (!udp || v->manual)
		return;
	if (v->transport)
		refuse_at(b, udp, "'mode transport' is not put into UDP");
	for (uint32_t i = 0; v->policy && i < v->policy->n_proposals; i++)
		if (v->policy->proposals[i].ah)
			refuse_at(b, udp, "proposal '%s' is AH: only ESP is put into UDP",
				v->policy->proposals[i].name);
}

static void fill_vpn(struct build *b, const struct node *n, struct model_vpn *v)
{
	static const char *const df[] = {"clear", "set", "copy", NULL};
	static const char *const establish[] = {
		"on-traffic", "immediately", "responder-only", "responder-only-no-rekey", NULL};
	uint32_t window = stmt_u32(b, n, "ike anti-replay-window-size");

	v->name = n->word;
	v->transport = strcmp(stmt_word(b, n, "mode"), "transport") == 0;
	v->df = (enum model_df)word_index(df, stmt_word(b, n, "df-bit"));
	fill_outer(b, n, v);
	v->establish =
		(enum model_establish)word_index(establish, stmt_word(b, n, "establish-tunnels"));
	v->replay_window =
		window ? window : stmt_u32(b, NULL, "security ipsec anti-replay-window-size");
	if (stmt_flag(b, n, "ike no-anti-replay"))
		v->replay_window = 0;
	v->single_pair = stmt_flag(b, n, "ike single-address-pair");
	v->replay_strict = strcmp(stmt_word(b, n, "replay-on-failover"), "strict") == 0;
	v->idle_s = stmt_u32(b, n, "ike idle-time");
	v->install_interval_s = stmt_u32(b, n, "ike install-interval");
	v->per_worker = stmt_flag(b, n, "multi-sa per-worker");
	v->multi_max = stmt(b, n, "multi-sa maximum") ? stmt_u32(b, n, "multi-sa maximum") : 0;
	fill_bind(b, n, v);
	if (v->transport && v->bind)
		refuse_at(b, stmt(b, n, "bind-interface"),
			"'mode transport' is between the gateways: nothing is routed into it");
	fill_selectors(b, n, v);
	if (stmt(b, n, "manual"))
		build_manual(b, n, v);
	else
		fill_references(b, n, v);
	check_udp(b, n, v);
}

static int by_policy_id(const void *a, const void *b)
{
	const struct model_selector *const *sa = a, *const *sb = b;

	return (*sa)->policy_id < (*sb)->policy_id ? -1 : (*sa)->policy_id > (*sb)->policy_id;
}

/* Back pointers, ids and the index over them; the VPN array has found its place. */
static void index_selectors(struct build *b, const struct node *list)
{
	const struct model_selector **index;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->m->n_vpns; i++)
		n += b->m->vpns[i].n_selectors;
	index = arena_array(b->arena, const struct model_selector *, n);
	if (!index)
		return;
	for (uint32_t i = 0; i < b->m->n_vpns; i++) {
		const struct model_vpn *v = &b->m->vpns[i];
		struct model_selector *all = writable(v->selectors);

		for (uint32_t k = 0; k < v->n_selectors && all; k++) {
			all[k].vpn = v;
			all[k].policy_id = model_policy_id(v->name, all[k].name);
			index[b->m->n_selectors++] = &all[k];
		}
	}
	qsort(index, b->m->n_selectors, sizeof(void *), by_policy_id);
	b->m->selectors = index;
	for (uint32_t i = 1; i < b->m->n_selectors; i++)
		if (index[i]->policy_id == index[i - 1]->policy_id)
			refuse_at(b, tree_find(b->t, list, index[i]->vpn->name),
				"the names '%s' '%s' and '%s' '%s' have the same number: rename "
				"one",
				index[i]->vpn->name, index[i]->name, index[i - 1]->vpn->name,
				index[i - 1]->name);
}

/* ST0-003: next hops that were named before there was a VPN. */
static void bind_hops(struct build *b, const struct model_unit *u, const struct node *unit)
{
	struct model_binding *all = writable(u->bindings);

	for (uint32_t i = 0; i < u->n_bindings; i++) {
		const char *family = all[i].hop.family == 4 ? "family inet next-hop-tunnel"
							    : "family inet6 next-hop-tunnel";

		all[i].vpn = model_vpn(b->m, all[i].vpn_name);
		if (!all[i].vpn)
			refuse_at(b, stmt(b, unit, family), "IPsec VPN '%s' is not defined",
				all[i].vpn_name);
		else if (all[i].vpn->bind != u)
			refuse_at(b, stmt(b, unit, family), "VPN '%s' is not bound to '%s'",
				all[i].vpn_name, u->name);
	}
}

static void bind_all_hops(struct build *b)
{
	const struct model_interface *st0 = model_interface(b->m, "st0");
	const struct node *units = stmt(b, NULL, "interfaces");

	units = units && st0 ? tree_find(b->t, units, "st0") : NULL;
	units = units ? stmt(b, units, "unit") : NULL;
	for (uint32_t i = 0; units && i < st0->n_units; i++) {
		char number[16];

		(void)snprintf(number, sizeof number, "%u", st0->units[i].number);
		bind_hops(b, &st0->units[i], tree_find(b->t, units, number));
	}
}

void build_ipsec(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security ipsec vpn");
	struct model_vpn *all = arena_array(b->arena, struct model_vpn, stmt_count(list));

	build_policies(b);
	if (!all)
		return;
	b->m->vpns = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_vpn(b, n, &all[b->m->n_vpns++]);
	qsort(all, b->m->n_vpns, sizeof *all, model_by_name);
	index_selectors(b, list);
	check_manual(b);
	bind_all_hops(b);
}
