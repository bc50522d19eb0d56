/* What one dataplane can have is accepted, one more is refused with its path and the reason. That
 * the dataplane's own numbers are these is asserted where they are (dataplane/net.h). */
#include "config_test.h"

#include "base/bounds.h"

enum { TEXT_MAX = 8 << 20, UNITS_EACH = 16000 };

struct text {
	char *p;
	size_t n;
};

static struct text text_new(void)
{
	struct text t = {.p = malloc(TEXT_MAX)};

	assert_non_null(t.p);
	t.n = (size_t)snprintf(t.p, TEXT_MAX,
		"set security ike proposal p dh-group group19 encryption-algorithm aes-128-gcm\n"
		"set security ike policy pol proposals p\n"
		"set security ike policy pol pre-shared-key ascii-text long-enough-key\n"
		"set security ipsec proposal e encryption-algorithm aes-128-gcm\n"
		"set security ipsec policy epol proposals e\n");
	return t;
}

#define ADD(t, ...)                                                                                \
	do {                                                                                       \
		(t)->n += (size_t)snprintf((t)->p + (t)->n, TEXT_MAX - (t)->n, __VA_ARGS__);       \
		assert_true((t)->n < TEXT_MAX);                                                    \
	} while (0)

/* wanted NULL: nothing may be refused. Frees the text. */
static void expect(struct text *t, const char *wanted)
{
	auto_complaints c = {0};
	struct model *m = NULL;
	int rc = config_load(view_of(t->p, t->n), CONFIG_STANDALONE, &m, &c);
	char *said = test_complaints(&c);

	if ((rc < 0) != (wanted != NULL) || (wanted && !strstr(said, wanted)))
		fail_msg("wanted: %s\nsaid: %.2000s", wanted ? wanted : "(nothing)", said);
	free(said);
	model_free(m);
	free(t->p);
}

static void units(struct text *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ADD(t, "set interfaces ge-0/0/%u unit %u family inet\n", i / UNITS_EACH,
			i % UNITS_EACH);
}

static void units_of_all_interfaces(void **state)
{
	struct text t = text_new();

	(void)state;
	units(&t, LIMIT_UNITS - 1);
	expect(&t, NULL);
	t = text_new();
	units(&t, LIMIT_UNITS);
	expect(&t, "[edit interfaces ge-0/0/4]\n  'unit 1533'\n"
		   "    there are at most 65533 units of all interfaces (line 65539)\n");
}

/* All that Junos has of st0. */
static void units_of_st0(void **state)
{
	struct text t = text_new();

	(void)state;
	for (uint32_t i = 0; i <= 16385; i++)
		ADD(&t, "set interfaces st0 unit %u family inet\n", i);
	expect(&t, NULL);
}

static void addresses(struct text *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ADD(t,
			i % 2 ? "set interfaces ge-0/0/0 unit 7 family inet6 address "
				"2001:db8:%u::1/64\n"
			      : "set interfaces ge-0/0/0 unit 7 family inet address "
				"192.0.%u.1/24\n",
			i);
}

static void addresses_of_a_unit(void **state)
{
	struct text t = text_new();

	(void)state;
	addresses(&t, LIMIT_UNIT_ADDRESSES);
	expect(&t, NULL);
	t = text_new();
	addresses(&t, LIMIT_UNIT_ADDRESSES + 1);
	expect(&t, "[edit interfaces ge-0/0/0]\n  'unit 7'\n    a unit has at most 8 addresses "
		   "(line 14)\n");
}

static void ports(struct text *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ADD(t, "set interfaces ge-0/0/%u dpdk-device net_null%u\n", i, i);
}

static void ports_of_a_node(void **state)
{
	struct text t = text_new();

	(void)state;
	ports(&t, LIMIT_PORTS);
	expect(&t, NULL);
	t = text_new();
	ports(&t, LIMIT_PORTS + 1);
	expect(&t, "[edit]\n  'interfaces ge-0/0/16'\n    a node has at most 16 ports (line 22)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_of_all_interfaces),
		cmocka_unit_test(units_of_st0),
		cmocka_unit_test(addresses_of_a_unit),
		cmocka_unit_test(ports_of_a_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
