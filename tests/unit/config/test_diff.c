#include "config_test.h"

#include "config/diff.h"

static const char base[] = TEST_TUNNEL TEST_PSK;

/* "kind change name reload" for each row, one a line. */
static void render(const struct diff *d, char *out, size_t cap)
{
	static const char *const kinds[] = {
		"gateway", "vpn", "interface", "routes", "zones", "cluster", "dataplane", "global"};
	static const char marks[] = "+~-";
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < d->n; i++)
		at += (size_t)snprintf(out + at, cap - at, "%c%s %s%s%s%s%s\n",
			marks[d->v[i].change], kinds[d->v[i].kind], d->v[i].name,
			d->v[i].reload & RELOAD_NEW ? " new" : "",
			d->v[i].reload & RELOAD_RESET ? " reset" : "",
			d->v[i].reload & RELOAD_DATAPLANE ? " dataplane" : "",
			d->v[i].reload & (RELOAD_CLUSTER | RELOAD_RESTART) ? " cluster" : "");
}

/* CFG-006 and its neighbours. */
static void diff_table(void **state)
{
	static const struct {
		const char *name, *lines, *rows;
	} cases[] = {
		{"nothing", "", ""},
		{"text only", "set security ike policy pol description x", ""},
		{"the order of unordered things",
			"delete interfaces st0 unit 1\nset interfaces st0 unit 1 family inet", ""},
		{"a proposal reaches its gateway",
			"set security ike proposal p lifetime-seconds 3600", "~gateway g new\n"},
		{"a key", "set security ike policy pol pre-shared-key ascii-text another-key-1",
			"~gateway g new\n"},
		{"an unused proposal", "set security ike proposal q dh-group group20", ""},
		{"the peer's address",
			"set security ike gateway g address 198.51.100.9\n"
			"delete security ike gateway g address 198.51.100.2",
			"~gateway g reset\n"},
		{"fragmentation resets (FRG-008)",
			"set security ike gateway g fragmentation size 900", "~gateway g reset\n"},
		{"the interface's address moves the gateway",
			"set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.2/30\n"
			"delete interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/30",
			"~gateway g reset\n~interface ge-0/0/0 dataplane\n"},
		{"a VPN's policy",
			"set security ipsec policy epol perfect-forward-secrecy keys "
			"group19",
			"~vpn v new\n"},
		{"an IPsec proposal", "set security ipsec proposal e lifetime-seconds 1800",
			"~vpn v new\n"},
		{"the global window", "set security ipsec anti-replay-window-size 128",
			"~vpn v new\n"},
		{"a selector",
			"set security ipsec vpn v traffic-selector t local-ip 10.0.0.0/8 "
			"remote-ip 10.0.0.0/8",
			"~vpn v reset dataplane\n"},
		{"a new VPN",
			"set security ipsec vpn w bind-interface st0.2\n"
			"set security ipsec vpn w ike gateway g ipsec-policy epol",
			"+vpn w new dataplane\n"},
		{"a VPN and its gateway go",
			"delete security ipsec vpn v\ndelete security ike gateway g",
			"-gateway g reset dataplane\n-vpn v reset dataplane\n"},
		{"a route", "set routing-options static route 10.0.0.0/8 next-hop st0.1",
			"~routes  dataplane\n"},
		{"workers", "set chassis dataplane workers 2", "~dataplane  dataplane\n"},
		{"an interface comes and goes",
			"set interfaces ge-0/0/1 mtu 1400\ndelete interfaces st0 unit 2",
			"~interface st0 dataplane\n+interface ge-0/0/1 dataplane\n"},
		{"a CA that no policy needs", "set security pki ca-profile R ca-identity R",
			"~global  new\n"},
		{"an administrator's address",
			"set security pki ca-profile R ca-identity R\n"
			"set security pki ca-profile R administrator email-address a@example.net",
			"~global  new\n"},
		{"limits", "set security ike session half-open max-count 10", "~global  new\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_model old = test_model(base, CONFIG_STANDALONE);
		char text[4096], got[1024];
		struct diff d = {0};

		(void)snprintf(text, sizeof text, "%s%s", base, cases[i].lines);
		auto_model fresh = test_model(text, CONFIG_STANDALONE);
		assert_int_equal(diff_models(old, fresh, &d), 0);
		render(&d, got, sizeof got);
		if (strcmp(got, cases[i].rows) != 0)
			fail_msg("%s: got\n%s", cases[i].name, got);
		diff_fini(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
