#include "ike/v2/refusal.h"

#include "base/err.h"
#include "ike/engine.h"
#include "ike/v2/exchange.h"

#define REFUSED_PATIENCE_MS 3000 /* for a better answer */

/* RFC 7296 2.21.1: anybody may have said it. Asked on for a while, and who answers better wins. */
static int refusal_keep(struct ike *ike, struct ike_sa *sa, int rc)
{
	ike->stats.init_refusals++;
	if (sa->half->refused != 0)
		return FSM_STAY;
	sa->half->refused = rc;
	sa->at_linger = ike->now_ms + REFUSED_PATIENCE_MS;
	sa_rearm(ike, sa);
	return FSM_STAY;
}

int refusal_bad_answer(struct ike *ike, struct ike_sa *sa, int rc)
{
	if (sa->half->refused == 0)
		sa_warn(ike, sa, "ike.init.answer.bad", "reason=\"%s\"", err_text(rc));
	return refusal_keep(ike, sa, rc);
}

int on_init_refused(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	if (c->rx->notes.error == 0)
		return refusal_bad_answer(ike, sa, -ERR_SYNTAX);
	if (sa->half->refused == 0)
		sa_warn(ike, sa, "ike.init.refused", "notify=%u said=%s", c->rx->notes.error,
			notify_text(c->rx->notes.error));
	return refusal_keep(ike, sa, -ERR_NO_PROPOSAL);
}

int on_init_given_up(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct cause why = *c;

	why.on = ON_ERROR;
	why.rc = sa->half->refused;
	return on_auth_broken(ike, sa, &why);
}
