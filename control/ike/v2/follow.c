#include "ike/v2/follow.h"

#include <stdlib.h>

#include "base/err.h"
#include "ike/engine.h"
#include "ike/jobs.h"
#include "ike/tx.h"
#include "ike/v2/birth.h"
#include "ike/v2/exchange.h"
#include "wire/pld_ke.h"

void follow_free(struct follow *f)
{
	if (!f)
		return;
	blob_fini(&f->ni);
	blob_fini(&f->nr);
	secret_free(f->shared);
	secret_free(f->more);
	secret_free(f->next);
	blob_fini(&f->link);
	blob_fini(&f->next_link);
	free(f);
}

bool follow_is_possible(const struct ike_sa *sa)
{
	return (sa->supports & SA_FURTHER) && sa->gw &&
	       policy_has_additional(sa->gw->model->policy);
}

bool follow_is_waiting(const struct ike *ike, const struct ike_sa *sa)
{
	return sa->follow && sa->follow->until_ms > ike->now_ms;
}

static struct follow *follow_new(const struct birth *b)
{
	struct follow *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->suite = b->suite;
	f->spi_local = b->spi_local;
	f->spi_remote = b->spi_remote;
	f->shared = secret_copy(b->shared);
	if (!f->shared || blob_copy(b->ni, &f->ni) < 0 || blob_copy(b->nr, &f->nr) < 0) {
		follow_free(f);
		return NULL;
	}
	return f;
}

void follow_birth(const struct follow *f, struct birth *b)
{
	b->suite = f->suite;
	b->spi_local = f->spi_local;
	b->spi_remote = f->spi_remote;
	b->ni = blob_view(&f->ni);
	b->nr = blob_view(&f->nr);
	b->shared = secret_view(f->shared);
	b->more = secret_view(f->more);
}

/* SK(1) | SK(2) | ... */
static int more_add(struct follow *f, const struct secret *one)
{
	size_t n = f->more ? f->more->n : 0;
	struct secret *all = secret_new(n + one->n);

	if (!all)
		return -ERR_NOMEM;
	if (n)
		memcpy(all->p, f->more->p, n);
	memcpy(all->p + n, one->p, one->n);
	secret_free(f->more);
	f->more = all;
	f->at++;
	return 0;
}

static uint16_t group_next(const struct follow *f)
{
	uint8_t at = (uint8_t)(f->at + (f->next ? 1 : 0));

	return at < f->suite.n_additional ? f->suite.additional[at] : 0;
}

static void key_write(struct writer *w, const struct kex *k)
{
	const struct pld_ke ke = {kex_group(k), kex_public(k)};

	writer_open(w, PLD_KE);
	pld_ke_emit(&w->e, &ke);
	writer_close(w);
}

/* ---------------------------------------------------------------- who asked */

static int pair_make(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;
	int rc = job_start(ike, sa,
		&(struct job_args){
			.slot = JOB_OUT, .kind = IKE_KEX_GENERATE, .group = group_next(x->follow)},
		&x->job);

	return rc < 0 ? rc : FSM_STAY;
}

int follow_begin(struct ike *ike, struct ike_sa *sa, const struct birth *b, const struct rx *rx)
{
	struct exch *x = sa->out;

	if (rx->notes.link.n == 0)
		return -ERR_SYNTAX;
	x->follow = follow_new(b);
	if (!x->follow || blob_copy(rx->notes.link, &x->follow->next_link) < 0)
		return -ERR_NOMEM;
	return pair_make(ike, sa);
}

int follow_build(struct ike *ike, struct ike_sa *sa)
{
	struct exch *x = sa->out;
	struct follow *f = x->follow;
	uint16_t group = group_next(f);
	struct writer w;

	if (f->next && more_add(f, f->next) < 0)
		return -ERR_NOMEM;
	secret_free(f->next);
	f->next = NULL;
	blob_fini(&f->link);
	f->link = f->next_link;
	f->next_link = (struct blob){0};
	/* What was answered needs no more to be sent again. */
	flight_free(x->flight);
	x->flight = NULL;
	secret_free(x->kex_saved);
	x->kex_saved = NULL;
	x->released = false;
	x->group = group;
	f->asked = true;
	tx_request_open(ike, sa, &w, EXCHANGE_IKE_FOLLOWUP_KE);
	key_write(&w, x->kex);
	tx_notify(&w, N_ADDITIONAL_KEY_EXCHANGE, blob_view(&f->link));
	return tx_request_close(ike, sa, &w);
}

