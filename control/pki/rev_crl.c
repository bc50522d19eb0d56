#include <stdio.h>
#include <stdlib.h>

#include "pki/rev_state.h"

#define REASON_REMOVE 8 /* removeFromCRL, of a delta (RFC 5280 5.3.1) */

/* ---------------------------------------------------------------- sources */

void rev_source_free(struct revocation *r, struct rev_source *s)
{
	HASH_DELETE(hh, r->sources, s);
	if (s->dynamic)
		r->ops.forget(r->ops.ctx, s->profile);
	blob_fini(&s->key);
	blob_fini(&s->urls);
	blob_fini(&s->delta_urls);
	cert_unref(s->issuer);
	crl_unref(s->base);
	crl_unref(s->delta);
	free(s);
}

static int key_of(const struct cert *issuer, const char *point, struct blob *key)
{
	uint8_t start[REV_ISSUER_KEY];
	int rc;

	rev_issuer_key(issuer, start);
	rc = blob_append(key, view_of_array(start));
	return rc < 0 ? rc : blob_append(key, view_of_text(point));
}

static struct rev_source *source_find(
	struct revocation *r, const struct cert *issuer, const char *point)
{
	struct rev_source *s = NULL;
	auto_blob key = {0};

	if (key_of(issuer, point, &key) == 0)
		HASH_FIND(hh, r->sources, key.p, key.n, s);
	return s;
}

/* Makes room: the least recently used of those that nobody configured. */
static bool room_make(struct revocation *r)
{
	struct rev_source *s, *next, *oldest = NULL;

	if (HASH_COUNT(r->sources) < REVOCATION_SOURCES_MAX)
		return true;
	map_foreach (r->sources, s, next)
		if (!s->preset && s->list.id == 0 && s->fresh.id == 0 &&
			(!oldest || s->used_s < oldest->used_s))
			oldest = s;
	if (oldest)
		rev_source_free(r, oldest);
	return oldest != NULL;
}

static struct rev_source *source_add(
	struct revocation *r, const struct cert *issuer, const char *point, const char *profile)
{
	struct rev_source *s = room_make(r) ? calloc(1, sizeof *s) : NULL;

	if (!s)
		return NULL;
	if (key_of(issuer, point, &s->key) < 0) {
		free(s);
		return NULL;
	}
	s->issuer = cert_ref(issuer);
	(void)snprintf(s->profile, sizeof s->profile, "%s", profile);
	HASH_ADD_KEYPTR(hh, r->sources, s->key.p, s->key.n, s);
	return s;
}

struct rev_source *rev_source_of(struct revocation *r, const struct pki_ca *ca, int64_t now_s)
{
	struct rev_source *s = source_find(r, ca->cert, "");

	if (!s)
		s = source_add(r, ca->cert, "", ca->profile->name);
	if (s) {
		s->used_s = now_s;
		s->refresh_h = ca->profile->refresh_h;
	}
	return s;
}

/* ---------------------------------------------------------------- dynamic profiles (PKI-013) */

/* An issuer has one name, however many distribution points. */
static bool dynamic_named(
	const struct revocation *r, const struct cert *issuer, char out[REVOCATION_NAME_MAX])
{
	const struct rev_source *s;

	for (s = r->sources; s; s = s->hh.next)
		if (s->dynamic && cert_equal(s->issuer, issuer)) {
			memcpy(out, s->profile, REVOCATION_NAME_MAX);
			return true;
		}
	return false;
}

static bool name_taken(const struct revocation *r, const char *name)
{
	const struct rev_source *s;

	for (s = r->sources; s; s = s->hh.next)
		if (strcmp(s->profile, name) == 0)
			return true;
	return r->store && pki_store_find(r->store, name);
}

/* The least number that is free. */
static bool dynamic_name(
	struct revocation *r, const struct cert *issuer, char out[REVOCATION_NAME_MAX])
{
	if (dynamic_named(r, issuer, out))
		return true;
	for (unsigned i = 1; i <= REVOCATION_DYNAMIC_MAX; i++) {
		(void)snprintf(out, REVOCATION_NAME_MAX, "dynamic-%03u", i);
		if (!name_taken(r, out)) {
			r->stats.dynamic_made++;
			return true;
		}
	}
	return false;
}

/* ---------------------------------------------------------------- where to fetch */

