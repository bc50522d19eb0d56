#include "host/redirects.h"

#include <stdlib.h>

#include "base/err.h"
#include "host/daemon.h"
#include "ike/v2/redirect.h"

static bool is_named(const struct daemon *d, const char *gateway, struct ctl_call *call)
{
	if (gateway[0] == '\0' || model_gateway(d->model, gateway))
		return true;
	ctl_fail(call, "gateway '%.64s' does not exist", gateway);
	return false;
}

static void redirects_order(struct daemon *d, const Ctl__RedirectIke *q, struct ctl_call *call)
{
	struct ike_ev_operator o = {.op = IKE_OP_REDIRECT,
		.filter = {.gateway = q->gateway},
		.redirect_to = q->to,
		.active = q->active};
	struct redirect to;
	uint8_t room[16];

	if (!is_named(d, q->gateway, call))
		return;
	if (q->to[0] != '\0' && redirect_of_text(q->to, room, &to) < 0)
		ctl_fail(call, "'%.200s' is neither an address nor a name", q->to);
	else if (q->to[0] != '\0' && !redirect_fits(d->runner.ike, q->gateway))
		ctl_fail(call, "no more than %d redirects; clear one", REDIRECT_RULES_MAX);
	else
		runner_operator(&d->runner, &o, call);
}

static void redirects_clear(struct daemon *d, const Ctl__ClearIkeRedirect *q, struct ctl_call *call)
{
	struct ike_ev_operator o = {.op = IKE_OP_REDIRECT_CLEAR, .filter = {.gateway = q->gateway}};

	if (is_named(d, q->gateway, call))
		runner_operator(&d->runner, &o, call);
}

struct listed {
	Ctl__IkeRedirect row;
	char to[REDIRECT_TEXT_MAX];
};

static bool fill(struct daemon *d, const struct model_gateway *gw, struct listed *l)
{
	struct redirect to;
	bool configured;

	if (!redirect_target(d->runner.ike, gw, &to, &configured))
		return false;
	ctl__ike_redirect__init(&l->row);
	l->row.gateway = (char *)(uintptr_t)gw->name;
	l->row.to = redirect_text(&to, l->to);
	l->row.configured = configured;
	l->row.able = redirect_able(d->runner.ike, gw);
	return true;
}

static void redirects_show(struct daemon *d, struct ctl_call *call)
{
	size_t most = d->model->n_gateways + 1;
	struct listed *all = calloc(most, sizeof *all);
	Ctl__IkeRedirect **rows = (Ctl__IkeRedirect **)calloc(most, sizeof(Ctl__IkeRedirect *));
	Ctl__IkeRedirectList list = CTL__IKE_REDIRECT_LIST__INIT;
	Ctl__Response r = CTL__RESPONSE__INIT;

	for (uint32_t i = 0; all && rows && i < d->model->n_gateways; i++) {
		if (!fill(d, &d->model->gateways[i], &all[list.n_redirects]))
			continue;
		rows[list.n_redirects] = &all[list.n_redirects].row;
		list.n_redirects++;
	}
	list.redirects = rows;
	r.node = daemon_node(d);
	r.body_case = CTL__RESPONSE__BODY_IKE_REDIRECTS;
	r.ike_redirects = &list;
	if (all && rows)
		ctl_end(call, &r);
	else
		ctl_fail(call, "%s", err_text(-ERR_NOMEM));
	free((void *)rows);
	free(all);
}

bool redirects_command(struct daemon *d, const Ctl__Request *q, struct ctl_call *call)
{
	if (q->command_case == CTL__REQUEST__COMMAND_REDIRECT_IKE)
		redirects_order(d, q->redirect_ike, call);
	else if (q->command_case == CTL__REQUEST__COMMAND_CLEAR_IKE_REDIRECT)
		redirects_clear(d, q->clear_ike_redirect, call);
	else if (q->command_case == CTL__REQUEST__COMMAND_SHOW_IKE_REDIRECT)
		redirects_show(d, call);
	else
		return false;
	return true;
}
