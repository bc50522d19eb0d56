/* PKI-009 to PKI-014, RFC-009, RFC-011. Twin of: revocation.c rev_crl.c rev_ocsp.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "pki/rev_state.h"
#include "pki/revocation.h"
#include "world.h"

#define OUT_MAX 8

struct sent {
	uint64_t id;
	enum revocation_kind kind;
	char url[96];
	struct cert *issuer;
	struct cert_ref cert;
	uint8_t nonce[OCSP_NONCE_LEN];
	size_t nonce_n;
};

/* The outside: remembers what is asked for, tells what was told. */
struct outside {
	struct world w;
	struct revocation *r;
	struct sent out[OUT_MAX];
	size_t n_out, changed, n_revoked, kept, forgotten;
	struct cert_ref revoked[OUT_MAX];
	struct log_ctx log;
	struct env env;
	struct path path;
	struct forge_ca end;
	int64_t now;
	char why[256];
};

static int take_fetch(void *ctx, const struct revocation_fetch *f)
{
	struct outside *o = ctx;
	struct sent *s = &o->out[o->n_out++];

	assert_true(o->n_out < OUT_MAX);
	s->id = f->id;
	s->kind = f->kind;
	s->issuer = cert_ref(f->issuer);
	if (f->cert)
		s->cert = *f->cert;
	s->nonce_n = f->nonce.n;
	if (f->nonce.n != 0)
		memcpy(s->nonce, f->nonce.p, f->nonce.n);
	(void)snprintf(s->url, sizeof s->url, "%s", f->url);
	return 0;
}

static void on_changed(void *ctx)
{
	((struct outside *)ctx)->changed++;
}

static void on_revoked(void *ctx, const struct cert_ref *refs, size_t n)
{
	struct outside *o = ctx;

	for (size_t i = 0; i < n && o->n_revoked < OUT_MAX; i++)
		o->revoked[o->n_revoked++] = refs[i];
}

static void on_keep(void *ctx, const char *profile, struct view der)
{
	(void)profile;
	assert_true(der.n != 0);
	((struct outside *)ctx)->kept++;
}

static void on_forget(void *ctx, const char *profile)
{
	(void)profile;
	((struct outside *)ctx)->forgotten++;
}

static void no_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x5a, n);
}

#define CDP "URI:http://crl.example.net/sales.crl"

static void begin(struct outside *o)
{
	struct forge_cert f = {.subject = "CN=Host-B",
		.serial = 0xb0b0,
		.ext = {{"keyUsage", "critical,digitalSignature"}, {"crlDistributionPoints", CDP},
			{"authorityInfoAccess", "OCSP;URI:http://ocsp.example.net/"}}};

	*o = (struct outside){.now = FORGE_NOW, .env = {no_random, NULL}};
	world_init(&o->w);
	o->end = forge_issue(&f, &o->w.ca[SALES]);
	o->path = (struct path){.n = 2};
	o->path.certs[0] = o->end.cert;
	o->path.certs[1] = o->w.ca[SALES].cert;
	world_trust(&o->w, SALES, -1);
	assert_int_equal(revocation_new(&(struct revocation_ops){o, take_fetch, on_changed,
						on_revoked, on_keep, on_forget, &o->env, &o->log},
				 &o->r),
		0);
}

static void end(struct outside *o)
{
	for (size_t i = 0; i < o->n_out; i++)
		cert_unref(o->out[i].issuer);
	revocation_free(o->r);
	forge_ca_free(&o->end);
	world_fini(&o->w);
}

static enum revocation_result check(struct outside *o)
{
	o->why[0] = '\0';
	return revocation_check(o->r, o->w.store, &o->path, o->now, o->why, sizeof o->why);
}

static void expect(struct outside *o, enum revocation_result want, const char *why)
{
	enum revocation_result got = check(o);

	if (got != want || (why && !strstr(o->why, why)))
		fail_msg("%d: %s", (int)got, o->why);
}

/* The last fetch brings a list that `signer` made. */
static void bring_list(struct outside *o, const struct forge_crl *f, const struct forge_ca *signer)
{
	const struct sent *s = &o->out[o->n_out - 1];
	auto_blob der = forge_crl_der(f, signer);
	struct crl *list = NULL;
	const char *why = NULL;

	assert_int_equal(s->kind, REVOCATION_FETCH_CRL);
	if (crl_parse(blob_view(&der), s->issuer, &list, &why) < 0)
		list = NULL;
	revocation_list(o->r, s->id, list, blob_view(&der), why, o->now);
}

