/*
 * What the device could do with flow rules: ESP to a queue by its SPI. Asked, not used: nothing
 * depends on where a packet comes in.
 */
#include "port.h"

#include <rte_flow.h>

static bool can_steer(const struct port *p, uint32_t mask)
{
	const struct rte_flow_attr in = {.ingress = 1};
	const struct rte_flow_item_esp spi = {.hdr = {.spi = rte_cpu_to_be_32(0x01020304 & mask)}};
	const struct rte_flow_item_esp which = {.hdr = {.spi = rte_cpu_to_be_32(mask)}};
	const struct rte_flow_action_queue queue = {.index = (uint16_t)(p->n_rx - 1)};
	const struct rte_flow_item pattern[] = {
		{.type = RTE_FLOW_ITEM_TYPE_ETH},
		{.type = RTE_FLOW_ITEM_TYPE_IPV4},
		{.type = RTE_FLOW_ITEM_TYPE_ESP, .spec = &spi, .mask = &which},
		{.type = RTE_FLOW_ITEM_TYPE_END},
	};
	const struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct rte_flow_error error = {0};

	return rte_flow_validate(p->dev_id, &in, pattern, actions, &error) == 0;
}

const char *port_flow_text(const struct port *p)
{
	if (can_steer(p, 0x00ff0000)) /* some bits: a bucket with one rule */
		return "spi-bits";
	return can_steer(p, UINT32_MAX) ? "spi" : "none";
}
