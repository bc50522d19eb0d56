#include "pki/revocation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/dn.h"
#include "pki/fetch.h"
#include "pki/rev_state.h"

/* ---------------------------------------------------------------- life */

int revocation_new(const struct revocation_ops *ops, struct revocation **out)
{
	struct revocation *r = calloc(1, sizeof *r);

	if (!r)
		return -ERR_NOMEM;
	r->ops = *ops;
	*out = r;
	return 0;
}

void revocation_free(struct revocation *r)
{
	struct rev_source *s, *s_next;
	struct rev_answer *a, *a_next;

	if (!r)
		return;
	map_foreach (r->sources, s, s_next)
		rev_source_free(r, s);
	map_foreach (r->answers, a, a_next)
		rev_answer_free(r, a);
	pki_store_unref(r->store);
	free(r);
}

/* ---------------------------------------------------------------- shared by the two ways */

enum revocation_result rev_say(
	const struct rev_ask *a, enum revocation_result what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->why, a->cap, fmt, ap);
	va_end(ap);
	return what;
}

void rev_issuer_key(const struct cert *issuer, uint8_t key[REV_ISSUER_KEY])
{
	memcpy(key, issuer->subject_hash, CERT_HASH);
	memcpy(key + CERT_HASH, issuer->key_hash, CERT_HASH);
}

const char *rev_url_text(const char *url, char out[REV_URL_TEXT])
{
	const char *host = url ? strstr(url, "://") : NULL, *at = NULL;
	char plain[FETCH_URL_MAX + 1];

	if (!url)
		return "-";
	host = host ? host + 3 : url;
	/* The last one before the path: a password may have one, too. */
	for (const char *p = host; *p && !strchr("/?#", *p); p++)
		at = *p == '@' ? p : at;
	(void)snprintf(plain, sizeof plain, "%.*s%s", (int)(host - url), url, at ? at + 1 : host);
	return log_escape(view_of_text(plain), out, REV_URL_TEXT);
}

void rev_try_failed(struct rev_try *t, const char *why, int64_t now_s)
{
	int64_t wait = REV_RETRY_MAX_S;

	if (t->failures < 6)
		wait = MIN((int64_t)REV_RETRY_S << t->failures, (int64_t)REV_RETRY_MAX_S);
	t->failures++;
	t->retry_at_s = now_s + wait;
	t->place = 0;
	t->tried = true;
	if (why != t->failure)
		(void)snprintf(t->failure, sizeof t->failure, "%s", why);
}

bool rev_try_may(const struct rev_try *t, int64_t now_s)
{
	return t->id == 0 && now_s >= t->retry_at_s;
}

int rev_texts_of(const struct cert_urls *urls, struct blob *out)
{
	int rc = 0;

	blob_fini(out);
	for (size_t i = 0; rc == 0 && i < urls->n; i++)
		rc = blob_append(out, view_of(urls->v[i], strlen(urls->v[i]) + 1));
	return rc;
}

const char *rev_text_at(const struct blob *texts, size_t place)
{
	const uint8_t *p = texts->p, *end;

	if (texts->n == 0)
		return NULL;
	end = p + texts->n;
	for (; p < end && place != 0; place--)
		p += strlen((const char *)p) + 1;
	return p < end ? (const char *)p : NULL;
}

int rev_start(struct revocation *r, struct rev_try *t, struct revocation_fetch *f)
{
	int rc;

	if (r->out >= REVOCATION_FETCHES_MAX)
		return -ERR_LIMIT;
	f->id = ++r->next_id;
	rc = r->ops.fetch(r->ops.ctx, f);
	if (rc < 0)
		return rc;
	t->id = f->id;
	r->out++;
	return 0;
}

/* ---------------------------------------------------------------- a path */

/* The issuer's own profile, or that of the next CA above which has one (PKI-013). */
static struct rev_terms terms_of(const struct pki_store *s, const struct path *p, size_t issuer)
{
	for (size_t i = issuer; i < p->n; i++) {
		const struct pki_ca *ca = pki_store_of(s, p->certs[i]);

		if (ca)
			return (struct rev_terms){ca->profile, i != issuer};
	}
	return (struct rev_terms){0};
}

static enum revocation_result check_one(struct revocation *r, struct rev_ask *a)
{
	if (!a->terms.profile)
		return rev_say(a, REVOCATION_FAILED, "no CA profile is above it");
	switch (a->terms.profile->revocation) {
	case MODEL_REVOCATION_OFF:
		return REVOCATION_GOOD;
	case MODEL_REVOCATION_OCSP:
		return rev_ocsp_check(r, a);
	case MODEL_REVOCATION_CRL:
	default:
		return rev_crl_check(r, a);
	}
}

static void settle(struct revocation *r)
{
	if (!r->dirty)
		return;
	r->dirty = false;
	r->ops.changed(r->ops.ctx);
}

static void count(struct revocation *r, enum revocation_result what)
{
	r->stats.checks++;
	r->stats.good += what == REVOCATION_GOOD;
	r->stats.revoked += what == REVOCATION_REVOKED;
	r->stats.failed += what == REVOCATION_FAILED;
}

enum revocation_result revocation_check(struct revocation *r, const struct pki_store *s,
	const struct path *path, int64_t now_s, char *why, size_t cap)
{
	enum revocation_result worst = REVOCATION_GOOD, what;
	char said[160] = "", name[80];

	/* All are asked before one is waited for: their fetches go out together. */
	for (size_t i = 0; i + 1 < path->n; i++) {
		struct rev_ask a = {path->certs[i], path->certs[i + 1], terms_of(s, path, i + 1),
			now_s, said, sizeof said};

		what = check_one(r, &a);
		if (what <= worst)
			continue;
		worst = what;
		(void)snprintf(why, cap, "certificate of %s: %s",
			dn_text(path->certs[i]->subject, name, sizeof name), said);
	}
	if (worst != REVOCATION_WAIT)
		count(r, worst);
	return worst;
}