static void bring_nothing(struct outside *o)
{
	const struct sent *s = &o->out[o->n_out - 1];

	if (s->kind == REVOCATION_FETCH_CRL)
		revocation_list(o->r, s->id, NULL, (struct view){0}, "connection refused", o->now);
	else
		revocation_answer(o->r, s->id, NULL, "connection refused", o->now);
}

static void bring_answer(struct outside *o, struct forge_ocsp f)
{
	const struct sent *s = &o->out[o->n_out - 1];
	const struct ocsp_question q = {&s->cert, s->issuer, view_of(s->nonce, s->nonce_n), o->now};
	struct ocsp_answer a = {0};
	const char *why = NULL;
	auto_blob der = {0};
	int rc;

	assert_int_equal(s->kind, REVOCATION_FETCH_OCSP);
	if (f.nonce.n == 0)
		f.nonce = q.nonce;
	f.this_update = o->now - FORGE_NOW - 60;
	f.next_update = f.this_update + 7200;
	der = forge_ocsp_der(&f, o->end.cert, &o->w.ca[SALES]);
	rc = ocsp_answer_read(blob_view(&der), &q, &a, &why);
	revocation_answer(o->r, s->id, rc == 0 ? &a : NULL, why, o->now);
}

static const uint64_t host_b[] = {0xb0b0}, other[] = {0x99};

/* PKI-009, PKI-012: from the certificate's own distribution point, once. */
static void list_is_fetched_once_and_says(void **state)
{
	struct outside o;

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, "on its way");
	expect(&o, REVOCATION_WAIT, "on its way"); /* another one that waits: no second fetch */
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].url, "http://crl.example.net/sales.crl");
	bring_list(&o, &(struct forge_crl){.serials = other, .n = 1, .number = 1}, &o.w.ca[SALES]);
	assert_int_equal(o.changed, 1);
	assert_int_equal(o.kept, 1);
	expect(&o, REVOCATION_GOOD, NULL);
	assert_int_equal(o.n_out, 1);
	end(&o);
}

static void revoked_is_refused_and_told(void **state)
{
	struct outside o;

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &(struct forge_crl){.number = 1, .next_update = 100}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_GOOD, NULL);
	assert_int_equal(o.n_revoked, 0);
	/* Its time is over: the next one is fetched without anybody asking. */
	o.now += 101;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 2);
	bring_list(&o, &(struct forge_crl){.number = 2, .serials = host_b, .n = 1}, &o.w.ca[SALES]);
	assert_int_equal(o.n_revoked, 1);
	assert_true(view_equal(
		view_of(o.revoked[0].serial, o.revoked[0].serial_len), o.end.cert->serial));
	assert_memory_equal(o.revoked[0].issuer_key_hash, o.w.ca[SALES].cert->key_hash, 20);
	expect(&o, REVOCATION_REVOKED, "CN=Host-B: revoked by the list of Sales");
	/* The list before it, replayed, changes nothing. */
	o.now += 86400;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 3);
	bring_list(&o, &(struct forge_crl){.number = 1, .next_update = 500000}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_FAILED, "older than the last");
	end(&o);
}

/* PKI-010, PKI-011. */
static void server_down_fails_unless_the_profile_lets_it_pass(void **state)
{
	struct outside o;

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_nothing(&o);
	expect(&o, REVOCATION_FAILED, "no valid revocation list of Sales: connection refused");
	assert_int_equal(o.n_out, 1); /* not at once again */
	o.w.profiles[0].skip_on_download_failure = true;
	expect(&o, REVOCATION_GOOD, NULL);
	o.w.profiles[0].skip_on_download_failure = false;
	o.now += 11;
	expect(&o, REVOCATION_WAIT, NULL);
	assert_int_equal(o.n_out, 2);
	bring_list(&o,
		&(struct forge_crl){.number = 1, .next_update = 60, .serials = host_b, .n = 1},
		&o.w.ca[SALES]);
	expect(&o, REVOCATION_REVOKED, NULL);
	/* With the statement, a list that is there counts although its time is over. */
	o.now += 100;
	o.w.profiles[0].skip_on_download_failure = true;
	expect(&o, REVOCATION_WAIT, NULL);
	bring_nothing(&o);
	expect(&o, REVOCATION_REVOKED, NULL);
	o.w.profiles[0].revocation = MODEL_REVOCATION_OFF;
	expect(&o, REVOCATION_GOOD, NULL);
	end(&o);
}

