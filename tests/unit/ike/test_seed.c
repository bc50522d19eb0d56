/*
 * PSK-005: one seed at the hub, a key for each spoke.
 */
#include <stdio.h>

#include "ike/seed.h"
#include "pair.h"

#define HUB  1
#define SEED "not the key of anybody"
#define HUB_LINES                                                                                  \
	"delete security ike gateway G address\n"                                                  \
	"delete security ike policy IP pre-shared-key\n"                                           \
	"set security ike policy IP seeded-pre-shared-key ascii-text \"" SEED "\"\n"               \
	"set security ike gateway G dynamic hostname example.net\n"                                \
	"set security ike gateway G dynamic ike-user-type group-ike-id\n"

/* Computed elsewhere (python's hmac), so that keys in the field stay what they are. */
static void the_key_is_what_it_was(void **state)
{
	static const struct {
		const char *id, *key;
	} rows[] = {
		{"spoke1.example.net",
			"d5851f73d597a3b54505b5b1f26603ad652048c6e10ab26c5ff662cbf18c2573"},
		{"Spoke1.EXAMPLE.net",
			"d5851f73d597a3b54505b5b1f26603ad652048c6e10ab26c5ff662cbf18c2573"},
		{"192.0.2.51", "f43a91eeb06d1eb5a59b8a4d394ca33c2b34ae8fc6a636a704e9e70b772e81af"},
		{"2001:db8:0::51",
			"6f2cb1357b19b738b5cddc2b52638efc2d72d95adedc08bd989bed4205890ac6"},
		{"a@example.net",
			"25822a37b8007367e467752253b46b30ac9927fc6f1d5d871f1217db6823f7dd"},
	};

	auto_crypto crypto = NULL;

	(void)state;
	assert_int_equal(crypto_new(&crypto), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t key[SEED_KEY_LEN];
		struct addr a;
		uint8_t type = seed_id_type(rows[i].id, &a);
		bool is_addr = type == ID_IPV4_ADDR || type == ID_IPV6_ADDR;

		assert_int_equal(seed_key(crypto, view_of_literal(SEED), type,
					 is_addr ? addr_view(&a) : view_of_text(rows[i].id), key),
			0);
		assert_memory_equal(key, rows[i].key, SEED_KEY_LEN);
	}
}

static void hub_start(struct pair *p, const char *more)
{
	struct pair_side b = side_b;
	char room[2048];

	(void)snprintf(room, sizeof room, "%s%s", HUB_LINES, more);
	b.local_net = "10.0.0.0/16";
	b.remote_net = "10.128.0.0/9";
	b.extra = room;
	pair_start(p, HUB, &b);
}

/* Spoke n with the key that was made for spoke `of`. */
static void spoke_start(struct pair *p, int node, unsigned n, unsigned of)
{
	struct pair_side a = side_a;
	char own[32], net[32], name[32], key[SEED_KEY_LEN + 1] = "", extra[256];

	(void)snprintf(name, sizeof name, "spoke%u.example.net", of);
	assert_int_equal(seed_key(p->crypto, view_of_literal(SEED), ID_FQDN, view_of_text(name),
				 (uint8_t *)key),
		0);
	(void)snprintf(own, sizeof own, "192.0.2.%u", 50 + n);
	(void)snprintf(net, sizeof net, "10.128.%u.0/24", n);
	(void)snprintf(extra, sizeof extra,
		"set security ike gateway G local-identity hostname spoke%u.example.net\n", n);
	a.own = own;
	a.local_net = net;
	a.remote_net = "10.0.0.0/16";
	a.psk = key;
	a.extra = extra;
	pair_start(p, node, &a);
	pair_acquire(p, node);
	pair_settle(p);
}

static void each_spoke_has_a_key_of_its_own(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "");
	spoke_start(p, 0, 1, 1);
	spoke_start(p, 2, 2, 2);
	assert_int_equal(pair_children(p, HUB), 2);
	spoke_start(p, 4, 3, 1); /* with another's key */
	assert_null(pair_sa(p, 4));
	assert_true(pair_said(p, HUB, "the peer's pre-shared key differs"));
	assert_false(pair_said(p, HUB, SEED));
	pair_free(p);
}

/* The hub authenticates anew, and so is the initiator: it knows whom it asks. */
static void the_hub_authenticates_anew(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	hub_start(p, "");
	spoke_start(p, 0, 1, 1);
	spoke_start(p, 2, 2, 2);
	assert_int_equal(pair_operate(p, HUB, IKE_OP_REAUTH_IKE, NULL), 2);
	pair_settle(p);
	pair_pass(p, 60000);
	assert_int_equal(p->node[HUB].ike->stats.ike_reauthenticated, 2);
	assert_int_equal(p->node[HUB].ike->stats.auth_failed, 0);
	assert_int_equal(pair_children(p, HUB), 2);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_what_it_was),
		cmocka_unit_test(each_spoke_has_a_key_of_its_own),
		cmocka_unit_test(the_hub_authenticates_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
