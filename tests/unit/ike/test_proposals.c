/*
 * What is offered, and which offer is taken: proposal sets word by word (PRP-004 to PRP-013,
 * SUI-001 to SUI-006), the responder's order, the strict count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/config.h"
#include "ike/negotiate.h"
#include "pair.h"

static struct model *load(const char *text)
{
	auto_complaints complaints = {0};
	struct model *m = NULL;

	if (config_load(view_of_text(text), CONFIG_STANDALONE, &m, &complaints) < 0) {
		struct blob said = {0};

		(void)!complaints_text(&complaints, &said);
		fail_msg("configuration: %.*s", (int)said.n, (const char *)said.p);
	}
	return m;
}

static struct model *load_set(const char *set)
{
	char text[512];

	(void)snprintf(text, sizeof text,
		"set security ike policy p proposal-set %s pre-shared-key ascii-text "
		"abcdefghijklm\nset security ike policy p certificate local-certificate c\n"
		"set security ipsec policy q proposal-set %s\n",
		set, set);
	return load(text);
}

/* "12/128-2-2-14, ...": the IDs of each proposal's transforms in the order of their types. */
static const char *offer_text(struct view body, char *out, size_t cap)
{
	struct pld_sa sa;
	struct proposal_iter it;
	struct proposal p;
	size_t n = 0;

	out[0] = 0;
	assert_int_equal(pld_sa_parse(body, SA_OFFER, &sa), 0);
	it = proposal_iter_of(&sa);
	while (proposal_next(&it, &p)) {
		struct transform_iter ti = transform_iter_of(&p);
		struct transform t;
		bool first = true;

		n += (size_t)snprintf(out + n, cap - n, "%s", n ? ", " : "");
		while (transform_next(&ti, &t)) {
			n += (size_t)snprintf(out + n, cap - n, "%s%u", first ? "" : "-", t.id);
			if (t.key_bits)
				n += (size_t)snprintf(out + n, cap - n, "/%u", t.key_bits);
			first = false;
		}
	}
	return out;
}

static const struct {
	const char *set, *ike, *esp; /* encr-prf-integ-group; encr-integ-group-esn */
} sets[] = {
	{"basic", "2-2-2-1, 2-1-1-1", "2-2-0, 2-1-0"},
	{"compatible", "3-2-2-2, 3-1-1-2, 2-2-2-2, 2-1-1-2", "3-2-0, 3-1-0, 2-2-0, 2-1-0"},
	{"standard", "3-2-2-2, 12/128-2-2-2", "3-2-2-0, 12/128-2-2-0"},
	{"vpn-a", "3-2-2-2", "3-2-0"},
	{"suiteb-gcm-128", "12/128-5-12-19", "20/128-19-0"},
	{"suiteb-gcm-256", "12/256-6-13-20", "20/256-20-0"},
	{"prime-128", "20/128-5-19", "20/128-19-0"},
	{"prime-256", "20/256-6-20", "20/256-20-0"},
};

static void sets_are_offered_word_by_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct model *m = load_set(sets[i].set);
		uint8_t room[1024];
		char text[512];
		struct emit e = emit_to(room, sizeof room);

		assert_int_equal(
			offer_ike(&e, model_ike_policy(m, "p"), (struct view){0}, true), 0);
		assert_string_equal(offer_text(view_of(room, e.n), text, sizeof text), sets[i].ike);
		e = emit_to(room, sizeof room);
		assert_int_equal(offer_esp(&e, model_ipsec_policy(m, "q"),
					 (struct esp_terms){.with_dh = true}, 7),
			0);
		assert_string_equal(offer_text(view_of(room, e.n), text, sizeof text), sets[i].esp);
		model_free(m);
	}
}

static struct model *two(const char *first, const char *second, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
		"set security ipsec proposal a encryption-algorithm aes-128-cbc "
		"authentication-algorithm %s\n"
		"set security ipsec proposal b encryption-algorithm aes-128-cbc "
		"authentication-algorithm %s\n"
		"set security ipsec policy q proposals [ a %s ]\n%s",
		first, second ? second : first, second ? "b" : "", more);
	return load(text);
}

/* What `ours` takes of what `theirs` offers; 0: nothing. */
static uint16_t taken(struct model *ours, struct model *theirs)
{
	uint8_t room[1024];
	struct emit e = emit_to(room, sizeof room);
	struct esp_suite suite;
	struct choice choice;
	struct pld_sa sa;
	uint16_t integ = 0;

	assert_int_equal(
		offer_esp(&e, model_ipsec_policy(theirs, "q"), (struct esp_terms){0}, 7), 0);
	assert_int_equal(pld_sa_parse(view_of(room, e.n), SA_OFFER, &sa), 0);
	if (negotiate_esp(model_ipsec_policy(ours, "q"), (struct esp_terms){.asked = true}, &sa,
		    &suite, &choice) == 0)
		integ = suite.integ->id;
	model_free(ours);
	model_free(theirs);
	return integ;
}

#define MD5    "hmac-md5-96"
#define SHA    "hmac-sha-256-128"
#define STRICT "set security ipsec policy q strict-proposal-count\n"

static void the_order_of_who_answers_decides(void **state)
{
	(void)state;
	/* PRP-010 */
	assert_int_equal(taken(two(MD5, SHA, ""), two(SHA, MD5, "")), ALG_MD5_96);
	assert_int_equal(taken(two(SHA, MD5, ""), two(MD5, SHA, "")), ALG_SHA256_128);
	/* PRP-011 */
	assert_int_equal(taken(two(SHA, NULL, ""), two(MD5, NULL, "")), 0);
}

static void the_count_may_have_to_be_the_same(void **state)
{
	(void)state;
	/* PRP-012, PRP-013 */
	assert_int_equal(taken(two(MD5, NULL, ""), two(MD5, SHA, "")), ALG_MD5_96);
	assert_int_equal(taken(two(MD5, NULL, STRICT), two(MD5, SHA, "")), 0);
	assert_int_equal(taken(two(MD5, SHA, STRICT), two(MD5, NULL, "")), 0);
	assert_int_equal(taken(two(MD5, SHA, STRICT), two(SHA, MD5, "")), ALG_MD5_96);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_offered_word_by_word),
		cmocka_unit_test(the_order_of_who_answers_decides),
		cmocka_unit_test(the_count_may_have_to_be_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