static void bad_lists_are_as_none(void **state)
{
	struct outside o;
	struct forge_ca twin = forge_make_ca("C=US,O=example,CN=Sales-CA", NULL, -1);

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(
		&o, &(struct forge_crl){.this_update = -7200, .next_update = -60}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_FAILED, "the list has expired");
	o.now += 20;
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &(struct forge_crl){0}, &twin);
	expect(&o, REVOCATION_FAILED, "signature of the list is wrong");
	o.now += 40;
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &(struct forge_crl){.this_update = 50000, .next_update = 90000},
		&o.w.ca[SALES]);
	expect(&o, REVOCATION_FAILED, "not valid yet");
	o.now += 80;
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &(struct forge_crl){.number = 2, .delta_of = 1}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_FAILED, "a delta came");
	forge_ca_free(&twin);
	end(&o);
}

static void configured_places_are_tried_in_their_order(void **state)
{
	static const struct model_url urls[] = {
		{"http://a.example.net/", NULL}, {"ldap://b.example.net/cn=x", "secret"}};
	struct outside o;

	(void)state;
	begin(&o);
	o.w.profiles[0].crl_urls = urls;
	o.w.profiles[0].n_crl_urls = 2;
	/* Known from the configuration: fetched before a peer asks. */
	revocation_store(o.r, o.w.store, o.now);
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].url, urls[0].url);
	bring_nothing(&o);
	assert_int_equal(o.n_out, 2);
	assert_string_equal(o.out[1].url, urls[1].url);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &(struct forge_crl){0}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_GOOD, NULL);
	assert_int_equal(o.n_out, 2);
	/* refresh-interval: again, although it is still good. */
	o.w.profiles[0].refresh_h = 1;
	expect(&o, REVOCATION_GOOD, NULL);
	o.now += 3600;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 3);
	expect(&o, REVOCATION_GOOD, NULL);
	end(&o);
}

static void list_of_the_operator_counts(void **state)
{
	struct outside o;
	auto_blob der = {0};
	struct crl *list;
	const char *why;

	(void)state;
	begin(&o);
	der = forge_crl_der(&(struct forge_crl){.serials = host_b, .n = 1}, &o.w.ca[SALES]);
	assert_int_equal(crl_parse(blob_view(&der), o.w.ca[SALES].cert, &list, &why), 0);
	revocation_load(o.r, pki_store_find(o.w.store, "Sales"), list, o.now);
	assert_int_equal(o.n_revoked, 1);
	expect(&o, REVOCATION_REVOKED, NULL);
	assert_int_equal(o.n_out, 0);
	revocation_clear(o.r, "Sales");
	expect(&o, REVOCATION_WAIT, NULL);
	end(&o);
}

static void delta_adds_and_removes(void **state)
{
	const struct forge_crl base = {
		.number = 10, .ext = {{"freshestCRL", "URI:http://crl.example.net/delta.crl"}}};
	struct outside o;

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &base, &o.w.ca[SALES]);
	expect(&o, REVOCATION_WAIT, "delta");
	assert_string_equal(o.out[1].url, "http://crl.example.net/delta.crl");
	bring_list(&o,
		&(struct forge_crl){.number = 11,
			.delta_of = 10,
			.serials = host_b,
			.n = 1,
			.next_update = 300},
		&o.w.ca[SALES]);
	assert_int_equal(o.n_revoked, 1);
	expect(&o, REVOCATION_REVOKED, NULL);
	o.now += 301;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 3);
	bring_list(&o,
		&(struct forge_crl){
			.number = 12, .delta_of = 10, .serials = host_b, .n = 1, .remove = true},
		&o.w.ca[SALES]);
	expect(&o, REVOCATION_GOOD, NULL);
	end(&o);
}

static void delta_that_fails_leaves_the_base(void **state)
{
	struct outside o;

	(void)state;
	begin(&o);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o,
		&(struct forge_crl){.number = 10,
			.ext = {{"freshestCRL", "URI:http://crl.example.net/delta.crl"}}},
		&o.w.ca[SALES]);
	expect(&o, REVOCATION_WAIT, "delta");
	bring_list(&o, &(struct forge_crl){.number = 20, .delta_of = 15}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_GOOD, NULL);
	end(&o);
}

