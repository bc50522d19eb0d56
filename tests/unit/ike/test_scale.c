/*
 * What a takeover costs does not grow faster than the number of SAs. Counted in steps of the
 * program, not in time: the engine is built once more with -fsanitize-coverage=trace-pc, which
 * calls the function below on every branch, so that a run gives the same number on any machine.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "config/config.h"
#include "ike/record.h"
#include "pair.h"
#include "record.pb-c.h"

#define FEW	1000
#define MANY	5000
#define TIMES	(MANY / FEW)
#define GATEWAY "set security ike gateway G%u "
#define VPN	"set security ipsec vpn V%u "

static uint64_t steps;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

static const char head[] =
	"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24\n"
	"set security ike proposal P authentication-method pre-shared-keys\n"
	"set security ike proposal P dh-group group31\n"
	"set security ike proposal P encryption-algorithm aes-256-gcm\n"
	"set security ike policy IP proposals P\n"
	"set security ike policy IP pre-shared-key ascii-text \"correct horse battery\"\n"
	"set security ipsec proposal E protocol esp\n"
	"set security ipsec proposal E encryption-algorithm aes-256-gcm\n"
	"set security ipsec policy EP proposals E\n";

/* n gateways with a tunnel each, the first of them that of side_a. */
static struct model *model_of(uint32_t n)
{
	auto_complaints complaints = {0};
	struct model *m = NULL;
	size_t cap = sizeof head + n * 1024u, at;
	char *text = malloc(cap);

	assert_non_null(text);
	at = (size_t)snprintf(text, cap, "%s", head);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t net = 0x0a000000 + (i + 1) * 256;

		at += (size_t)snprintf(text + at, cap - at,
			"set interfaces st0 unit %u family inet\n" GATEWAY "ike-policy IP\n" GATEWAY
			"address 198.%u.%u.%u\n" GATEWAY "external-interface ge-0/0/0.0\n" GATEWAY
			"version v2-only\n" VPN "bind-interface st0.%u\n" VPN
			"ike gateway G%u\n" VPN "ike ipsec-policy EP\n" VPN
			"traffic-selector T1 local-ip 172.16.0.0/16\n" VPN
			"traffic-selector T1 remote-ip %u.%u.%u.0/24\n",
			i, i, i, 18 + i / 65536, i / 256 % 256, i % 256, i, i, i, i, i, i, i, i, i,
			net >> 24, net >> 16 & 255, net >> 8 & 255);
		assert_in_range(at, 1, cap - 1);
	}
	if (config_load(view_of(text, at), CONFIG_STANDALONE, &m, &complaints) < 0)
		fail_msg("the configuration is refused");
	free(text);
	return m;
}

/* Records of one ordinary IKE SA and its child: what the others are copied from. */
struct mould {
	Rec__IkeSa *sa;
	Rec__ChildSa *child;
};

static struct mould mould_new(void)
{
	struct pair *p = pair_ordinary();
	struct mould m = {0};

	pair_acquire(p, 0);
	pair_settle(p);
	for (struct pair_record *r = p->node[0].log; r; r = r->next) {
		if (r->key[0] == 'I')
			m.sa = rec__ike_sa__unpack(NULL, r->body.n, r->body.p);
		else
			m.child = rec__child_sa__unpack(NULL, r->body.n, r->body.p);
	}
	pair_free(p);
	assert_non_null(m.sa);
	assert_non_null(m.child);
	return m;
}

static void mould_free(struct mould *m)
{
	rec__ike_sa__free_unpacked(m->sa, NULL);
	rec__child_sa__free_unpacked(m->child, NULL);
}

static void feed(struct ike *ike, struct ike_event *ev)
{
	struct ike_effects fx;

	ev->now_ms = 1000;
	ev->wall_ms = UINT64_C(1795000001000);
	ike_effects_init(&fx);
	assert_int_equal(ike_step(ike, ev, &fx), 0);
	ike_effects_fini(&fx);
}