static bool place_of(const struct revocation *r, const struct rev_source *s,
	const struct rev_try *t, struct revocation_fetch *f)
{
	const struct pki_ca *ca;

	if (t->place >= REV_URL_TRIES)
		return false;
	if (t == &s->fresh) {
		f->url = rev_text_at(&s->delta_urls, t->place);
		return f->url != NULL;
	}
	f->url = rev_text_at(&s->urls, t->place);
	if (f->url || s->urls.n != 0)
		return f->url != NULL;
	/* The configuration's, as it is now. */
	ca = r->store && !s->dynamic ? pki_store_find(r->store, s->profile) : NULL;
	if (!ca || t->place >= ca->profile->n_crl_urls)
		return false;
	f->url = ca->profile->crl_urls[t->place].url;
	f->password = ca->profile->crl_urls[t->place].password;
	return true;
}

static void fetch_start(
	struct revocation *r, struct rev_source *s, struct rev_try *t, int64_t now_s)
{
	struct revocation_fetch f = {
		.kind = REVOCATION_FETCH_CRL, .issuer = s->issuer, .profile = s->profile};
	const char *why = t->place == 0 ? "nothing says where to fetch it" : t->failure;

	while (place_of(r, s, t, &f)) {
		if (rev_start(r, t, &f) == 0)
			return;
		why = "it cannot be fetched now";
		t->place++;
	}
	rev_try_failed(t, why, now_s);
}

/* ---------------------------------------------------------------- what came */

static struct rev_source *source_waiting(struct revocation *r, uint64_t id, struct rev_try **t)
{
	struct rev_source *s;

	for (s = r->sources; s; s = s->hh.next) {
		*t = s->list.id == id ? &s->list : s->fresh.id == id ? &s->fresh : NULL;
		if (*t)
			return s;
	}
	return NULL;
}

static bool was_revoked(const struct crl *old, const struct crl_entry *e)
{
	return old && crl_find(old, view_of_array(e->serial), NULL) == CRL_REVOKED;
}

/* On the whole list, and taken off it by the delta. */
static bool is_removed(
	const struct rev_source *s, const struct crl *list, const struct crl_entry *e)
{
	return s->delta && list == s->base && crl_delta_fits(s->delta, list) &&
	       crl_find(s->delta, view_of_array(e->serial), NULL) == CRL_REMOVED;
}

static void ref_of(const struct cert *issuer, const struct crl_entry *e, struct cert_ref *out)
{
	size_t skip = 0;

	while (skip + 1 < CERT_SERIAL_MAX && e->serial[skip] == 0)
		skip++;
	*out = (struct cert_ref){.serial_len = (uint8_t)(CERT_SERIAL_MAX - skip)};
	memcpy(out->issuer_name_hash, issuer->subject_hash, CERT_HASH);
	memcpy(out->issuer_key_hash, issuer->key_hash, CERT_HASH);
	memcpy(out->serial, e->serial + skip, out->serial_len);
}

/* Tells the SAs of those who are on the new list and were not on the old one. Entries are sorted,
 * so the references are. */