/* PKI-013: an unknown CA below one whose profile checks lists. */
static void unknown_ca_becomes_a_dynamic_profile(void **state)
{
	struct revocation_shown shown;
	auto_blob der = {0};
	struct outside o;
	struct crl *list;
	const char *why;

	(void)state;
	begin(&o);
	world_trust(&o.w, ROOT, -1);
	/* What Root says of Sales was loaded by hand: the CA itself does not say where to ask. */
	der = forge_crl_der(&(struct forge_crl){0}, &o.w.ca[ROOT]);
	assert_int_equal(crl_parse(blob_view(&der), o.w.ca[ROOT].cert, &list, &why), 0);
	o.path.certs[2] = o.w.ca[ROOT].cert;
	o.path.n = 3;
	expect(&o, REVOCATION_FAILED, "no valid revocation list of Root: nothing says where");
	revocation_load(o.r, pki_store_find(o.w.store, "Root"), list, o.now);
	expect(&o, REVOCATION_WAIT, NULL);
	assert_true(revocation_at(o.r, 0, &shown));
	assert_string_equal(shown.profile, "dynamic-001");
	assert_true(shown.dynamic);
	bring_list(&o, &(struct forge_crl){.serials = host_b, .n = 1}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_REVOKED, "CN=Host-B: revoked by the list of dynamic-001");
	assert_int_equal(o.kept, 1);
	assert_int_equal(o.forgotten, 0);
	/* Unused for a day: forgotten. */
	o.now += 90000;
	revocation_tick(o.r, o.now);
	for (size_t i = 0; revocation_at(o.r, i, &shown); i++)
		assert_false(shown.dynamic);
	assert_int_equal(o.forgotten, 1);
	/* Without the parent's option none appears. */
	o.w.profiles[0].revocation = MODEL_REVOCATION_OFF;
	expect(&o, REVOCATION_GOOD, NULL);
	for (size_t i = 0; revocation_at(o.r, i, &shown); i++)
		assert_false(shown.dynamic);
	end(&o);
}

static void by_ocsp(struct outside *o)
{
	begin(o);
	o->w.profiles[0].revocation = MODEL_REVOCATION_OCSP;
	o->w.profiles[0].ocsp.nonce = true;
	o->w.profiles[0].ocsp.responder_revocation_check = true;
	revocation_store(o->r, o->w.store, o->now);
	expect(o, REVOCATION_WAIT, "responder");
	assert_string_equal(o->out[0].url, "http://ocsp.example.net/");
	assert_int_equal(o->out[0].nonce_n, OCSP_NONCE_LEN);
}

/* PKI-014. */
static void responder_says(void **state)
{
	struct outside o;

	(void)state;
	by_ocsp(&o);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_GOOD});
	expect(&o, REVOCATION_GOOD, NULL);
	assert_int_equal(o.n_out, 1);
	/* Asked again by itself, and then it is revoked: its SAs hear of it. */
	o.now += 3601;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 2);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_REVOKED});
	assert_int_equal(o.n_revoked, 1);
	expect(&o, REVOCATION_REVOKED, "says the responder of Sales");
	end(&o);
	by_ocsp(&o);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_UNKNOWN});
	expect(&o, REVOCATION_FAILED, "does not know it");
	o.w.profiles[0].ocsp.accept_unknown = true;
	expect(&o, REVOCATION_GOOD, NULL);
	end(&o);
}

/* SAs that came here after the list did: from another node, or from before a restart. */
static void told_again_when_asked(void **state)
{
	const struct forge_crl base = {.number = 10,
		.serials = host_b,
		.n = 1,
		.ext = {{"freshestCRL", "URI:http://crl.example.net/delta.crl"}}};
	struct outside o;

	(void)state;
	begin(&o);
	revocation_tell(o.r);
	expect(&o, REVOCATION_WAIT, NULL);
	bring_list(&o, &base, &o.w.ca[SALES]);
	assert_int_equal(o.n_revoked, 1);
	revocation_tell(o.r);
	assert_int_equal(o.n_revoked, 2);
	assert_memory_equal(&o.revoked[1], &o.revoked[0], sizeof o.revoked[0]);
	/* but not whom a delta took off the list */
	expect(&o, REVOCATION_WAIT, "delta");
	bring_list(&o,
		&(struct forge_crl){
			.number = 12, .delta_of = 10, .serials = host_b, .n = 1, .remove = true},
		&o.w.ca[SALES]);
	revocation_tell(o.r);
	assert_int_equal(o.n_revoked, 2);
	end(&o);
	by_ocsp(&o);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_REVOKED});
	assert_int_equal(o.n_revoked, 1);
	revocation_tell(o.r);
	assert_int_equal(o.n_revoked, 2);
	end(&o);
}