int follow_answered(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	struct follow *f = sa->out->follow;

	if (!c->rx->done)
		return job_for_answer(ike, sa, c);
	if (c->rx->done->rc < 0)
		return c->rx->done->rc;
	f->next = secret_copy(secret_view(c->rx->done->shared));
	if (!f->next)
		return -ERR_NOMEM;
	if (group_next(f) == 0) {
		int rc = more_add(f, f->next);

		return rc;
	}
	if (c->rx->notes.link.n == 0)
		return -ERR_SYNTAX;
	blob_fini(&f->next_link);
	if (blob_copy(c->rx->notes.link, &f->next_link) < 0)
		return -ERR_NOMEM;
	return pair_make(ike, sa);
}

/* ---------------------------------------------------------------- who answers */

static int link_draw(struct ike *ike, struct follow *f)
{
	uint8_t room[FOLLOW_LINK];

	env_random(&ike->cfg.env, room, sizeof room);
	blob_fini(&f->link);
	f->until_ms = ike->now_ms + FOLLOW_MS;
	return blob_copy(view_of_array(room), &f->link);
}

int follow_expect(struct ike *ike, struct ike_sa *sa, const struct birth *b, const struct rx *rx)
{
	(void)rx;
	follow_free(sa->follow); /* it has begun anew */
	sa->follow = follow_new(b);
	return sa->follow ? link_draw(ike, sa->follow) : -ERR_NOMEM;
}

static bool is_known(const struct ike *ike, const struct ike_sa *sa, const struct rx *rx)
{
	return follow_is_waiting(ike, sa) &&
	       view_equal(rx->notes.link, blob_view(&sa->follow->link));
}

static int answer_more(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct writer w;
	int rc = link_draw(ike, sa->follow);

	if (rc < 0)
		return rc;
	tx_answer_open(ike, sa, &w, rx);
	key_write(&w, rx->done->kex);
	tx_notify(&w, N_ADDITIONAL_KEY_EXCHANGE, blob_view(&sa->follow->link));
	rc = tx_answer_close(ike, sa, &w, rx);
	return rc < 0 ? rc : FSM_STAY;
}

static int answer_last(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	struct follow *f = take_ptr(sa->follow);
	struct birth b = {0};
	struct writer w;
	int rc;

	follow_birth(f, &b);
	tx_answer_open(ike, sa, &w, rx);
	key_write(&w, rx->done->kex);
	rc = rekey_finish(ike, sa, &b, &w, rx);
	follow_free(f);
	return rc;
}

static int unknown(struct ike *ike, struct ike_sa *sa, const struct rx *rx)
{
	int rc = tx_answer_notify(ike, sa, rx, N_STATE_NOT_FOUND);

	return rc < 0 ? rc : FSM_STAY;
}

int on_follow_asked(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	const struct rx *rx = c->rx;
	const struct payload *p = chain_find(rx->chain, PLD_KE);
	struct pld_ke ke;
	int rc;

	if (!is_known(ike, sa, rx))
		return unknown(ike, sa, rx);
	if (!p || pld_ke_parse(p->body, &ke) < 0 || ke.group != group_next(sa->follow))
		return -ERR_SYNTAX;
	if (!rx->done)
		return job_for_request(ike, sa, c, &ke);
	if (rx->done->rc < 0) {
		rc = tx_answer_notify(ike, sa, rx, N_INVALID_SYNTAX);
		follow_free(take_ptr(sa->follow));
		return rc < 0 ? rc : FSM_STAY;
	}
	rc = more_add(sa->follow, rx->done->shared);
	if (rc < 0)
		return rc;
	return group_next(sa->follow) ? answer_more(ike, sa, rx) : answer_last(ike, sa, rx);
}

int on_follow_unknown(struct ike *ike, struct ike_sa *sa, const struct cause *c)
{
	return unknown(ike, sa, c->rx);
}
