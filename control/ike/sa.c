#include "ike/sa.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/engine.h"
#include "ike/v2/follow.h"
#include "ike/v2/resume.h"

#define SPI_RG_SHIFT 56

const char *sa_state_text(enum sa_state s)
{
	switch (s) {
#define X(name, number, text)                                                                      \
	case name:                                                                                 \
		return text;
		SA_STATE_LIST(X)
#undef X
	case SA_STATE_END:
	default:
		return "?";
	}
}

/* The group is in the top octet, so that nodes cannot pick the same; zero means "none" (3.1). */
static uint64_t spi_draw(struct ike *ike, uint32_t rg)
{
	uint64_t spi;

	do {
		spi = env_random64(&ike->cfg.env) & ((UINT64_C(1) << SPI_RG_SHIFT) - 1);
		spi |= (uint64_t)(rg & 0xff) << SPI_RG_SHIFT;
	} while (spi == 0 || sa_find(ike, spi));
	return spi;
}

struct ike_sa *sa_new(struct ike *ike, uint32_t rg, bool initiator, uint64_t spi_local)
{
	struct ike_sa *sa = calloc(1, sizeof *sa);

	if (!sa) {
		ike->failed = true;
		return NULL;
	}
	sa->spi_local = spi_local ? spi_local : spi_draw(ike, rg);
	sa->lineage = sa->spi_local;
	sa->rg = rg;
	sa->initiator = sa->began = initiator;
	sa->state = SA_IDLE;
	sa->version = 2;
	sa->index = ike->next_index++;
	sa->timer.kind = TIMER_SA;
	list_init(&sa->of_gw);
	list_init(&sa->link);
	list_init(&sa->of_work);
	list_init(&sa->children);
	HASH_ADD(hh, ike->sas, spi_local, sizeof sa->spi_local, sa);
	return sa;
}

struct ike_sa *sa_find(struct ike *ike, uint64_t spi_local)
{
	struct ike_sa *sa;

	HASH_FIND(hh, ike->sas, &spi_local, sizeof spi_local, sa);
	return sa;
}

void sa_attach(struct ike *ike, struct ike_sa *sa, struct gateway *gw)
{
	struct gateway *was = sa->gw;

	list_del(&sa->of_gw);
	if (was && was->parent && list_is_empty(&was->sas) && list_is_empty(&was->idle))
		list_add_tail(&ike->idle_spokes, &was->idle);
	sa->gw = gw;
	if (gw)
		list_add_tail(&gw->sas, &sa->of_gw);
}

void sa_half_free(struct ike *ike, struct ike_sa *sa)
{
	struct half *h = sa->half;

	if (!h)
		return;
	if (h->counted) {
		HASH_DELETE(hh, ike->halves, h);
		guard_leave(ike, h);
		ike->half_open--;
	}
	blob_fini(&h->own_init);
	blob_fini(&h->peer_init);
	blob_fini(&h->peer_nonce);
	blob_fini(&h->cookie);
	blob_fini(&h->int_auth);
	blob_fini(&h->ppk.id);
	secret_free(h->ppk.without);
	blob_fini(&h->peer_cas);
	proof_fini(&h->proof);
	kex_free(h->kex);
	resumed_free(h->resumed);
	free(h);
	sa->half = NULL;
}

void sa_fragments_drop(struct ike *ike, struct ike_sa *sa, bool answer)
{
	struct fragments **held = &sa->fragments[answer];

	ike->fragment_octets -= fragments_octets(*held);
	fragments_free(*held);
	*held = NULL;
	if (!sa->fragments[!answer])
		sa->at_fragments = 0;
}

void sa_drop(struct ike *ike, struct ike_sa *sa)
{
	struct child *c, *next;

	list_foreach_safe (c, next, &sa->children, of_sa)
		child_drop(ike, c);
	sa_half_free(ike, sa);
	sa_fragments_drop(ike, sa, false);
	sa_fragments_drop(ike, sa, true);
	timer_cancel(&ike->timers, &sa->timer);
	sa_attach(ike, sa, NULL);
	list_del(&sa->of_work);
	list_del(&sa->link);
	sa->changed = false;
	HASH_DELETE(hh, ike->sas, sa);
	list_add_tail(&ike->dead_sas, &sa->link);
}

void sa_free(struct ike_sa *sa)
{
	flight_free(sa->answer.flight);
	exch_free(sa->out);
	parked_free(sa->in);
	follow_free(sa->follow);
	secret_free(sa->keys);
	ident_fini(&sa->local_id);
	ident_fini(&sa->remote_id);
	peer_cert_free(sa->peer_cert);
	free(sa);
}

void sa_rearm(struct ike *ike, struct ike_sa *sa)
{
	const uint64_t at[] = {sa->at_retransmit, sa->at_soft, sa->at_hard, sa->at_dpd,
		sa->at_keepalive, sa->at_linger, sa->at_work, sa->at_fragments};
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		if (at[i] != 0)
			due = MIN(due, at[i]);
	if (sa->state == SA_GONE || due == UINT64_MAX)
		timer_cancel(&ike->timers, &sa->timer);
	else if (!timer_is_armed(&sa->timer) || sa->timer.due_ms != due)
		ike->failed |= timer_arm(&ike->timers, &sa->timer, due) < 0;
}

struct view sa_key(const struct ike_sa *sa, enum sk_key which)
{
	return keymat_ike_key(&sa->suite, sa->keys, which);
}

void sa_log_ctx(const struct ike *ike, const struct ike_sa *sa, struct log_ctx *out)
{
	char peer[ENDPOINT_TEXT_MAX];

	out->sink = ike->cfg.log;
	(void)snprintf(out->prefix, sizeof out->prefix,
		"gw=%s ike=%016" PRIx64 "/%016" PRIx64 " peer=%s", sa->gw ? sa->gw->name : "-",
		sa_spi_i(sa), sa_spi_r(sa), endpoint_text(&sa->remote, peer));
}