static void want(struct outside *o, size_t n, const struct revocation_link *chain)
{
	revocation_want(o->r, chain, n, o->now);
}

/* An SA was taken over: its record names a certificate that nobody here has seen. */
static void list_of_a_chain_that_was_taken_over(void **state)
{
	const char *url = "http://crl.example.net/sales.crl";
	struct cert_ref ref, stranger;
	struct outside o;

	(void)state;
	begin(&o);
	cert_ref_make(o.end.cert, o.w.ca[SALES].cert, &ref);
	revocation_store(o.r, o.w.store, o.now);
	stranger = ref;
	stranger.issuer_key_hash[0] ^= 1;
	/* Nobody here holds that issuer, and this is not it. */
	want(&o, 1, &(struct revocation_link){&stranger, url, "", NULL});
	want(&o, 1, &(struct revocation_link){&stranger, url, "", o.w.ca[SALES].cert});
	want(&o, 1, &(struct revocation_link){&ref, "", "", NULL});
	assert_int_equal(o.n_out, 0);
	want(&o, 1, &(struct revocation_link){&ref, url, "", NULL});
	want(&o, 1, &(struct revocation_link){&ref, url, "", NULL});
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].url, url);
	/* The server is away: again, without a peer. */
	bring_nothing(&o);
	o.now += 11;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 2);
	bring_list(&o, &(struct forge_crl){.number = 1, .serials = host_b, .n = 1}, &o.w.ca[SALES]);
	assert_int_equal(o.n_revoked, 1);
	assert_true(cert_ref_equal(&o.revoked[0], &ref));
	end(&o);
}

/* ... by a CA that no profile here holds, below one whose lists the configuration tells where to
 * find: as long as the SA lives its list is looked after, and forgotten a day later (PKI-013). */
static void dynamic_profile_of_a_chain_that_was_taken_over(void **state)
{
	const char *url = "http://crl.example.net/sales.crl";
	struct revocation_shown shown;
	struct cert_ref end_ref, ca_ref;
	struct outside o;

	(void)state;
	begin(&o);
	world_trust(&o.w, ROOT, -1);
	revocation_store(o.r, o.w.store, o.now);
	cert_ref_make(o.end.cert, o.w.ca[SALES].cert, &end_ref);
	cert_ref_make(o.w.ca[SALES].cert, o.w.ca[ROOT].cert, &ca_ref);
	const struct revocation_link chain[] = {
		{&end_ref, url, "", o.w.ca[SALES].cert}, {&ca_ref, "", "", NULL}};

	want(&o, 1, chain); /* below nobody: no terms */
	assert_int_equal(o.n_out, 0);
	want(&o, 2, chain);
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].url, url);
	assert_true(revocation_at(o.r, 0, &shown));
	assert_string_equal(shown.profile, "dynamic-001");
	bring_list(&o,
		&(struct forge_crl){.number = 1, .serials = host_b, .n = 1, .next_update = 1000000},
		&o.w.ca[SALES]);
	assert_int_equal(o.n_revoked, 1);
	assert_true(cert_ref_equal(&o.revoked[0], &end_ref));
	/* Its peer, when it comes, is told by the same list. */
	o.path.certs[2] = o.w.ca[ROOT].cert;
	o.path.n = 3;
	o.w.profiles[0].skip_on_download_failure = true; /* Root has none */
	expect(&o, REVOCATION_REVOKED, "revoked by the list of dynamic-001");
	assert_int_equal(o.n_out, 1);
	for (int day = 0; day < 3; day++) {
		o.now += 86000;
		want(&o, 2, chain);
		revocation_tick(o.r, o.now);
		assert_int_equal(o.forgotten, 0);
	}
	o.now += 86401;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.forgotten, 1);
	end(&o);
}

