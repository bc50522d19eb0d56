#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

enum { TEXT = 8192, PROBE_S = 2, PROBES = 1000, SMALL = 170 };

struct models {
	struct model *cluster[RGS][BEGINS_END][2][2][THEMES];
	struct model *peer[RGS][BEGINS_END][2][2][THEMES][PEERS];
};

struct text {
	char v[TEXT];
	size_t n;
};

static void add(struct text *t, const char *fmt, ...) PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->v + t->n, TEXT - t->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= TEXT - t->n)
		abort();
	t->n += (size_t)n;
}

/* ---------------------------------------------------------------- names */

struct addr address_of_rg(uint32_t rg)
{
	return addr_of_v4(0x0a000001 + (rg << 8)); /* 10.0.rg.1 */
}

struct addr address_of_peer(uint32_t p)
{
	return addr_of_v4(0xc6336401 + p); /* 198.51.100.1 and up */
}

uint32_t rg_of_address(const struct addr *a)
{
	uint32_t v = addr_v4(a);

	return (v & 0xffff00ff) == 0x0a000001 && (v >> 8 & 0xff) < RGS ? v >> 8 & 0xff : UINT32_MAX;
}

uint32_t peer_of_address(const struct addr *a)
{
	uint32_t v = addr_v4(a), p = (v & 0xff) - 1; /* wherever it is: theme.h */

	return v >> 16 == 0xc633 && p < PEERS ? p : UINT32_MAX;
}

const char *gateway_of_peer(uint32_t p)
{
	static const char *const names[PEERS] = {"P0", "P1", "P2", "P3"};

	return names[p];
}

uint32_t policy_of_peer(uint32_t p)
{
	static const char *const names[PEERS] = {"V0", "V1", "V2", "V3"};

	return model_policy_id(names[p], "T");
}

uint32_t interface_of(const char *unit_name)
{
	return unit_name ? 7 : 0;
}

/* ---------------------------------------------------------------- text */

enum { EVERY_CLUSTER = 2, EVERY_PEER = 3 };

static void add_common(struct text *t, bool pfs, uint32_t reauth)
{
	add(t, "set security ike proposal P authentication-method pre-shared-keys\n"
	       "set security ike proposal P dh-group group31\n"
	       "set security ike proposal P encryption-algorithm aes-128-gcm\n"
	       "set security ike proposal H dh-group group31\n"
	       "set security ike proposal H additional-key-exchange group19\n"
	       "set security ike proposal H encryption-algorithm aes-128-gcm\n"
	       "set security ike policy IH proposals H\n"
	       "set security ike policy IH pre-shared-key ascii-text \"correct horse battery\"\n"
	       "set security ike policy IP proposals P\n"
	       "set security ike policy IP pre-shared-key ascii-text \"correct horse battery\"\n"
	       "set security ipsec proposal E protocol esp\n"
	       "set security ipsec proposal E encryption-algorithm aes-128-gcm\n"
	       "set security ipsec policy EP proposals E\n");
	add(t, "set security pki ca-profile CA ca-identity CA\n"
	       "set security ike proposal S authentication-method certificates\n"
	       "set security ike proposal S dh-group group31\n"
	       "set security ike proposal S encryption-algorithm aes-128-gcm\n"
	       "set security ike policy IS proposals S\n"
	       "set security ike policy IS certificate local-certificate me\n"
	       "set security ike policy IS certificate trusted-ca ca-profile CA\n");
	if (pfs)
		add(t, "set security ipsec policy EP perfect-forward-secrecy keys group31\n");
	if (reauth != 0)
		add(t,
			"set security ike policy IP reauth-frequency %u\n"
			"set security ike policy IS reauth-frequency %u\n",
			reauth, reauth);
}

struct site {
	uint32_t p; /* the peer */
	const char *port;
	struct addr remote;
	bool cluster, begins, answers_only;
	enum theme theme;
};

/* One peer wants a second key exchange (RFC 9370), one proves itself by signatures; where the theme
 * is one of these, half of them do. */
