#pragma once
/*
 * From the tree as written to the tree in effect: inactive statements are left out, groups are
 * merged in where apply-groups says, and neither groups nor apply-groups remain.
 *
 * What is written locally wins over what is inherited, the inner apply-groups over the outer, the
 * first group of a list over the later. Values of multi-valued leaves are joined, local ones first.
 * In a group, a list name in angle brackets (<*>, <ge-*>) applies to every entry that matches.
 */
#include "config/complain.h"
#include "config/tree.h"

/* `to` is freshly initialised with the same schema. "${node}" names the group node<N>, and none
 * with CONFIG_STANDALONE. -ERR_SYNTAX when a group is not defined (complained), -ERR_NOMEM. */
int inherit(const struct tree *from, struct tree *to, int node, struct complaints *c) MUST_CHECK;
