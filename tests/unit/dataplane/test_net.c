/* Tables of routes beside each other, VPNs of one unit apart, routes changed without the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net.h"

enum { TUNNEL = 2, FAR = 0x0a020000 };

static struct policy_sas sas[8];

static void add_iface(struct net *n, uint16_t slot, uint8_t instance, uint32_t addr)
{
	struct iface *i = calloc(1, sizeof *i);

	assert_non_null(i);
	i->id = slot + 1u;
	i->slot = slot;
	i->instance = instance;
	i->kind = slot == TUNNEL ? IFACE_TUNNEL : IFACE_PHYSICAL;
	i->port = PORT_NONE;
	if (addr)
		i->addrs[i->n_addrs++] = prefix_v4(addr, 24);
	assert_int_equal(net_add_iface(n, i), 0);
}

/* Everything to FAR + third octet. */
static void add_policy(struct net *n, uint32_t id, uint32_t tunnel, uint8_t third)
{
	struct policy *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->selectors = calloc(2, sizeof *p->selectors);
	assert_non_null(p->selectors);
	p->selectors[0] = selector_v4(0, UINT32_MAX);
	p->selectors[1] = third ? selector_v4(FAR + third * 256u, FAR + third * 256u + 255)
				: selector_v4(0, UINT32_MAX);
	p->ts = (struct selectors){p->selectors, p->selectors + 1, 1, 1};
	p->id = id;
	p->tunnel = tunnel;
	p->sas = &sas[id];
	assert_int_equal(net_add_policy(n, TUNNEL, p), 0);
}

static uint32_t policy_by(const struct net *n, uint32_t tunnel, uint32_t dst)
{
	const struct iface *i = net_iface(n, TUNNEL);
	uint16_t spd = iface_spd(i, tunnel);
	const struct flow f = {.src = ipaddr_v4(1), .dst = ipaddr_v4(dst), .v4 = true};
	uint32_t at;

	if (spd == SPD_NOBODY)
		return 0;
	spd_index_out(i->spds[spd].index, &f, 1, &at);
	return at == SPD_NONE ? 0 : i->spds[spd].hot[at].id;
}

static void route(struct net *n, uint8_t instance, uint32_t to, uint16_t slot)
{
	const struct hop hop = {.kind = HOP_CONNECTED, .iface = slot};

	assert_int_equal(net_add_route(n, &n->fib[instance], prefix_v4(to, 24), &hop), 0);
}

static int slot_to(const struct net *n, uint8_t instance, uint32_t dst)
{
	const struct hop *h = net_route4(n, net_fib(n, instance), dst);

	return h ? h->iface : -1;
}

/* ST0-004 */
static void net_instances_are_apart(void **state)
{
	struct net *n = net_new();

	(void)state;
	add_iface(n, 0, 0, 0x0a000001);
	add_iface(n, 1, 7, 0x0a000001);
	assert_int_equal(net_finish(n), 0);
	route(n, 7, 0x0b000000, 1);
	assert_int_equal(slot_to(n, 0, 0x0a000009), 0);
	assert_int_equal(slot_to(n, 7, 0x0a000009), 1);
	assert_int_equal(slot_to(n, 0, 0x0b000001), -1);
	assert_int_equal(slot_to(n, 7, 0x0b000001), 1);
	net_free(n);
}

/* ST0-003: who is bound to a next hop, not who stands first, whatever both protect. */
static void net_vpns_of_a_unit_are_found_by_number(void **state)
{
	struct net *n = net_new();

	(void)state;
	add_iface(n, TUNNEL, 0, 0);
	add_policy(n, 1, 70, 0);
	add_policy(n, 2, 50, 0);
	add_policy(n, 3, 60, 3);
	add_policy(n, 4, 50, 4);
	assert_int_equal(net_finish(n), 0);
	assert_int_equal(policy_by(n, 0, FAR), 1);
	assert_int_equal(policy_by(n, 50, FAR), 2);
	assert_int_equal(policy_by(n, 50, FAR + 4 * 256), 2);
	assert_int_equal(policy_by(n, 60, FAR + 3 * 256), 3);
	assert_int_equal(policy_by(n, 60, FAR), 0);
	assert_int_equal(policy_by(n, 70, FAR), 1);
	assert_int_equal(iface_spd(net_iface(n, TUNNEL), 51), SPD_NOBODY);
	assert_int_equal(iface_spd(net_iface(n, TUNNEL), UINT32_MAX), SPD_NOBODY);
	net_free(n);
}

static void net_one_vpn_needs_one_index(void **state)
{
	struct net *n = net_new();

	(void)state;
	add_iface(n, TUNNEL, 0, 0);
	add_policy(n, 1, 70, 0);
	assert_int_equal(net_finish(n), 0);
	assert_int_equal(net_iface(n, TUNNEL)->n_spds, 1);
	assert_int_equal(iface_spd(net_iface(n, TUNNEL), 70), 0);
	assert_int_equal(iface_spd(net_iface(n, TUNNEL), 71), SPD_NOBODY);
	net_free(n);
}

/* RouteSet: connected routes and policies stay, the others are those of the new list. */
static void net_routes_change_alone(void **state)
{
	struct net *n = net_new(), *next;

	(void)state;
	add_iface(n, 0, 0, 0x0a000001);
	add_iface(n, TUNNEL, 3, 0);
	add_policy(n, 1, 70, 0);
	assert_int_equal(net_finish(n), 0);
	route(n, 0, 0x0b000000, 0);
	next = net_again(n);
	assert_non_null(next);
	route(next, 3, 0x0c000000, TUNNEL);
	n->lent = true;
	assert_int_equal(slot_to(n, 0, 0x0b000001), 0); /* who still looks at the old one */
	net_free(n);
	assert_int_equal(slot_to(next, 0, 0x0b000001), -1);
	assert_int_equal(slot_to(next, 0, 0x0a000009), 0);
	assert_int_equal(slot_to(next, 3, 0x0c000009), TUNNEL);
	assert_int_equal(policy_by(next, 70, FAR), 1);
	net_free(next);
}

/* RFC 1812 4.3.2.4: an unnumbered unit borrows an address, from its own instance only. */
static void net_unnumbered_units_borrow_a_voice(void **state)
{
	struct net *n = net_new();

	(void)state;
	add_iface(n, 0, 1, 0x0a000001);
	add_iface(n, 1, 0, 0x0b000001);
	add_iface(n, TUNNEL, 0, 0);
	assert_int_equal(net_finish(n), 0);
	assert_int_equal(net_iface(n, TUNNEL)->voice, 1);
	assert_int_equal(net_iface(n, 0)->voice, 0);
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_instances_are_apart),
		cmocka_unit_test(net_vpns_of_a_unit_are_found_by_number),
		cmocka_unit_test(net_one_vpn_needs_one_index),
		cmocka_unit_test(net_routes_change_alone),
		cmocka_unit_test(net_unnumbered_units_borrow_a_voice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
