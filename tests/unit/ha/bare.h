#pragma once
/*
 * What a core of ha is made with in unit tests: a seal that hides nothing, and octets that count
 * on.
 */
#include "ha/step.h"

/* Of a node with two others in sight and one redundancy group, RG 1, whose best node is node 0.
 * seed: where its random octets go on; lives as long as the core. */
struct ha_config bare_config(uint32_t node, uint8_t *seed);