static const char *ike_policy_of(const struct site *s)
{
	if (s->theme == THEME_HUB || s->theme == THEME_TICKETS)
		return "IP";
	if (s->theme == THEME_REVOKED)
		return s->p % 2 ? "IS" : "IP";
	return s->p == 2 ? "IH" : s->p == 3 ? "IS" : "IP";
}

static void add_theme(struct text *t, const struct site *s)
{
	uint32_t p = s->p;

	if (s->theme == THEME_MOVES)
		add(t, "set security ike gateway P%u mobike enable\n", p);
	if (s->theme == THEME_TICKETS)
		add(t, "set security ike gateway P%u session-resumption lifetime 3600\n", p);
	if (s->theme == THEME_HUB)
		add(t,
			"set security ike gateway P%u local-identity hostname p%u.vpn.example\n"
			"set security ike gateway P%u remote-identity hostname hub.example\n",
			p, p, p);
}

/* One gateway for all peers of a group. */
static void add_hub(struct text *t, uint32_t rg)
{
	add(t,
		"set interfaces st0 unit %u family inet\n"
		"set security ike gateway D%u ike-policy IP\n"
		"set security ike gateway D%u dynamic hostname vpn.example\n"
		"set security ike gateway D%u dynamic ike-user-type group-ike-id\n"
		"set security ike gateway D%u local-identity hostname hub.example\n"
		"set security ike gateway D%u external-interface ge-0/0/%u.0\n"
		"set security ike gateway D%u version v2-only\n"
		"set security ike gateway D%u dead-peer-detection always-send\n",
		rg, rg, rg, rg, rg, rg, rg, rg, rg);
	add(t,
		"set security ipsec vpn D%u bind-interface st0.%u\n"
		"set security ipsec vpn D%u ike gateway D%u\n"
		"set security ipsec vpn D%u ike ipsec-policy EP\n"
		"set security ipsec vpn D%u traffic-selector T local-ip 10.1.0.0/16\n"
		"set security ipsec vpn D%u traffic-selector T remote-ip 10.2.0.0/16\n",
		rg, rg, rg, rg, rg, rg, rg);
}

static void add_site(struct text *t, const struct site *s)
{
	char remote[ADDR_TEXT_MAX];
	uint32_t p = s->p;

	addr_text(&s->remote, remote);
	add(t, "set interfaces st0 unit %u family inet\n", p);
	add(t, "set security ike gateway P%u ike-policy %s\n", p, ike_policy_of(s));
	add_theme(t, s);
	add(t, "set security ike gateway P%u address %s\n", p, remote);
	add(t, "set security ike gateway P%u external-interface %s\n", p, s->port);
	add(t, "set security ike gateway P%u version v2-only\n", p);
	add(t, "set security ike gateway P%u dead-peer-detection always-send\n", p);
	add(t, "set security ipsec vpn V%u bind-interface st0.%u\n", p, p);
	add(t, "set security ipsec vpn V%u ike gateway P%u\n", p, p);
	add(t, "set security ipsec vpn V%u ike ipsec-policy EP\n", p);
	add(t, "set security ipsec vpn V%u traffic-selector T local-ip 10.%u.%u.0/24\n", p,
		s->cluster ? 1 : 2, p);
	add(t, "set security ipsec vpn V%u traffic-selector T remote-ip 10.%u.%u.0/24\n", p,
		s->cluster ? 2 : 1, p);
	/* One has a child SA for each worker, of which the two ends do not have the same number. */
	if (p == OWN_PEER && s->theme == THEME_NONE)
		add(t, "set security ipsec vpn V%u multi-sa per-worker\n", p);
	add(t, "set security ipsec vpn V%u establish-tunnels %s\n", p,
		s->begins	  ? "immediately"
		: s->answers_only ? "responder-only"
				  : "on-traffic");
}

static struct model *load(const struct text *t)
{
	auto_complaints complaints = {0};
	struct model *m = NULL;

	if (config_load(view_of(t->v, t->n), CONFIG_STANDALONE, &m, &complaints) < 0) {
		struct blob said = {0};

		(void)!complaints_text(&complaints, &said);
		(void)fprintf(stderr, "%.*s\n", (int)said.n, (const char *)said.p);
		abort();
	}
	return m;
}

