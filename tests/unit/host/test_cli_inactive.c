/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/show.h"

/* CLI-004: show security ipsec inactive-tunnels, to the column. */

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Two rows and the end, as tandemd sends them; owned by the caller. */
static char *shown(struct command *c, bool json)
{
	Ctl__InactiveTunnel a = CTL__INACTIVE_TUNNEL__INIT, b = a, *list[2] = {&a, &b};
	Ctl__InactiveTunnelList l = CTL__INACTIVE_TUNNEL_LIST__INIT;
	Ctl__Response r = CTL__RESPONSE__INIT;
	struct addr peer, local;
	struct show s;
	char *got = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&got, &n);

	assert_int_equal(addr_parse("203.0.113.9", &peer), 0);
	assert_int_equal(addr_parse("192.0.2.1", &local), 0);
	a.index = 500007;
	a.vpn = text("VPN-BRANCH");
	a.selector = text("TS1");
	a.gateway = text("GW-BRANCH");
	a.local = (ProtobufCBinaryData){addr_len(&local), local.b};
	a.remote = (ProtobufCBinaryData){addr_len(&peer), peer.b};
	a.port = b.port = 500;
	a.negotiations = a.failures = 3;
	a.flags = 0x600a29;
	a.reason = text("Phase1 proposal mismatch detected");
	a.last_up_unix = 1795252487;
	a.last_fail_unix = 1795252502;
	b.index = 500008;
	b.vpn = text("HUB");
	b.gateway = text("SPOKES");
	b.reason = text("Responder-only waiting for peer");
	l.total = 2;
	l.immediately = 1;
	l.n_tunnels = 2;
	l.tunnels = list;
	r.node = -1;
	r.body_case = CTL__RESPONSE__BODY_INACTIVE_TUNNELS;
	r.inactive_tunnels = &l;
	c->action = ACTION_SHOW_INACTIVE;
	show_init(&s, f, c, json);
	assert_int_equal(show_part(&s, &r, stderr), 0);
	l.n_tunnels = 0;
	assert_int_equal(show_part(&s, &r, stderr), 0);
	show_end(&s);
	(void)fclose(f);
	return got;
}

static void in_columns(void **state)
{
	struct command c = {0};
	char *got = shown(&c, false);

	(void)state;
	assert_string_equal(got,
		"  Total inactive tunnels: 2\n"
		"  Total inactive tunnels with establish immediately: 1\n"
		"  ID     Port  Nego#  Fail#  Flag       Gateway          Tunnel Down Reason\n"
		"  500007 500   3      3      0x600a29   203.0.113.9      Phase1 proposal mismatch "
		"detected\n"
		"  500008 500   0      0      0x0        -                Responder-only waiting "
		"for "
		"peer\n");
	free(got);
}

static void in_detail(void **state)
{
	struct command c = {0};
	char *got;

	(void)state;
	c.slot[SLOT_DETAIL].given = true;
	got = shown(&c, false);
	assert_string_equal(got,
		"  Total inactive tunnels: 2\n"
		"  Total inactive tunnels with establish immediately: 1\n"
		"ID: 500007 Virtual-system: root, VPN Name: VPN-BRANCH\n"
		"  Local Gateway: 192.0.2.1, Remote Gateway: 203.0.113.9\n"
		"  Gateway Name: GW-BRANCH\n"
		"  Traffic Selector Name: TS1\n"
		"  Port: 500, Nego#: 3, Fail#: 3, Flag: 0x600a29\n"
		"  Tunnel events:\n"
		"    Sat Nov 21 2026 09:14:47 +0000: IPSec SA negotiation successfully completed "
		"(3 times)\n"
		"    Sat Nov 21 2026 09:15:02 +0000: IPSec SA negotiation failed (3 times)\n"
		"  Tunnel Down Reason: Phase1 proposal mismatch detected\n"
		"ID: 500008 Virtual-system: root, VPN Name: HUB\n"
		"  Local Gateway: -, Remote Gateway: -\n"
		"  Gateway Name: SPOKES\n"
		"  Port: 500, Nego#: 0, Fail#: 0, Flag: 0x0\n"
		"  Tunnel events:\n"
		"  Tunnel Down Reason: Responder-only waiting for peer\n");
	free(got);
}

static void in_json(void **state)
{
	struct command c = {0};
	char *got = shown(&c, true);

	(void)state;
	assert_non_null(strstr(got, "\"inactive-tunnels\""));
	assert_non_null(strstr(got, "\"remote-gateway\": \"203.0.113.9\""));
	assert_non_null(strstr(got, "\"reason\": \"Responder-only waiting for peer\""));
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_columns),
		cmocka_unit_test(in_detail),
		cmocka_unit_test(in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
