#include "ike/v2/redirect.h"

#include <stdio.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/schedule.h"
#include "ike/tx.h"
#include "wire/pld_nonce.h"
#include "wire/writer.h"

/* For the peer to leave, and not to begin anything else here. */
#define PATIENCE_MS 30000

static uint8_t type_of(const struct addr *a)
{
	return a->family == 4 ? REDIRECT_IPV4 : REDIRECT_IPV6;
}

char *redirect_text(const struct redirect *r, char out[REDIRECT_TEXT_MAX])
{
	struct addr a;

	if (r->type != REDIRECT_FQDN && addr_from_view(r->id, &a) == 0)
		return addr_text(&a, out);
	(void)snprintf(out, REDIRECT_TEXT_MAX, "%.*s", (int)r->id.n, (const char *)r->id.p);
	return out;
}

int redirect_of_text(const char *text, uint8_t room[16], struct redirect *out)
{
	uint8_t octets[2 + 255];
	struct emit e = emit_to(octets, sizeof octets);
	struct redirect r = {.type = REDIRECT_FQDN, .id = view_of_text(text)}, again;
	struct addr a;
	struct view data;

	if (addr_parse(text, &a) == 0) {
		memcpy(room, a.b, 16);
		r.type = type_of(&a);
		r.id = view_of(room, addr_len(&a));
	}
	if (r.id.n > 255)
		return -ERR_VALUE;
	redirect_emit(&e, &r);
	if (emit_done(&e, &data) < 0 || redirect_parse(data, &again) < 0)
		return -ERR_VALUE;
	*out = r;
	return 0;
}

/* ---------------------------------------------------------------- the operator */

static const struct redirect_rule *rule_of(const struct ike *ike, const char *gateway)
{
	for (uint32_t i = 0; i < ike->redirects.n; i++)
		if (strcmp(ike->redirects.v[i].gateway, gateway) == 0)
			return &ike->redirects.v[i];
	return NULL;
}

bool redirect_target(const struct ike *ike, const struct model_gateway *gw, struct redirect *out,
	bool *configured)
{
	const struct redirect_rule *r = rule_of(ike, gw->name);
	const struct addr *a = &gw->redirect_addr;

	if (!r)
		r = rule_of(ike, "");
	*configured = r == NULL;
	if (r)
		*out = (struct redirect){.type = r->type, .id = view_of(r->id, r->n)};
	else if (!gw->redirect_to)
		return false;
	else if (a->family != 0)
		*out = (struct redirect){.type = type_of(a), .id = addr_view(a)};
	else
		*out = (struct redirect){
			.type = REDIRECT_FQDN, .id = view_of_text(gw->redirect_to)};
	return true;
}

static bool target_of(const struct ike *ike, const struct model_gateway *gw, struct redirect *out)
{
	bool configured;

	return redirect_target(ike, gw, out, &configured);
}

bool redirect_fits(const struct ike *ike, const char *gateway)
{
	return ike->redirects.n < REDIRECT_RULES_MAX || rule_of(ike, gateway) != NULL;
}

static bool is_able(const struct ike_sa *sa)
{
	return sa->state == SA_UP && !sa->began && sa->gw && (sa->supports & SA_REDIRECT);
}

uint32_t redirect_able(const struct ike *ike, const struct model_gateway *gw)
{
	struct ike_sa *sa, *next;
	uint32_t n = 0;

	map_foreach (ike->sas, sa, next)
		n += is_able(sa) && sa->gw->model == gw;
	return n;
}

/* Peers that would understand it, and are not on their way already. */
static uint32_t tell_all(struct ike *ike)
{
	struct ike_sa *sa, *next;
	struct redirect r;
	uint32_t n = 0;

	map_foreach (ike->sas, sa, next) {
		if (!is_able(sa) || !rg_active(ike, sa->rg) || !target_of(ike, sa->gw->model, &r))
			continue;
		sa->want_redirect = true;
		txn_sa(ike, sa);
		sched_work(ike, sa);
		n++;
	}
	return n;
}

int redirect_order(
	struct ike *ike, const char *gateway, const char *to, bool active, uint32_t *told)
{
	struct redirect_rule rule = {.n = 0};
	struct redirects *all = &ike->redirects;
	struct redirect r;
	uint8_t room[16];

