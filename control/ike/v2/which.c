#include "ike/v2/which.h"

#include "base/err.h"
#include "ike/engine.h"
#include "ike/v2/auth.h"
#include "ike/v2/exchange.h"

struct asked {
	struct pld_id idi, idr;
	bool has_idr;
};

static int asked_read(const struct rx *rx, struct asked *a)
{
	const struct payload *i = chain_find(rx->chain, PLD_IDI),
			     *r = chain_find(rx->chain, PLD_IDR);

	if (!i || pld_id_parse(i->body, &a->idi) < 0)
		return -ERR_SYNTAX;
	a->has_idr = r != NULL;
	return r && pld_id_parse(r->body, &a->idr) < 0 ? -ERR_SYNTAX : 0;
}

/* May this IKE SA be that gateway's: its algorithms, its group? */
static bool gateway_fits(const struct ike_sa *sa, const struct gateway *gw)
{
	return gw->model->rg == sa->rg && ike_suite_allowed(gw->model->policy, &sa->suite);
}

/*
 * The gateway whose peer this is, if it can be told: the first one, or one that the peer names by
 * its IDr. Each candidate's key is tried, and one is tried when there is no candidate, so that an
 * unknown identity takes as long as a wrong key and gets the same answer.
 */
static struct gateway *gateway_of(struct ike *ike, const struct ike_sa *sa, const struct rx *rx,
	const struct asked *a, bool *known)
{
	struct peer_walk walk = {sa->local.addr, sa->remote.addr};
	struct gateway *gw, *found = NULL, *named = NULL;

	*known = false;
	while ((gw = peer_next(ike, &walk)) != NULL) {
		if (!gateway_fits(sa, gw) || !peer_id_matches(gw->model, &a->idi, &sa->remote.addr))
			continue;
		*known = true;
		if (!auth_psk_is_good(ike, sa, rx, &a->idi, gw->model->policy->psk))
			continue;
		if (!found)
			found = gw;
		if (!named && a->has_idr && ident_is(&gw->model->local_id, &a->idr))
			named = gw;
	}
	if (!*known)
		(void)auth_psk_is_good(ike, sa, rx, &a->idi, view_of_literal("no such peer"));
	return named ? named : found;
}

int which_gateway(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct asked a;
	struct gateway *gw;
	char text[IDENT_TEXT_MAX];
	bool known;
	int rc = asked_read(rx, &a);

	if (rc == 0)
		rc = ident_copy(a.idi.type, a.idi.data, &sa->remote_id);
	if (rc < 0)
		return rc;
	(void)ident_text(&sa->remote_id, text);
	gw = gateway_of(ike, sa, rx, &a, &known);
	if (!gw) {
		auth_tell_failure(ike, sa, text,
			known ? "the peer's pre-shared key differs"
			      : "no gateway has this peer identity");
		return -ERR_AUTH;
	}
	sa_attach(ike, sa, gw);
	return ident_of_model(&gw->model->local_id, &sa->local_id);
}