/* ---------------------------------------------------------------- a chain without certificates */

static const struct pki_ca *issuer_in(const struct pki_store *s, const struct cert_ref *ref)
{
	for (size_t i = 0; s && i < s->n; i++) {
		const struct cert *c = s->cas[i].cert;

		if (c && cert_is_issuer(c, ref))
			return &s->cas[i];
	}
	return NULL;
}

static void want_one(struct revocation *r, const struct revocation_link *l,
	const struct rev_terms *terms, int64_t now_s)
{
	switch (terms->profile->revocation) {
	case MODEL_REVOCATION_OFF:
		break;
	case MODEL_REVOCATION_OCSP:
		rev_ocsp_want(r, l, terms, now_s);
		break;
	case MODEL_REVOCATION_CRL:
	default:
		rev_crl_want(r, l, terms, now_s);
		break;
	}
}

void revocation_want(
	struct revocation *r, const struct revocation_link *chain, size_t n, int64_t now_s)
{
	struct rev_terms terms = {0};

	/* From the anchor down: who has no profile follows the one above (PKI-013). */
	while (n-- > 0) {
		const struct pki_ca *ca = issuer_in(r->store, chain[n].ref);
		struct revocation_link l = chain[n];

		if (ca) {
			terms = (struct rev_terms){ca->profile, false};
			l.issuer = ca->cert;
		} else {
			terms.inherited = true;
		}
		if (terms.profile && l.issuer && cert_is_issuer(l.issuer, l.ref))
			want_one(r, &l, &terms, now_s);
	}
}

/* ---------------------------------------------------------------- what came */

void revocation_list(struct revocation *r, uint64_t id, struct crl *list, struct view der,
	const char *why, int64_t now_s)
{
	r->out -= r->out != 0;
	if (!rev_crl_done(r, id, list, der, why, now_s))
		crl_unref(list); /* its source was forgotten meanwhile */
	r->dirty = true;
	settle(r);
}

void revocation_answer(
	struct revocation *r, uint64_t id, struct ocsp_answer *a, const char *why, int64_t now_s)
{
	r->out -= r->out != 0;
	if (!rev_ocsp_done(r, id, a, why, now_s) && a)
		cert_unref(a->responder);
	r->dirty = true;
	settle(r);
}

void revocation_load(struct revocation *r, const struct pki_ca *ca, struct crl *list, int64_t now_s)
{
	struct rev_source *s = ca->cert ? rev_source_of(r, ca, now_s) : NULL;

	if (!s) {
		crl_unref(list);
		return;
	}
	rev_source_take(r, s, list, now_s);
	r->dirty = true;
	settle(r);
}

void revocation_clear(struct revocation *r, const char *profile)
{
	struct rev_source *s, *s_next;
	struct rev_answer *a, *a_next;

	map_foreach (r->sources, s, s_next)
		if (!profile || strcmp(s->profile, profile) == 0)
			rev_source_free(r, s);
	map_foreach (r->answers, a, a_next)
		if (!profile || strcmp(a->profile, profile) == 0)
			rev_answer_free(r, a);
	r->dirty = true;
	settle(r);
}

/* ---------------------------------------------------------------- configuration and time */

/* A configured source lives as long as the profile holds the same certificate; a dynamic one as
 * long as it is used. */
static bool is_gone(const struct pki_store *store, const struct rev_source *s)
{
	const struct pki_ca *ca = s->dynamic ? NULL : pki_store_find(store, s->profile);

	return !s->dynamic && (!ca || !ca->cert || !cert_equal(ca->cert, s->issuer));
}

void revocation_store(struct revocation *r, struct pki_store *store, int64_t now_s)
{
	struct rev_source *s, *next;

	pki_store_unref(r->store);
	r->store = pki_store_ref(store);
	map_foreach (r->sources, s, next)
		if (is_gone(store, s))
			rev_source_free(r, s);
	for (size_t i = 0; i < store->n; i++) {
		const struct model_ca_profile *p = store->cas[i].profile;

		if (!store->cas[i].cert || p->revocation != MODEL_REVOCATION_CRL ||
			p->n_crl_urls == 0)
			continue;
		s = rev_source_of(r, &store->cas[i], now_s);
		if (s)
			s->preset = true;
	}
	revocation_tick(r, now_s);
}

void revocation_tell(struct revocation *r)
{
	rev_crl_tell(r);
	rev_ocsp_tell(r);
}

void revocation_tick(struct revocation *r, int64_t now_s)
{
	rev_crl_tick(r, now_s);
	rev_ocsp_tick(r, now_s);
	settle(r);
}

/* ---------------------------------------------------------------- for people */

bool revocation_at(const struct revocation *r, size_t i, struct revocation_shown *out)
{
	const struct rev_source *s = r->sources;

	for (; s && i != 0; i--)
		s = s->hh.next;
	if (!s)
		return false;
	*out = (struct revocation_shown){.profile = s->profile,
		.dynamic = s->dynamic,
		.list = s->base,
		.delta = s->delta,
		.failure = s->list.failure,
		.fetched_s = s->fetched_s,
		.next_s = s->base ? s->base->next_update_s : 0};
	return true;
}

struct revocation_stats revocation_stats(const struct revocation *r)
{
	return r->stats;
}