	*told = 0;
	gateway = gateway ? gateway : "";
	if (strlen(gateway) >= sizeof rule.gateway)
		return -ERR_VALUE;
	if (to && to[0] != '\0') {
		if (redirect_of_text(to, room, &r) < 0)
			return -ERR_VALUE;
		redirect_clear(ike, gateway[0] ? gateway : "*");
		if (all->n == REDIRECT_RULES_MAX)
			return -ERR_LIMIT;
		(void)snprintf(rule.gateway, sizeof rule.gateway, "%s", gateway);
		rule.type = r.type;
		rule.n = (uint8_t)r.id.n;
		memcpy(rule.id, r.id.p, r.id.n);
		all->v[all->n++] = rule;
	}
	if (active)
		*told = tell_all(ike);
	return 0;
}

uint32_t redirect_clear(struct ike *ike, const char *gateway)
{
	struct redirects *all = &ike->redirects;
	bool every = !gateway || gateway[0] == '\0';
	uint32_t kept = 0, n = all->n;

	/* "*": the rule for all, alone. */
	if (!every && strcmp(gateway, "*") == 0)
		gateway = "";
	for (uint32_t i = 0; i < n; i++)
		if (!every && strcmp(all->v[i].gateway, gateway) != 0)
			all->v[kept++] = all->v[i];
	all->n = kept;
	return n - kept;
}

/* ---------------------------------------------------------------- responder */

static bool same_target(const struct redirect *a, const struct redirect *b)
{
	return a->type == b->type && view_equal(a->id, b->id);
}

/* It comes from there: sending it back would go on for ever. */
static bool comes_from(const struct rx *rx, const struct redirect *r)
{
	struct redirect from;

	return rx->notes.redirected_from.n != 0 &&
	       redirect_parse(rx->notes.redirected_from, &from) == 0 && same_target(&from, r);
}

static bool understands(const struct rx *rx)
{
	/* RFC 5685 5: who was redirected says so instead. */
	return rx->notes.redirect_supported || rx->notes.redirected_from.n != 0;
}

/* Which gateway the peer means is only known when it has said who it is. */
static bool all_say(const struct ike *ike, const struct rx *rx, struct redirect *out)
{
	struct peer_walk walk = {rx->dg->local.addr, rx->dg->remote.addr};
	struct redirect r;
	const struct gateway *gw = peer_next(ike, &walk);

	if (!gw || !target_of(ike, gw->model, out))
		return false;
	while ((gw = peer_next(ike, &walk)) != NULL)
		if (!target_of(ike, gw->model, &r) || !same_target(&r, out))
			return false;
	return true;
}

struct view redirect_init(struct ike *ike, const struct rx *rx, uint8_t room[REDIRECT_DATA_MAX])
{
	struct emit e = emit_to(room, REDIRECT_DATA_MAX);
	struct redirect r;
	struct view data = {0};

	if (!understands(rx) || !all_say(ike, rx, &r) || comes_from(rx, &r) ||
		rx_nonce(rx, &r.nonce) < 0)
		return data;
	redirect_emit(&e, &r);
	if (emit_done(&e, &data) < 0)
		return (struct view){0};
	ike->stats.redirects_sent++;
	return data;
}

void redirect_read(const struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct redirect r;

	if (understands(rx) && !(target_of(ike, sa->gw->model, &r) && comes_from(rx, &r)))
		sa->supports |= SA_REDIRECT;
}

static void write_target(struct ike *ike, const struct redirect *r, struct writer *w)
{
	uint8_t room[REDIRECT_DATA_MAX];
	struct emit e = emit_to(room, sizeof room);
	struct view data;

	redirect_emit(&e, r);
	if (emit_done(&e, &data) == 0)
		tx_notify(w, N_REDIRECT, data);
	ike->stats.redirects_sent++;
}

bool redirect_auth(struct ike *ike, struct ike_sa *sa, const struct rx *rx, struct writer *w)
{
	char to[REDIRECT_TEXT_MAX];
	struct redirect r;

	(void)rx;
	if (!(sa->supports & SA_REDIRECT) || !target_of(ike, sa->gw->model, &r))
		return false;
	write_target(ike, &r, w);
	sa_info(ike, sa, "ike.redirected", "to=%s when=authenticated", redirect_text(&r, to));
	return true;
}

void redirect_part(struct ike *ike, struct ike_sa *sa)
{
	sa->at_hard = ike->now_ms + PATIENCE_MS;
	sa->at_soft = 0;
	sa_rearm(ike, sa);
}

int redirect_begin(struct ike *ike, struct ike_sa *sa)
{
	char to[REDIRECT_TEXT_MAX];
	struct redirect r;
	struct writer w;
	int rc;

	sa->want_redirect = false;
	if (!sa->gw || !target_of(ike, sa->gw->model, &r)) {
		sched_work(ike, sa); /* cleared meanwhile: what else is there? */
		return 0;
	}
	sa->out = exch_new(EXCH_REDIRECT);
	if (!sa->out)
		return -ERR_NOMEM;
	sa_info(ike, sa, "ike.redirected", "to=%s when=established", redirect_text(&r, to));
	tx_request_open(ike, sa, &w, EXCHANGE_INFORMATIONAL);
	write_target(ike, &r, &w);
	rc = tx_request_close(ike, sa, &w);
	if (rc < 0) {
		exch_free(sa->out);
		sa->out = NULL;
	}
	return rc;
}