static void tell_revoked(struct revocation *r, const struct rev_source *s, const struct crl *old,
	const struct crl *list)
{
	struct cert_ref *refs = calloc(list->n + 1, sizeof *refs);
	size_t n = 0;

	if (!refs) {
		log_err(r->ops.log, "pki.revoked.lost", "profile=%s reason=\"%s\"", s->profile,
			err_text(ERR_NOMEM));
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (!was_revoked(old, &list->entries[i]) &&
			list->entries[i].reason != REASON_REMOVE &&
			!is_removed(s, list, &list->entries[i]))
			ref_of(s->issuer, &list->entries[i], &refs[n++]);
	if (n != 0)
		r->ops.revoked(r->ops.ctx, refs, n);
	free(refs);
}

void rev_crl_tell(struct revocation *r)
{
	const struct rev_source *s;

	for (s = r->sources; s; s = s->hh.next) {
		if (s->base)
			tell_revoked(r, s, NULL, s->base);
		if (s->delta)
			tell_revoked(r, s, NULL, s->delta);
	}
}

/* Takes list over. */
void rev_source_take(struct revocation *r, struct rev_source *s, struct crl *list, int64_t now_s)
{
	struct crl **place = list->is_delta ? &s->delta : &s->base, *old = *place;

	if (list->is_delta)
		s->delta_fetched_s = now_s;
	else
		s->fetched_s = now_s;
	if (old && !crl_is_newer(list, old)) {
		crl_unref(list);
		return;
	}
	*place = list;
	tell_revoked(r, s, old, list);
	crl_unref(old);
	if (list->is_delta)
		return;
	if (list->delta_urls.n != 0)
		(void)rev_texts_of(&list->delta_urls, &s->delta_urls);
	if (s->delta && !crl_delta_fits(s->delta, s->base))
		crl_unref(take_ptr(s->delta));
}

static const char *list_refusal(
	const struct rev_source *s, const struct rev_try *t, const struct crl *list, int64_t now_s)
{
	if (list->this_update_s > now_s + REV_SKEW_S)
		return "the list is not valid yet";
	if (list->next_update_s <= now_s)
		return "the list has expired";
	if (t == &s->list && list->is_delta)
		return "a delta came in place of a whole list";
	/* A replay: what was revoked since would be good again. */
	if (t == &s->list)
		return s->base && crl_is_newer(s->base, list)
			       ? "the list is older than the last one"
			       : NULL;
	if (!list->is_delta)
		return "a whole list came in place of a delta";
	return s->base && crl_delta_fits(list, s->base) ? NULL : "the delta does not fit the list";
}

static void fetch_failed(struct revocation *r, struct rev_source *s, struct rev_try *t,
	const char *why, int64_t now_s)
{
	struct revocation_fetch f = {0};
	char text[REV_URL_TEXT];

	(void)place_of(r, s, t, &f);
	log_warn(r->ops.log, "pki.crl.failed", "profile=%s%s url=\"%s\" reason=\"%s\"", s->profile,
		t == &s->fresh ? " delta" : "", rev_url_text(f.url, text), why);
	r->stats.lists_failed++;
	(void)snprintf(t->failure, sizeof t->failure, "%s", why);
	t->place++;
	fetch_start(r, s, t, now_s);
}

bool rev_crl_done(struct revocation *r, uint64_t id, struct crl *list, struct view der,
	const char *why, int64_t now_s)
{
	struct rev_try *t;
	struct rev_source *s = source_waiting(r, id, &t);
	const char *refusal;

	if (!s)
		return false;
	t->id = 0;
	refusal = list ? list_refusal(s, t, list, now_s) : why;
	if (refusal) {
		crl_unref(list);
		fetch_failed(r, s, t, refusal, now_s);
		return true;
	}
	log_info(r->ops.log, "pki.crl.fetched", "profile=%s%s entries=%zu", s->profile,
		list->is_delta ? " delta" : "", list->n);
	r->stats.lists_fetched++;
	*t = (struct rev_try){.tried = true};
	if (!list->is_delta)
		r->ops.keep(r->ops.ctx, s->profile, der);
	rev_source_take(r, s, list, now_s);
	return true;
}

/* ---------------------------------------------------------------- the question */

static bool is_current(const struct crl *c, int64_t now_s)
{
	return c && c->next_update_s > now_s && c->this_update_s <= now_s + REV_SKEW_S;
}

static bool is_due(const struct rev_source *s, int64_t now_s)
{
	return !is_current(s->base, now_s) ||
	       (s->refresh_h != 0 && now_s >= s->fetched_s + (int64_t)s->refresh_h * 3600);
}

static bool delta_is_due(const struct rev_source *s, int64_t now_s)
{
	return s->delta_urls.n != 0 && s->base && !is_current(s->delta, now_s);
}

static enum crl_finding look_up(const struct rev_source *s, const struct cert *cert, int64_t now_s)
{
	enum crl_finding in_delta = CRL_NOT_LISTED;

	if (is_current(s->delta, now_s) && crl_covers(s->delta, cert))
		in_delta = crl_find(s->delta, cert->serial, NULL);
	return in_delta != CRL_NOT_LISTED ? in_delta : crl_find(s->base, cert->serial, NULL);
}

static enum revocation_result by_list(const struct rev_source *s, const struct rev_ask *a)
{
	if (look_up(s, a->cert, a->now_s) == CRL_REVOKED)
		return rev_say(a, REVOCATION_REVOKED, "revoked by the list of %s", s->profile);
	return REVOCATION_GOOD;
}

/* No current list and none to wait for (PKI-011). */
static enum revocation_result without_list(
	struct revocation *r, const struct rev_source *s, const struct rev_ask *a)
{
	if (!a->terms.profile->skip_on_download_failure)
		return rev_say(a, REVOCATION_FAILED, "no valid revocation list of %s: %s",
			s->profile,
			s->list.failure[0] ? s->list.failure : "it is not meant for this one");
	r->stats.skipped++;
	return s->base && crl_covers(s->base, a->cert) ? by_list(s, a) : REVOCATION_GOOD;
}

/* The source of an issuer by the terms that hold for it, made when it is not there. */
static struct rev_source *source_named(struct revocation *r, const struct cert *issuer,
	const struct rev_terms *terms, const char *point, int64_t now_s)
{
	struct rev_source *s = source_find(r, issuer, point);
	char name[REVOCATION_NAME_MAX];

	if (!s) {
		(void)snprintf(name, sizeof name, "%s", terms->profile->name);
		if (terms->inherited && !dynamic_name(r, issuer, name))
			return NULL;
		s = source_add(r, issuer, point, name);
		if (!s)
			return NULL;
		s->dynamic = terms->inherited;
		if (s->dynamic)
			log_notice(r->ops.log, "pki.profile.dynamic", "profile=%s below=%s",
				s->profile, terms->profile->name);
	}
	s->used_s = now_s;
	s->refresh_h = terms->profile->refresh_h;
	return s;
}

static bool says_itself(const struct rev_terms *t)
{
	return t->inherited || t->profile->n_crl_urls == 0;
}

/* The source for a certificate: what its profile says, else what it says itself. */
static struct rev_source *source_for(struct revocation *r, const struct rev_ask *a)
{
	bool named = a->cert->crl_urls.n != 0 && says_itself(&a->terms);
	const char *point = named ? a->cert->crl_urls.v[0] : "";
	struct rev_source *s = source_named(r, a->issuer, &a->terms, point, a->now_s);

	if (s && named && s->urls.n == 0)
		(void)rev_texts_of(&a->cert->crl_urls, &s->urls);
	if (s && a->cert->delta_urls.n != 0 && s->delta_urls.n == 0)
		(void)rev_texts_of(&a->cert->delta_urls, &s->delta_urls);
	return s;
}

void rev_crl_want(struct revocation *r, const struct revocation_link *l,
	const struct rev_terms *terms, int64_t now_s)
{
	const char *url = l->crl_url;
	struct rev_source *s;

	if (*url == '\0' || !says_itself(terms))
		return;
	s = source_named(r, l->issuer, terms, url, now_s);
	if (!s || s->wanted)
		return;
	s->wanted = true;
	if (s->urls.n == 0 && blob_append(&s->urls, view_of(url, strlen(url) + 1)) < 0)
		return; /* a peer that comes says it again */
	if (is_due(s, now_s) && rev_try_may(&s->list, now_s))
		fetch_start(r, s, &s->list, now_s);
}

enum revocation_result rev_crl_check(struct revocation *r, const struct rev_ask *a)
{
	struct rev_source *s = source_for(r, a), *given;

	if (!s)
		return rev_say(a, REVOCATION_FAILED, "too many revocation lists are in use");
	if (is_current(s->base, a->now_s) && crl_covers(s->base, a->cert)) {
		if (delta_is_due(s, a->now_s) && rev_try_may(&s->fresh, a->now_s))
			fetch_start(r, s, &s->fresh, a->now_s);
		/* The first delta is waited for; later the base is right enough meanwhile. */
		if (s->fresh.id != 0 && !s->fresh.tried)
			return rev_say(a, REVOCATION_WAIT, "a delta list is on its way");
		return by_list(s, a);
	}
	/* Loaded by hand, or from disk. */
	given = source_find(r, a->issuer, "");
	if (given && given != s && is_current(given->base, a->now_s) &&
		crl_covers(given->base, a->cert))
		return by_list(given, a);
	if (is_due(s, a->now_s) && rev_try_may(&s->list, a->now_s))
		fetch_start(r, s, &s->list, a->now_s);
	if (s->list.id != 0)
		return rev_say(a, REVOCATION_WAIT, "a revocation list is on its way");
	return without_list(r, s, a);
}

/* ---------------------------------------------------------------- time */

void rev_crl_tick(struct revocation *r, int64_t now_s)
{
	struct rev_source *s, *next;

	map_foreach (r->sources, s, next) {
		bool unused = !s->preset && now_s - s->used_s > REV_UNUSED_S;

		if (unused && s->list.id == 0 && s->fresh.id == 0) {
			rev_source_free(r, s);
			continue;
		}
		if (unused)
			continue;
		if (is_due(s, now_s) && rev_try_may(&s->list, now_s) &&
			(s->base || s->preset || s->wanted))
			fetch_start(r, s, &s->list, now_s);
		else if (delta_is_due(s, now_s) && rev_try_may(&s->fresh, now_s))
			fetch_start(r, s, &s->fresh, now_s);
	}
}
