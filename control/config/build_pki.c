/*
 * [edit security pki], and `certificate` of an IKE policy, which refers to it.
 */
#include <net/if.h>
#include <stdlib.h>
#include <strings.h>

#include "config/build.h"
#include "config/value.h"

/* Certificates, keys and CRLs are files with these names. */
static void check_file_name(struct build *b, const struct node *n)
{
	if (!value_is_file(n->word))
		refuse_at(b, n, "names a file: no '/' and no dot at the beginning");
}

/* https and ldaps would need a certificate to be checked before a certificate can be checked; what
 * is fetched is signed (RFC 5280 section 8). */
static void check_url(struct build *b, const struct node *n, bool ldap)
{
	if (strncasecmp(n->word, "http://", 7) == 0)
		return;
	if (ldap && strncasecmp(n->word, "ldap://", 7) == 0)
		return;
	refuse_at(b, n, "must begin with http://%s", ldap ? " or ldap://" : "");
}

static const struct model_url *fill_urls(
	struct build *b, const struct node *list, bool ldap, uint32_t *n)
{
	struct model_url *all = arena_array(b->arena, struct model_url, stmt_count(list));

	*n = 0;
	for (const struct node *e = list ? list->first : NULL; all && e; e = e->next) {
		if (!e->is_name)
			continue;
		check_url(b, e, ldap);
		all[*n].url = e->word;
		all[(*n)++].password = ldap ? stmt_text(b, e, "password") : NULL;
	}
	return all;
}

static void fill_ocsp(struct build *b, const struct node *n, struct model_ocsp *o)
{
	static const char *const words[] = {"", "fallback-crl", "disable", NULL};

	o->urls = fill_urls(b, stmt(b, n, "ocsp url"), false, &o->n_urls);
	o->nonce = strcmp(stmt_word(b, n, "ocsp nonce-payload"), "enable") == 0;
	o->responder_revocation_check = !stmt_flag(b, n, "ocsp disable-responder-revocation-check");
	o->accept_unknown = stmt_flag(b, n, "ocsp accept-unknown-status");
	o->on_failure = (enum model_ocsp_failure)word_index(
		words, stmt_text(b, n, "ocsp connection-failure"));
}

/* PKI-009, 010, 014: a list unless something else is said. */
static void fill_method(struct build *b, const struct node *n, struct model_ca_profile *p)
{
	bool crl = stmt_flag(b, n, "use-crl"), ocsp = stmt_flag(b, n, "use-ocsp");
	bool off = stmt_flag(b, n, "disable");

	if (crl + ocsp + off > 1)
		refuse_at(b, n, "only one of use-crl, use-ocsp, disable");
	p->revocation = off    ? MODEL_REVOCATION_OFF
			: ocsp ? MODEL_REVOCATION_OCSP
			       : MODEL_REVOCATION_CRL;
	if (!ocsp && stmt(b, n, "ocsp"))
		warn_at(b, stmt(b, n, "ocsp"), "counts with 'use-ocsp' only");
	if (off && stmt(b, n, "crl"))
		warn_at(b, stmt(b, n, "crl"), "does not count: revocation is not checked");
}

static void fill_profile(struct build *b, const struct node *n, struct model_ca_profile *p)
{
	const struct node *check = stmt(b, n, "revocation-check");

	p->name = n->word;
	p->identity = stmt_text(b, n, "ca-identity");
	check_file_name(b, n);
	if (!p->identity) {
		p->identity = "";
		refuse_missing(b, n, "ca-identity");
	}
	p->source = stmt_text(b, n, "source-address");
	p->instance = stmt_text(b, n, "routing-instance");
	if (p->instance && strlen(p->instance) >= IFNAMSIZ)
		refuse_at(b, stmt(b, n, "routing-instance"),
			"names a device of the kernel: at most %d characters", IFNAMSIZ - 1);
	p->ocsp = (struct model_ocsp){.nonce = true, .responder_revocation_check = true};
	if (!check)
		return;
	fill_method(b, check, p);
	p->crl_urls = fill_urls(b, stmt(b, check, "crl url"), true, &p->n_crl_urls);
	p->refresh_h = stmt_u32(b, check, "crl refresh-interval");
	p->skip_on_download_failure = stmt_flag(b, check, "crl disable on-download-failure");
	fill_ocsp(b, check, &p->ocsp);
}