static void restore(struct ike *ike, struct view key, const ProtobufCMessage *m)
{
	struct ike_event ev = {.type = IKE_EV_RESTORE};
	uint8_t body[4096];

	assert_in_range(protobuf_c_message_get_packed_size(m), 1, sizeof body);
	ev.record = (struct ike_ev_record){
		.key = key, .body = view_of(body, protobuf_c_message_pack(m, body))};
	feed(ike, &ev);
}

static void restore_one(struct ike *ike, const struct mould *m, uint32_t i, uint32_t gateways)
{
	char gateway[16], vpn[16], *usual = m->sa->gateway;
	uint8_t key[IKE_RECORD_KEY_MAX];

	(void)snprintf(gateway, sizeof gateway, "G%u", i % gateways);
	(void)snprintf(vpn, sizeof vpn, "V%u", i % gateways);
	m->sa->spi_local = m->sa->lineage = 0x1000000 + i;
	m->sa->spi_remote = 0x2000000 + i;
	m->sa->index = i + 1;
	m->sa->gateway = gateway;
	m->child->lineage = m->sa->lineage;
	m->child->spi_in = 0x300000 + i;
	m->child->spi_out = 0x400000 + i;
	m->child->policy_id = model_policy_id(vpn, "T1");
	restore(ike, record_key_sa(m->sa->spi_local, key), &m->sa->base);
	restore(ike, record_key_child(m->child->spi_in, key), &m->child->base);
	m->sa->gateway = usual;
}

static void any_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0x5a, n);
}

static uint32_t any_unit(const char *name)
{
	(void)name;
	return 7;
}

/* Steps of taking n SAs over, and of giving them up again. */
struct cost {
	uint64_t take, give;
};

static struct cost takeover(uint32_t n, uint32_t gateways)
{
	struct ike_config cfg = {
		.env = {.random = any_random}, .incarnation = 1, .interface_id = any_unit};
	struct ike_event ev = {.type = IKE_EV_RG};
	struct model *model = model_of(gateways);
	struct mould m = mould_new();
	struct cost c;
	struct ike *ike;

	assert_int_equal(crypto_new(&cfg.crypto), 0);
	assert_int_equal(ike_new(&cfg, model, &ike), 0);
	ev.rg = (struct ike_ev_rg){.active = true, .epoch = 1};
	steps = 0;
	feed(ike, &ev);
	for (uint32_t i = 0; i < n; i++)
		restore_one(ike, &m, i, gateways);
	ev = (struct ike_event){.type = IKE_EV_RESTORE_DONE};
	feed(ike, &ev);
	c.take = steps;
	assert_int_equal(ike->stats.restored_sas, n);
	assert_int_equal(ike->stats.restored_children, n);
	assert_int_equal(ike->stats.restore_failed, 0);
	steps = 0;
	ev = (struct ike_event){.type = IKE_EV_RG};
	feed(ike, &ev);
	c.give = steps;
	assert_int_equal(HASH_COUNT(ike->sas) + HASH_COUNT(ike->children), 0);
	ike_free(ike);
	crypto_free(cfg.crypto);
	model_free(model);
	mould_free(&m);
	return c;
}

static void check_linear(const char *what, uint64_t few, uint64_t many)
{
	print_message("# %s: %llu steps for each of %u SAs, %llu for each of %u\n", what,
		(unsigned long long)few / FEW, FEW, (unsigned long long)many / MANY, MANY);
	/* The engine is the instrumented one. */
	assert_true(few > FEW * 10);
	/* A quadratic part would show as five times as much for each. */
	assert_true(many < few * TIMES * 3 / 2);
}

static void one_gateway(void **state)
{
	struct cost few = takeover(FEW, 1), many = takeover(MANY, 1);

	(void)state;
	check_linear("take, one gateway", few.take, many.take);
	check_linear("give, one gateway", few.give, many.give);
}

static void a_gateway_for_each(void **state)
{
	struct cost few = takeover(FEW, FEW), many = takeover(MANY, MANY);

	(void)state;
	check_linear("take, as many gateways", few.take, many.take);
	check_linear("give, as many gateways", few.give, many.give);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_gateway),
		cmocka_unit_test(a_gateway_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