/* What statements cannot say: groups without chassis, the patience of a peer that never gives up in
 * the time of a world, and very small datagrams. */
static void adjust(struct model *m, uint32_t rgs)
{
	struct model_gateway *all = (struct model_gateway *)(uintptr_t)m->gateways;

	for (uint32_t i = 0; i < m->n_gateways; i++) {
		all[i].rg = (uint32_t)(all[i].name[1] - '0') % rgs;
		all[i].dpd_interval_s = PROBE_S;
		all[i].dpd_threshold = PROBES;
		/* With every other peer nearly all messages go in fragments (RFC 7383). */
		if ((all[i].name[1] - '0') % 2)
			all[i].fragment_size = SMALL;
	}
}

/* It finds out that nobody answers, and goes on from its ticket. */
static void impatient(struct model *m)
{
	struct model_gateway *all = (struct model_gateway *)(uintptr_t)m->gateways;

	for (uint32_t i = 0; i < m->n_gateways; i++) {
		all[i].dpd_interval_s = 1;
		all[i].dpd_threshold = 5;
	}
}

/* ---------------------------------------------------------------- lending */

struct model *models_cluster(struct models *m, const struct world *w)
{
	struct model **at = &m->cluster[w->rgs - 1][w->begins][w->pfs][w->reauth][w->theme];
	struct text t = {.n = 0};

	if (*at)
		return *at;
	for (uint32_t rg = 0; rg < w->rgs; rg++) {
		struct addr a = address_of_rg(rg);
		char text[ADDR_TEXT_MAX];

		add(&t, "set interfaces ge-0/0/%u unit 0 family inet address %s/24\n", rg,
			addr_text(&a, text));
	}
	add_common(&t, w->pfs, w->reauth ? EVERY_CLUSTER : 0);
	for (uint32_t rg = 0; rg < w->rgs && w->theme == THEME_HUB; rg++)
		add_hub(&t, rg);
	for (uint32_t p = 0; p < w->peers && w->theme != THEME_HUB; p++) {
		char port[24];

		(void)snprintf(port, sizeof port, "ge-0/0/%u.0", p % w->rgs);
		add_site(&t, &(struct site){p, port, address_of_peer(p), true,
				     w->begins == BEGINS_CLUSTER,
				     w->reauth && w->begins == BEGINS_PEER, w->theme});
	}
	*at = load(&t);
	adjust(*at, w->rgs);
	return *at;
}

struct model *models_peer(struct models *m, const struct world *w, uint32_t p)
{
	struct model **at = &m->peer[w->rgs - 1][w->begins][w->pfs][w->reauth][w->theme][p];
	struct addr own = address_of_peer(p);
	struct text t = {.n = 0};
	char text[ADDR_TEXT_MAX];

	if (*at)
		return *at;
	add(&t, "set interfaces ge-0/0/0 unit 0 family inet address %s/24\n",
		addr_text(&own, text));
	/* Every second one has a count of its own (REA-003). */
	add_common(&t, w->pfs, w->reauth && p % 2 == 0 ? EVERY_PEER : 0);
	add_site(&t, &(struct site){p, "ge-0/0/0.0", address_of_rg(p % w->rgs), false,
			     w->begins == BEGINS_PEER, false, w->theme});
	*at = load(&t);
	adjust(*at, 1);
	if (w->theme == THEME_TICKETS)
		impatient(*at);
	return *at;
}

struct models *models_new(void)
{
	struct models *m = calloc(1, sizeof *m);

	if (!m)
		abort();
	return m;
}

void models_free(struct models *m)
{
	struct model **all = &m->cluster[0][0][0][0][0];

	for (size_t i = 0; i < sizeof m->cluster / sizeof(struct model *); i++)
		if (all[i])
			model_free(all[i]);
	all = &m->peer[0][0][0][0][0][0];
	for (size_t i = 0; i < sizeof m->peer / sizeof(struct model *); i++)
		if (all[i])
			model_free(all[i]);
	free(m);
}