static void build_profiles(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security pki ca-profile");
	struct model_ca_profile *all =
		arena_array(b->arena, struct model_ca_profile, stmt_count(list));

	if (!all)
		return;
	b->m->ca_profiles = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_profile(b, n, &all[b->m->n_ca_profiles++]);
	qsort(all, b->m->n_ca_profiles, sizeof *all, model_by_name);
}

/* PKI-006 */
static void fill_group(struct build *b, const struct node *n, struct model_ca_group *g)
{
	const struct node *names = stmt(b, n, "ca-profiles");
	const struct model_ca_profile **all =
		arena_array(b->arena, const struct model_ca_profile *, MODEL_CA_GROUP_MAX);

	g->name = n->word;
	g->profiles = all;
	if (!names)
		refuse_missing(b, n, "ca-profiles");
	for (const struct node *v = names ? names->first : NULL; all && v; v = v->next) {
		const struct model_ca_profile *p = model_ca_profile(b->m, v->word);

		if (!p) {
			refuse_at(b, v, "CA profile '%s' is not defined", v->word);
		} else if (g->n_profiles == MODEL_CA_GROUP_MAX) {
			refuse_at(b, v, "at most %d CA profiles in a group", MODEL_CA_GROUP_MAX);
			return;
		} else {
			all[g->n_profiles++] = p;
		}
	}
}

static void build_groups(struct build *b)
{
	const struct node *list = stmt(b, NULL, "security pki trusted-ca-group");
	struct model_ca_group *all = arena_array(b->arena, struct model_ca_group, stmt_count(list));

	if (!all)
		return;
	b->m->ca_groups = all;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next)
		if (n->is_name)
			fill_group(b, n, &all[b->m->n_ca_groups++]);
	qsort(all, b->m->n_ca_groups, sizeof *all, model_by_name);
}

static const struct model_expiry *fill_expiry(struct build *b, const struct node *list, uint32_t *n)
{
	struct model_expiry *all = arena_array(b->arena, struct model_expiry, stmt_count(list));

	*n = 0;
	for (const struct node *e = list ? list->first : NULL; all && e; e = e->next)
		if (e->is_name)
			all[(*n)++] = (struct model_expiry){e->word, stmt_u32(b, e, "days")};
	return all;
}

static bool is_identity(const struct model *m, const char *name)
{
	for (uint32_t i = 0; i < m->n_ca_profiles; i++)
		if (strcmp(m->ca_profiles[i].identity, name) == 0)
			return true;
	return false;
}

static void build_expiry(struct build *b)
{
	const struct node *cas = stmt(b, NULL, "security pki trap ca-identity");

	b->m->expiry_days = stmt_u32(b, NULL, "security pki trap all-certificates days");
	b->m->expiry_own = fill_expiry(
		b, stmt(b, NULL, "security pki trap certificate-id"), &b->m->n_expiry_own);
	b->m->expiry_cas = fill_expiry(b, cas, &b->m->n_expiry_cas);
	for (const struct node *e = cas ? cas->first : NULL; e; e = e->next)
		if (e->is_name && !is_identity(b->m, e->word))
			warn_at(b, e, "no CA profile has this 'ca-identity'");
}

void build_pki(struct build *b)
{
	b->m->allow_local_fetch = stmt_flag(b, NULL, "security pki allow-local-fetch");
	build_profiles(b);
	build_groups(b);
	build_expiry(b);
}

/* ---- [edit security ike policy * certificate] */

static void trust_all(struct build *b, struct model_ike_policy *p)
{
	const struct model_ca_profile **all =
		arena_array(b->arena, const struct model_ca_profile *, b->m->n_ca_profiles);

	for (uint32_t i = 0; all && i < b->m->n_ca_profiles; i++)
		all[i] = &b->m->ca_profiles[i];
	p->trusted_cas = all;
	p->n_trusted_cas = all ? b->m->n_ca_profiles : 0;
	p->use_all = true;
}

static void trust_one(
	struct build *b, const struct model_ca_profile *profile, struct model_ike_policy *p)
{
	const struct model_ca_profile **one =
		arena_array(b->arena, const struct model_ca_profile *, 1);