/* ... and from the responder it names, again and again. */
static void responder_of_a_chain_that_was_taken_over(void **state)
{
	const char *url = "http://ocsp.example.net/";
	struct cert_ref ref;
	struct outside o;

	(void)state;
	begin(&o);
	o.w.profiles[0].revocation = MODEL_REVOCATION_OCSP;
	o.w.profiles[0].ocsp.nonce = true;
	revocation_store(o.r, o.w.store, o.now);
	cert_ref_make(o.end.cert, o.w.ca[SALES].cert, &ref);
	want(&o, 1, &(struct revocation_link){&ref, "", url, NULL});
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].url, url);
	assert_true(cert_ref_equal(&o.out[0].cert, &ref));
	bring_nothing(&o);
	o.now += 11;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 2);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_GOOD});
	assert_int_equal(o.n_revoked, 0);
	o.now += 3601;
	revocation_tick(o.r, o.now);
	assert_int_equal(o.n_out, 3);
	bring_answer(&o, (struct forge_ocsp){.status = FORGE_REVOKED});
	assert_int_equal(o.n_revoked, 1);
	assert_true(cert_ref_equal(&o.revoked[0], &ref));
	end(&o);
}

static void responder_that_fails(void **state)
{
	struct outside o;

	(void)state;
	by_ocsp(&o);
	bring_answer(&o, (struct forge_ocsp){.nonce = view_of_literal("another nonce")});
	expect(&o, REVOCATION_FAILED, "no responder of Sales can be asked: the nonce");
	o.w.profiles[0].ocsp.on_failure = MODEL_OCSP_SKIP;
	expect(&o, REVOCATION_GOOD, NULL);
	o.w.profiles[0].ocsp.on_failure = MODEL_OCSP_FALLBACK_CRL;
	expect(&o, REVOCATION_WAIT, "list");
	assert_int_equal(o.out[1].kind, REVOCATION_FETCH_CRL);
	bring_list(&o, &(struct forge_crl){.serials = host_b, .n = 1}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_REVOKED, "list of Sales");
	end(&o);
}

static void responder_may_itself_be_revoked(void **state)
{
	static const uint64_t responder_serial[] = {0x0c5b};
	struct forge_cert f = {.subject = "CN=OCSP",
		.serial = 0x0c5b,
		.ext = {{"keyUsage", "digitalSignature"}, {"extendedKeyUsage", "OCSPSigning"},
			{"crlDistributionPoints", CDP}}};
	struct forge_ca delegate;
	struct outside o;

	(void)state;
	by_ocsp(&o);
	delegate = forge_issue(&f, &o.w.ca[SALES]);
	bring_answer(&o, (struct forge_ocsp){.signer = &delegate});
	expect(&o, REVOCATION_WAIT, "list");
	bring_list(&o, &(struct forge_crl){.serials = responder_serial, .n = 1}, &o.w.ca[SALES]);
	expect(&o, REVOCATION_FAILED, "responder's certificate is revoked");
	o.w.profiles[0].ocsp.responder_revocation_check = false;
	expect(&o, REVOCATION_GOOD, NULL);
	forge_ca_free(&delegate);
	end(&o);
}

static void addresses_are_logged_without_secrets(void **state)
{
	static const struct {
		const char *url, *text;
	} cases[] = {
		{NULL, "-"},
		{"http://crl.example/a.crl", "http://crl.example/a.crl"},
		{"ldap://who:p@ss@dir.example:389/cn=ca?crl", "ldap://dir.example:389/cn=ca?crl"},
		{"http://h.example/who@what?x=y@z", "http://h.example/who@what?x=y@z"},
		{"http://h.example/a\" b\n", "http://h.example/a\\x22\\x20b\\x0a"},
		{"who:pass@h.example", "h.example"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[REV_URL_TEXT];

		assert_string_equal(rev_url_text(cases[i].url, text), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_logged_without_secrets),
		cmocka_unit_test(list_is_fetched_once_and_says),
		cmocka_unit_test(revoked_is_refused_and_told),
		cmocka_unit_test(server_down_fails_unless_the_profile_lets_it_pass),
		cmocka_unit_test(bad_lists_are_as_none),
		cmocka_unit_test(configured_places_are_tried_in_their_order),
		cmocka_unit_test(list_of_the_operator_counts),
		cmocka_unit_test(delta_adds_and_removes),
		cmocka_unit_test(told_again_when_asked),
		cmocka_unit_test(delta_that_fails_leaves_the_base),
		cmocka_unit_test(unknown_ca_becomes_a_dynamic_profile),
		cmocka_unit_test(responder_says),
		cmocka_unit_test(list_of_a_chain_that_was_taken_over),
		cmocka_unit_test(dynamic_profile_of_a_chain_that_was_taken_over),
		cmocka_unit_test(responder_of_a_chain_that_was_taken_over),
		cmocka_unit_test(responder_that_fails),
		cmocka_unit_test(responder_may_itself_be_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
