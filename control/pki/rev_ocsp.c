#include <stdio.h>
#include <stdlib.h>

#include "pki/rev_state.h"

#define ANSWER_DEFAULT_S 300  /* one that does not say how long it is good */
#define ANSWER_MAX_S	 3600 /* asked again then, whatever it says: to see a revocation */

void rev_answer_free(struct revocation *r, struct rev_answer *a)
{
	HASH_DELETE(hh, r->answers, a);
	blob_fini(&a->key);
	blob_fini(&a->urls);
	cert_unref(a->issuer);
	cert_unref(a->answer.responder);
	free(a);
}

static int key_of(const struct cert_ref *ref, const struct cert *issuer, struct blob *key)
{
	uint8_t start[REV_ISSUER_KEY];
	int rc;

	rev_issuer_key(issuer, start);
	rc = blob_append(key, view_of_array(start));
	return rc < 0 ? rc : blob_append(key, view_of(ref->serial, ref->serial_len));
}

/* The map keeps the order of use: the first is the oldest. */
static struct rev_answer *answer_of(struct revocation *r, const struct cert_ref *ref,
	const struct cert *issuer, const struct rev_terms *terms, int64_t now_s)
{
	struct rev_answer *a = NULL;
	auto_blob key = {0};

	if (key_of(ref, issuer, &key) < 0)
		return NULL;
	HASH_FIND(hh, r->answers, key.p, key.n, a);
	if (a) {
		HASH_DELETE(hh, r->answers, a);
	} else {
		if (HASH_COUNT(r->answers) >= REVOCATION_ANSWERS_MAX)
			rev_answer_free(r, r->answers);
		a = calloc(1, sizeof *a);
		if (!a)
			return NULL;
		a->key = blob_take(&key);
		a->issuer = cert_ref(issuer);
		a->ref = *ref;
		(void)snprintf(a->profile, sizeof a->profile, "%s", terms->profile->name);
	}
	a->used_s = now_s;
	HASH_ADD_KEYPTR(hh, r->answers, a->key.p, a->key.n, a);
	return a;
}

/* ---------------------------------------------------------------- asking */

/* The profile that speaks for an answer, as the configuration is now. */
static const struct model_ca_profile *profile_of(const struct revocation *r, const char *name)
{
	const struct pki_ca *ca = r->store ? pki_store_find(r->store, name) : NULL;

	return ca ? ca->profile : NULL;
}

static const char *place_of(const struct rev_answer *a, const struct model_ca_profile *p)
{
	size_t i = a->out.place;

	if (p->ocsp.n_urls != 0)
		return i < p->ocsp.n_urls && i < REV_URL_TRIES ? p->ocsp.urls[i].url : NULL;
	return rev_text_at(&a->urls, i);
}

static void fetch_start(struct revocation *r, struct rev_answer *a, int64_t now_s)
{
	const struct model_ca_profile *p = profile_of(r, a->profile);
	struct revocation_fetch f = {.kind = REVOCATION_FETCH_OCSP,
		.issuer = a->issuer,
		.cert = &a->ref,
		.profile = a->profile};
	auto_blob request = {0};
	const char *why =
		a->out.place == 0 ? "nothing says which responder to ask" : a->out.failure;

	if (!p)
		return;
	a->with_nonce = p->ocsp.nonce;
	if (a->with_nonce) {
		env_random(r->ops.env, a->nonce, sizeof a->nonce);
		f.nonce = view_of_array(a->nonce);
	}
	if (ocsp_request(&a->ref, a->issuer, f.nonce, &request) < 0) {
		rev_try_failed(&a->out, "no request can be made for it", now_s);
		return;
	}
	f.request = blob_view(&request);
	for (; (f.url = place_of(a, p)) != NULL; a->out.place++) {
		if (rev_start(r, &a->out, &f) == 0)
			return;
		why = "it cannot be asked now";
	}
	rev_try_failed(&a->out, why, now_s);
}

static struct rev_answer *answer_waiting(struct revocation *r, uint64_t id)
{
	struct rev_answer *a;

	for (a = r->answers; a; a = a->hh.next)
		if (a->out.id == id)
			return a;
	return NULL;
}

void rev_ocsp_tell(struct revocation *r)
{
	const struct rev_answer *a;

	for (a = r->answers; a; a = a->hh.next)
		if (a->there && a->answer.status == OCSP_REVOKED)
			r->ops.revoked(r->ops.ctx, &a->ref, 1);
}

bool rev_ocsp_done(
	struct revocation *r, uint64_t id, struct ocsp_answer *got, const char *why, int64_t now_s)
{
	struct rev_answer *a = answer_waiting(r, id);
	const struct model_ca_profile *p = a ? profile_of(r, a->profile) : NULL;
	char text[REV_URL_TEXT];
	int64_t most;

