#include "ike/v2/which.h"

#include "base/err.h"
#include "ike/engine.h"
#include "ike/v2/auth.h"
#include "ike/v2/auth_method.h"
#include "ike/v2/auth_sig.h"
#include "ike/v2/exchange.h"
#include "wire/pld_auth.h"

struct asked {
	struct pld_id idi, idr;
	bool has_idr;
	bool by_signature; /* its AUTH is one */
};

static int asked_read(const struct rx *rx, struct asked *a)
{
	const struct payload *i = chain_find(rx->chain, PLD_IDI),
			     *r = chain_find(rx->chain, PLD_IDR),
			     *p = chain_find(rx->chain, PLD_AUTH);
	struct pld_auth auth;

	if (!i || pld_id_parse(i->body, &a->idi) < 0)
		return -ERR_SYNTAX;
	a->has_idr = r != NULL;
	a->by_signature =
		p && pld_auth_parse(p->body, &auth) == 0 && auth.method != AUTH_SHARED_KEY_MIC;
	return r && pld_id_parse(r->body, &a->idr) < 0 ? -ERR_SYNTAX : 0;
}

/* May this IKE SA be that gateway's: its algorithms, its group? */
static bool gateway_fits(const struct ike_sa *sa, const struct gateway *gw)
{
	return gw->model->rg == sa->rg && ike_suite_allowed(gw->model->policy, &sa->suite);
}

/* Is our identity for that gateway the one that the peer asks for? */
static bool is_named(struct ike *ike, const struct gateway *gw, const struct asked *a)
{
	struct ident own = {0};
	bool same;

	if (!a->has_idr)
		return false;
	if (gw->model->local_id.type != MODEL_ID_DN)
		return ident_is(&gw->model->local_id, &a->idr);
	same = auth_own_id(ike, gw, &own) == 0 && own.type == a->idr.type &&
	       view_equal(blob_view(&own.data), a->idr.data);
	ident_fini(&own);
	return same;
}

struct candidates {
	struct auth_peers fit;	/* by address and identity, and authenticate as the peer does */
	struct auth_peers lent; /* by address alone, and by signatures */
	uint8_t rank[IKE_TERMS_MAX]; /* of fit: the lower, the better */
	bool known;		     /* some gateway has this identity */
	bool other_method;	     /* ... but authenticates in another way */
};

/* Gateways with the same policy judge alike: the first stands for them. */
static bool has_policy(const struct auth_peers *p, const struct model_ike_policy *policy)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i]->model->policy == policy)
			return true;
	return false;
}

/* What the peer asks for by its IDr, then a certificate below a CA that its CERTREQ names, then the
 * order of the configuration. */
static uint8_t rank_of(
	struct ike *ike, const struct ike_sa *sa, const struct gateway *gw, const struct asked *a)
{
	bool asked = a->by_signature && auth_sig_is_asked(ike, sa, gw->model->policy);

	return (uint8_t)((is_named(ike, gw, a) ? 0 : 2) + (asked ? 0 : 1));
}

/* By rank; of more than there is room for the worst is forgotten. */
static void fit_add(struct candidates *c, struct gateway *gw, uint8_t rank)
{
	struct auth_peers *p = &c->fit;
	size_t at = p->n;

	while (at != 0 && c->rank[at - 1] > rank)
		at--;
	if (at == IKE_TERMS_MAX)
		return;
	if (p->n < IKE_TERMS_MAX)
		p->n++;
	for (size_t i = p->n - 1; i > at; i--) {
		p->v[i] = p->v[i - 1];
		c->rank[i] = c->rank[i - 1];
	}
	p->v[at] = gw;
	c->rank[at] = rank;
}

/* Each candidate's pre-shared key is tried; by_signature: the peer made one, which is judged later.
 */
static void candidates_find(struct ike *ike, const struct ike_sa *sa, const struct rx *rx,
	const struct asked *a, struct candidates *out)
{
	struct peer_walk walk = {sa->local.addr, sa->remote.addr};
	struct auth_peers *lent = &out->lent;
	struct gateway *gw;

	while ((gw = peer_next(ike, &walk)) != NULL) {
		const struct model_ike_policy *policy = gw->model->policy;
		bool fits = gateway_fits(sa, gw);

		if (fits && lent->n < IKE_TERMS_MAX && auth_is_signature(policy) &&
			!has_policy(lent, policy))
			lent->v[lent->n++] = gw;
		if (!fits || !peer_id_matches(gw->model, &a->idi, &sa->remote.addr))
			continue;
		out->known = true;
		if (auth_is_signature(policy) != a->by_signature) {
			out->other_method = true;
			continue;
		}
		if (!a->by_signature && !auth_psk_is_good(ike, sa, rx, &a->idi, policy))
			continue;
		fit_add(out, gw, rank_of(ike, sa, gw, a));
	}
}

static const char *why_nobody(const struct candidates *c)
{
	if (!c->known)
		return "no gateway has this peer identity";
	return c->other_method ? "it does not use the configured authentication method"
			       : "the peer's pre-shared key differs";
}

/* Nobody: what is done besides makes no difference to the peer. */
static int nobody(struct ike *ike, struct ike_sa *sa, const struct rx *rx, const struct asked *a,
	const struct candidates *c)
{
	const struct model_ike_policy none = {.psk = view_of_literal("no such peer")};
	char text[IDENT_TEXT_MAX];

	if (!c->known || c->other_method)
		(void)auth_psk_is_good(ike, sa, rx, &a->idi, &none);
	auth_tell_failure(ike, sa, ident_text(&sa->remote_id, text), why_nobody(c));
	return -ERR_AUTH;
}

int which_gateway(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct which *out)
{
	struct candidates c = {.known = false};
	struct asked a = {.has_idr = false};
	int rc = asked_read(rx, &a);

	if (rc == 0)
		rc = ident_copy(a.idi.type, a.idi.data, &sa->remote_id);
	if (rc < 0)
		return rc;
	candidates_find(ike, sa, rx, &a, &c);
	*out = (struct which){.peers = c.fit, .by_signature = a.by_signature};
	if (c.fit.n != 0)
		return which_settle(ike, sa, c.fit.v[0]);
	if (!a.by_signature || c.lent.n == 0)
		return nobody(ike, sa, rx, &a, &c);
	out->peers = c.lent;
	out->decoy = true;
	return 0;
}

int which_settle(struct ike *ike, struct ike_sa *sa, struct gateway *gw)
{
	if (sa->gw != gw)
		sa_attach(ike, sa, gw);
	ident_fini(&sa->local_id);
	return auth_own_id(ike, gw, &sa->local_id);
}
