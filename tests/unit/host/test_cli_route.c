/* The generated initialisers cast constant strings. */
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/show.h"

/* CLI-011: layouts to the column. */

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

struct given {
	const char *to;
	uint32_t length;
	const char *protocol;
	uint32_t preference, metric;
	uint64_t age_s;
	bool active;
	const char *hop, *unit;
};

static ProtobufCBinaryData octets(const char *address, struct addr *room)
{
	if (!address)
		return (ProtobufCBinaryData){0};
	assert_int_equal(addr_parse(address, room), 0);
	return (ProtobufCBinaryData){addr_len(room), room->b};
}

static void table(struct show *s, const char *name, const struct given *g, size_t n, bool all)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__RouteList l = CTL__ROUTE_LIST__INIT;
	Ctl__Route rows[8], *list[8];
	struct addr room[8][2];

	for (size_t i = 0; i < n; i++) {
		rows[i] = (Ctl__Route)CTL__ROUTE__INIT;
		rows[i].destination = octets(g[i].to, &room[i][0]);
		rows[i].length = g[i].length;
		rows[i].protocol = text(g[i].protocol);
		rows[i].preference = g[i].preference;
		rows[i].metric = g[i].metric;
		rows[i].age_s = g[i].age_s;
		rows[i].active = g[i].active;
		rows[i].next_hop = octets(g[i].hop, &room[i][1]);
		rows[i].interface = text(g[i].unit);
		list[i] = &rows[i];
	}
	l.table = text(name);
	l.destinations = all ? 3 : 1;
	l.total = all ? 4 : 1;
	l.active = all ? 3 : 1;
	l.n_routes = n;
	l.routes = list;
	r.node = -1;
	r.body_case = CTL__RESPONSE__BODY_ROUTES;
	r.routes = &l;
	assert_int_equal(show_part(s, &r, stderr), 0);
}

static void routes_in_tables(void **state)
{
	static const struct given first[] = {
		{"0.0.0.0", 0, "Static", 5, 0, 764, true, "192.0.2.254", "ge-0/0/0.0"},
		{"10.1.0.1", 32, "Local", 0, 0, 764, true, NULL, "ge-0/0/1.0"},
	};
	static const struct given second[] = {
		{"172.16.2.0", 24, "Static", 1, 0, 764, true, NULL, "ms-0/1/0.1"},
		{"172.16.2.0", 24, "Static", 5, 7, 90061, false, NULL, "st0.1"},
	};
	static const struct given third[] = {
		{"2001:db8:1111:2222:3333:4444:5555:6666", 128, "Direct", 0, 0, 1209661, true, NULL,
			"st0.1"},
	};
	struct command c = {.action = ACTION_SHOW_ROUTE};
	struct show s;
	char *got = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&got, &n);

	(void)state;
	show_init(&s, f, &c, false);
	table(&s, "CUST-A.inet.0", first, 2, true);
	table(&s, "CUST-A.inet.0", second, 2, true); /* the same table goes on */
	table(&s, "inet6.0", third, 1, false);
	show_end(&s);
	(void)fclose(f);
	assert_string_equal(got,
		"CUST-A.inet.0: 3 destinations, 4 routes (3 active, 0 holddown, 0 hidden)\n"
		"+ = Active Route, - = Last Active, * = Both\n"
		"\n"
		"0.0.0.0/0          *[Static/5] 00:12:44\n"
		"                    >  to 192.0.2.254 via ge-0/0/0.0\n"
		"10.1.0.1/32        *[Local/0] 00:12:44\n"
		"                       Local via ge-0/0/1.0\n"
		"172.16.2.0/24      *[Static/1] 00:12:44\n"
		"                    >  via ms-0/1/0.1\n"
		"                    [Static/5] 1d 01:01:01, metric 7\n"
		"                       via st0.1\n"
		"\n"
		"inet6.0: 1 destinations, 1 routes (1 active, 0 holddown, 0 hidden)\n"
		"+ = Active Route, - = Last Active, * = Both\n"
		"\n"
		"2001:db8:1111:2222:3333:4444:5555:6666/128\n"
		"                   *[Direct/0] 2w0d 00:01:01\n"
		"                    >  via st0.1\n");
	free(got);
}

static void next_hop_tunnels_in_columns(void **state)
{
	Ctl__Response r = CTL__RESPONSE__INIT;
	Ctl__NextHopTunnelList l = CTL__NEXT_HOP_TUNNEL_LIST__INIT;
	Ctl__NextHopTunnel a = CTL__NEXT_HOP_TUNNEL__INIT, b = a, *list[] = {&a, &b};
	struct command c = {.action = ACTION_SHOW_NEXT_HOP_TUNNELS};
	struct addr room[2];
	struct show s;
	char *got = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&got, &n);

	(void)state;
	a.next_hop = octets("172.31.8.17", &room[0]);
	a.interface = b.interface = text("st0.1");
	a.vpn = text("SPOKE-VPN");
	a.learned = true;
	a.ike_id = text("CN=cell-17, OU=spokes, O=example");
	b.next_hop = octets("172.31.8.18", &room[1]);
	b.vpn = text("OTHER");
	l.n_tunnels = 2;
	l.tunnels = list;
	r.node = -1;
	r.body_case = CTL__RESPONSE__BODY_NEXT_HOP_TUNNELS;
	r.next_hop_tunnels = &l;
	show_init(&s, f, &c, false);
	assert_int_equal(show_part(&s, &r, stderr), 0);
	show_end(&s);
	(void)fclose(f);
	assert_string_equal(got,
		"Next-hop gateway  interface   IPSec VPN name                    Flag     IKE-ID"
		"                                  XAUTH username\n"
		"172.31.8.17       st0.1       SPOKE-VPN                         Auto     "
		"CN=cell-17, OU=spokes, O=example        Not-Available\n"
		"172.31.8.18       st0.1       OTHER                             Static   "
		"Not-Available                           Not-Available\n");
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_in_tables),
		cmocka_unit_test(next_hop_tunnels_in_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