	if (!a)
		return false;
	a->out.id = 0;
	if (!got) {
		log_warn(r->ops.log, "pki.ocsp.failed", "profile=%s url=\"%s\" reason=\"%s\"",
			a->profile, rev_url_text(p ? place_of(a, p) : NULL, text), why);
		r->stats.answers_failed++;
		(void)snprintf(a->out.failure, sizeof a->out.failure, "%s", why);
		a->out.place++;
		fetch_start(r, a, now_s);
		return true;
	}
	r->stats.answers_fetched++;
	cert_unref(a->answer.responder);
	a->answer = *got;
	a->there = true;
	a->out = (struct rev_try){.tried = true};
	most = now_s + (got->next_update_s == INT64_MAX ? ANSWER_DEFAULT_S : ANSWER_MAX_S);
	a->until_s = MIN(most, got->next_update_s);
	/* An answer at the end of its time is good for the question that asked. */
	a->until_s = MAX(a->until_s, now_s + REV_RETRY_S);
	if (got->status == OCSP_REVOKED)
		r->ops.revoked(r->ops.ctx, &a->ref, 1);
	return true;
}

/* ---------------------------------------------------------------- the question */

/* RFC 6960 4.2.2.2.1: a responder of the issuer's may itself be revoked. */
static enum revocation_result responder_check(
	struct revocation *r, const struct rev_ask *ask, const struct rev_answer *a)
{
	struct rev_ask about = *ask;

	if (!a->answer.responder || a->answer.responder->no_revocation ||
		!ask->terms.profile->ocsp.responder_revocation_check)
		return REVOCATION_GOOD;
	about.cert = a->answer.responder;
	return rev_crl_check(r, &about);
}

static enum revocation_result by_answer(
	struct revocation *r, const struct rev_ask *ask, const struct rev_answer *a)
{
	enum revocation_result responder = responder_check(r, ask, a);

	if (responder == REVOCATION_WAIT)
		return responder;
	if (responder == REVOCATION_REVOKED)
		return rev_say(ask, REVOCATION_FAILED, "the responder's certificate is revoked");
	if (responder == REVOCATION_FAILED)
		return rev_say(ask, REVOCATION_FAILED,
			"whether the responder's certificate is revoked cannot be told");
	switch (a->answer.status) {
	case OCSP_REVOKED:
		return rev_say(
			ask, REVOCATION_REVOKED, "revoked, says the responder of %s", a->profile);
	case OCSP_UNKNOWN:
		if (!ask->terms.profile->ocsp.accept_unknown)
			return rev_say(ask, REVOCATION_FAILED,
				"the responder of %s does not know it", a->profile);
		return REVOCATION_GOOD;
	case OCSP_GOOD:
	default:
		return REVOCATION_GOOD;
	}
}

static enum revocation_result without_answer(
	struct revocation *r, const struct rev_ask *ask, const struct rev_answer *a)
{
	/* Nobody comes back from that. */
	if (a->there && a->answer.status == OCSP_REVOKED)
		return by_answer(r, ask, a);
	switch (ask->terms.profile->ocsp.on_failure) {
	case MODEL_OCSP_FALLBACK_CRL:
		return rev_crl_check(r, ask);
	case MODEL_OCSP_SKIP:
		r->stats.skipped++;
		return REVOCATION_GOOD;
	case MODEL_OCSP_REFUSE:
	default:
		return rev_say(ask, REVOCATION_FAILED, "no responder of %s can be asked: %s",
			a->profile, a->out.failure);
	}
}

enum revocation_result rev_ocsp_check(struct revocation *r, const struct rev_ask *ask)
{
	struct rev_answer *a;
	struct cert_ref ref;

	cert_ref_make(ask->cert, ask->issuer, &ref);
	a = answer_of(r, &ref, ask->issuer, &ask->terms, ask->now_s);
	if (!a || (a->urls.n == 0 && rev_texts_of(&ask->cert->ocsp_urls, &a->urls) < 0))
		return rev_say(ask, REVOCATION_FAILED, "out of memory");
	if (a->there && a->until_s > ask->now_s)
		return by_answer(r, ask, a);
	if (rev_try_may(&a->out, ask->now_s))
		fetch_start(r, a, ask->now_s);
	if (a->out.id != 0)
		return rev_say(ask, REVOCATION_WAIT, "a responder is being asked");
	return without_answer(r, ask, a);
}

/* rev_ocsp_tick() asks: of many SAs that come at once not all at once. */
void rev_ocsp_want(struct revocation *r, const struct revocation_link *l,
	const struct rev_terms *terms, int64_t now_s)
{
	const char *url = l->ocsp_url;
	struct rev_answer *a = answer_of(r, l->ref, l->issuer, terms, now_s);

	if (!a)
		return;
	a->wanted = true;
	if (a->urls.n == 0 && *url != '\0' &&
		blob_append(&a->urls, view_of(url, strlen(url) + 1)) < 0)
		return; /* a peer that comes says it again */
}

/* Asks again about those that were good, so that a revocation finds their SAs. */
void rev_ocsp_tick(struct revocation *r, int64_t now_s)
{
	struct rev_answer *a, *next;

	map_foreach (r->answers, a, next) {
		if (a->out.id != 0)
			continue;
		if (now_s - a->used_s > REV_UNUSED_S || !profile_of(r, a->profile))
			rev_answer_free(r, a);
		else if ((a->there || a->wanted) && a->until_s <= now_s &&
			 rev_try_may(&a->out, now_s) && r->out < REVOCATION_FETCHES_MAX / 2)
			fetch_start(r, a, now_s);
	}
}
