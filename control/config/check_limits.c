/*
 * What one dataplane can have (base/bounds.h): more of it is refused here, not when it is
 * programmed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/build.h"
#include "base/bounds.h"

static const struct node *interface_node(struct build *b, const struct model_interface *i)
{
	const struct node *list = stmt(b, NULL, "interfaces");

	return list ? tree_find(b->t, list, i->name) : NULL;
}

static const struct node *unit_node(struct build *b, const struct model_unit *u)
{
	const struct node *n = interface_node(b, u->interface);
	const struct node *list = n ? stmt(b, n, "unit") : NULL;
	char number[16];

	(void)snprintf(number, sizeof number, "%u", u->number);
	return list ? tree_find(b->t, list, number) : n;
}

/* Those of all interfaces count, on whichever node they are: one may get all ports. */
static void check_units(struct build *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->m->n_interfaces; i++) {
		const struct model_interface *a = &b->m->interfaces[i];

		for (uint32_t k = 0; k < a->n_units; k++) {
			const struct model_unit *u = &a->units[k];

			if (u->n_addresses > LIMIT_UNIT_ADDRESSES)
				refuse_at(b, unit_node(b, u), "a unit has at most %d addresses",
					LIMIT_UNIT_ADDRESSES);
			if (++n == LIMIT_UNITS)
				refuse_at(b, unit_node(b, u),
					"there are at most %d units of all interfaces",
					LIMIT_UNITS - 1);
		}
	}
}

/* Of this node. */
static void check_ports(struct build *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->m->n_interfaces; i++) {
		const struct model_interface *a = &b->m->interfaces[i];

		if (a->kind == MODEL_IF_PORT && a->device && !a->disabled && ++n == LIMIT_PORTS + 1)
			refuse_at(b, interface_node(b, a), "a node has at most %d ports",
				LIMIT_PORTS);
	}
}

static int by_unit(const void *x, const void *y)
{
	const struct model_unit *a = *(const struct model_unit *const *)x;
	const struct model_unit *b = *(const struct model_unit *const *)y;

	return a < b ? -1 : a > b;
}

/* The dataplane searches each VPN of a unit by itself. */
static void check_vpns_of_units(struct build *b)
{
	const struct model_unit **units =
		arena_array(b->arena, const struct model_unit *, b->m->n_vpns);
	uint32_t n = 0, first = 0;

	for (uint32_t i = 0; units && i < b->m->n_vpns; i++)
		if (b->m->vpns[i].bind)
			units[n++] = b->m->vpns[i].bind;
	if (n != 0)
		qsort(units, n, sizeof(struct model_unit *), by_unit);
	for (uint32_t i = 0; i < n; i++) {
		if (units[i] != units[first])
			first = i;
		if (i - first == LIMIT_UNIT_VPNS)
			refuse_at(b, unit_node(b, units[i]), "at most %d VPNs are bound to a unit",
				LIMIT_UNIT_VPNS);
	}
}

void check_limits(struct build *b)
{
	check_units(b);
	check_ports(b);
	check_vpns_of_units(b);
}
