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
	struct gateway *first, *named;
	struct gateway *lent; /* by address alone: the first that authenticates by signatures */
	bool known;	      /* some gateway has this identity */
	bool other_method;    /* ... but authenticates in another way */
};

/* The first one counts, or one that the peer names by its IDr. Each candidate's pre-shared key is
 * tried; by_signature: the peer made one, which is judged later. */
static void candidates_find(struct ike *ike, const struct ike_sa *sa, const struct rx *rx,
	const struct asked *a, struct candidates *out)
{
	struct peer_walk walk = {sa->local.addr, sa->remote.addr};
	struct gateway *gw;

	while ((gw = peer_next(ike, &walk)) != NULL) {
		const struct model_ike_policy *policy = gw->model->policy;
		bool fits = gateway_fits(sa, gw);

		if (fits && !out->lent && auth_is_signature(policy))
			out->lent = gw;
		if (!fits || !peer_id_matches(gw->model, &a->idi, &sa->remote.addr))
			continue;
		out->known = true;
		if (auth_is_signature(policy) != a->by_signature) {
			out->other_method = true;
			continue;
		}
		if (!a->by_signature && !auth_psk_is_good(ike, sa, rx, &a->idi, policy->psk))
			continue;
		if (!out->first)
			out->first = gw;
		if (!out->named && is_named(ike, gw, a))
			out->named = gw;
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
	char text[IDENT_TEXT_MAX];

	if (!c->known || c->other_method)
		(void)auth_psk_is_good(ike, sa, rx, &a->idi, view_of_literal("no such peer"));
	auth_tell_failure(ike, sa, ident_text(&sa->remote_id, text), why_nobody(c));
	return -ERR_AUTH;
}

int which_gateway(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct which *out)
{
	struct candidates c = {NULL};
	struct asked a = {.has_idr = false};
	int rc = asked_read(rx, &a);

	if (rc == 0)
		rc = ident_copy(a.idi.type, a.idi.data, &sa->remote_id);
	if (rc < 0)
		return rc;
	candidates_find(ike, sa, rx, &a, &c);
	*out = (struct which){.gw = c.named ? c.named : c.first, .by_signature = a.by_signature};
	if (!out->gw && a.by_signature && c.lent) {
		out->gw = c.lent;
		out->decoy = true;
		return 0;
	}
	if (!out->gw)
		return nobody(ike, sa, rx, &a, &c);
	sa_attach(ike, sa, out->gw);
	return auth_own_id(ike, out->gw, &sa->local_id);
}