/* ---------------------------------------------------------------- initiator */

static bool follows(const struct ike_sa *sa)
{
	return sa->gw && sa->gw->model->redirect_follow && sa->began;
}

void redirect_request_note(const struct ike_sa *sa, struct writer *w)
{
	uint8_t room[REDIRECT_DATA_MAX];
	struct emit e = emit_to(room, sizeof room);
	const struct redirected *was;
	struct view data;

	if (!follows(sa))
		return;
	was = &sa->gw->redirected;
	if (was->to.family == 0) {
		tx_notify(w, N_REDIRECT_SUPPORTED, (struct view){0});
		return;
	}
	redirect_emit(
		&e, &(struct redirect){.type = type_of(&was->from), .id = addr_view(&was->from)});
	if (emit_done(&e, &data) == 0)
		tx_notify(w, N_REDIRECTED_FROM, data);
}

struct addr redirect_address(const struct gateway *gw, const struct addr *usual)
{
	return gw->model->redirect_follow && gw->redirected.to.family != 0 ? gw->redirected.to
									   : *usual;
}

void redirect_forget(struct gateway *gw)
{
	gw->redirected.to.family = 0;
}

/* RFC 5685 5: five times in five minutes is a loop. */
static bool is_loop(struct ike *ike, struct redirected *was)
{
	if (was->times == 0 || ike->now_ms - was->since_ms > REDIRECTS_MS) {
		was->since_ms = ike->now_ms;
		was->times = 0;
	}
	return ++was->times > REDIRECTS_MAX;
}

/* 0: the next IKE SA of that gateway begins there. */
static int follow(struct ike *ike, struct ike_sa *sa, struct view data, struct view nonce)
{
	char text[REDIRECT_TEXT_MAX];
	const char *why = NULL;
	struct redirect r;
	struct addr to;

	if (redirect_parse(data, &r) < 0)
		return -ERR_SYNTAX;
	/* 4: an answer to what we asked, not one that somebody made up. */
	if (!view_equal(r.nonce, nonce))
		return -ERR_VALUE;
	if (r.type == REDIRECT_FQDN || addr_from_view(r.id, &to) < 0)
		why = "names are not looked up";
	else if (to.family != sa->local.addr.family || addr_equal(&to, &sa->remote.addr))
		why = "it cannot be reached that way";
	else if (is_loop(ike, &sa->gw->redirected))
		why = "redirected too often";
	if (why) {
		ike->stats.redirects_refused++;
		sa_warn(ike, sa, "ike.redirect.refused", "to=%s reason=\"%s\"",
			redirect_text(&r, text), why);
		return -ERR_UNSUPPORTED;
	}
	ike->stats.redirects_followed++;
	sa_info(ike, sa, "ike.redirect.follow", "to=%s", redirect_text(&r, text));
	sa->gw->redirected.from = sa->remote.addr;
	sa->gw->redirected.to = to;
	return 0;
}

bool redirect_told_init(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct gateway *gw = sa->gw;
	uint32_t policy_id = sa->half->policy_id;
	struct redirected to;
	int rc;

	if (rx->notes.redirect.n == 0)
		return false;
	rc = follows(sa) ? follow(ike, sa, rx->notes.redirect, view_of_array(sa->half->nonce))
			 : -ERR_UNSUPPORTED;
	/* Anybody may have sent that: wait for a better one. */
	if (rc == -ERR_SYNTAX || rc == -ERR_VALUE || !follows(sa)) {
		ike->stats.rx_unexpected++;
		return true;
	}
	to = gw->redirected;
	(void)fsm_on(ike, sa, ON_EXPIRED);
	gw->redirected = to;
	if (rc == 0)
		tunnel_begin_again(ike, policy_id);
	else
		redirect_forget(gw);
	return true;
}

bool redirect_told_auth(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (rx->notes.redirect.n == 0 || !follows(sa))
		return false;
	(void)follow(ike, sa, rx->notes.redirect, (struct view){0});
	return true;
}

void redirect_asked(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	if (rx->notes.redirect.n == 0 || !follows(sa) || sa->state != SA_UP)
		return;
	if (follow(ike, sa, rx->notes.redirect, (struct view){0}) == 0) {
		sa->want_close = true;
		sched_work(ike, sa);
	}
}