	if (!one)
		return;
	one[0] = profile;
	p->trusted_cas = one;
	p->n_trusted_cas = 1;
}

static void trust_group(struct build *b, const struct node *s, struct model_ike_policy *p)
{
	const struct model_ca_group *g = model_ca_group(b->m, s->first->word);

	if (!g) {
		refuse_at(b, s, "trusted CA group '%s' is not defined", s->first->word);
		return;
	}
	p->trusted_cas = g->profiles;
	p->n_trusted_cas = g->n_profiles;
}

/* The profile that is named, or that has this place in the order of names. */
static void trust_profile(
	struct build *b, const struct node *s, bool by_number, struct model_ike_policy *p)
{
	const struct model_ca_profile *profile = NULL;
	uint64_t n = 0;

	if (!by_number)
		profile = model_ca_profile(b->m, s->first->word);
	else if (value_uint(s->first->word, &n) && n >= 1 && n <= b->m->n_ca_profiles)
		profile = &b->m->ca_profiles[n - 1];
	if (profile)
		trust_one(b, profile, p);
	else if (by_number)
		refuse_at(b, s, "there are %u CA profiles", b->m->n_ca_profiles);
	else
		refuse_at(b, s, "CA profile '%s' is not defined", s->first->word);
}

/* PKI-005 */
static void fill_trust(struct build *b, const struct node *n, struct model_ike_policy *p)
{
	const struct node *trusted = stmt(b, n, "certificate trusted-ca");
	const struct node *profile = trusted ? stmt(b, trusted, "ca-profile") : NULL;
	const struct node *group = trusted ? stmt(b, trusted, "trusted-ca-group") : NULL;
	const struct node *number = trusted ? stmt(b, trusted, "ca-index") : NULL;
	bool all = trusted && stmt(b, trusted, "use-all");

	if ((profile != NULL) + (group != NULL) + (number != NULL) + all > 1)
		refuse_at(
			b, trusted, "only one of ca-profile, trusted-ca-group, use-all, ca-index");
	else if (profile)
		trust_profile(b, profile, false, p);
	else if (number)
		trust_profile(b, number, true, p);
	else if (group)
		trust_group(b, group, p);
	else
		trust_all(b, p);
}

/* PKI-008 */
static void fill_oids(struct build *b, const struct node *n, struct model_ike_policy *p)
{
	const struct node *oids = stmt(b, n, "certificate policy-oids");
	const char **all = arena_array(b->arena, const char *, MODEL_POLICY_OIDS_MAX);

	p->policy_oids = all;
	for (const struct node *v = oids ? oids->first : NULL; all && v; v = v->next) {
		if (p->n_policy_oids == MODEL_POLICY_OIDS_MAX) {
			refuse_at(b, v, "at most %d policy OIDs", MODEL_POLICY_OIDS_MAX);
			return;
		}
		if (!value_is_oid(v->word))
			refuse_at(b, v, "'%s' is not an object identifier (1.3.6.1...)", v->word);
		all[p->n_policy_oids++] = v->word;
	}
}

void build_certificate(struct build *b, const struct node *n, struct model_ike_policy *p)
{
	const struct node *local = stmt(b, n, "certificate local-certificate");
	bool needed = p->n_proposals > 0 && p->proposals[0].auth != MODEL_AUTH_PSK;

	p->local_certificate = stmt_text(b, n, "certificate local-certificate");
	p->end_entity_only = stmt_flag(b, n, "certificate no-certificate-chain-in-ike");
	p->peer_cert_pkcs7 =
		strcmp(stmt_word(b, n, "certificate peer-certificate-type"), "pkcs7") == 0;
	fill_trust(b, n, p);
	fill_oids(b, n, p);
	if (local && local->first)
		check_file_name(b, local->first);
	if (needed && !local) /* PKI-007 */
		refuse_at(b, n,
			"its proposals authenticate with certificates: "
			"'certificate local-certificate' is missing");
	if (needed && p->use_all && p->n_trusted_cas == 0)
		warn_at(b, n, "no 'security pki ca-profile' is configured: no peer can be trusted");
}
