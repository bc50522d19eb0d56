/* Rules broken on purpose: each must be noticed, for its own reason (sim --mutants). */
#include <string.h>

#include "ha/policy.h"
#include "world.h"

static const struct ha_policy release_at_delivery = {.release_at_delivery = true};
static const struct ha_policy stale_acks = {.stale_acks_count = true};
static const struct ha_policy no_deadline = {.no_deadline = true};
static const struct ha_policy claim_unheard = {.claim_unheard = true};
static const struct ha_policy reuse_epoch = {.reuse_epoch = true};
static const struct ha_policy synced_unchecked = {.synced_unchecked = true};
static const struct ha_policy no_doubt = {.no_doubt = true};
static const struct ha_policy no_fence = {.no_fence = true};

static const struct mutant mutants[] = {
	{.name = "release-at-delivery", .dies_of = "I1", .ha = &release_at_delivery},
	{.name = "constant-iv", .dies_of = "I3", .constant_iv = true},
	{.name = "constant-ike-iv", .dies_of = "I3", .constant_ike_iv = true},
	{.name = "stale-acks", .dies_of = "I1", .ha = &stale_acks},
	{.name = "constant-jump", .dies_of = "I4", .constant_jump = true},
	{.name = "no-deadline", .dies_of = "I7", .ha = &no_deadline, .no_dp_deadline = true},
	{.name = "answer-first", .dies_of = "I10", .answer_first = true},
	{.name = "claim-unheard", .dies_of = "I7", .ha = &claim_unheard},
	{.name = "reuse-epoch", .dies_of = "I4", .ha = &reuse_epoch},
	{.name = "synced-unchecked", .dies_of = "I1", .ha = &synced_unchecked},
	{.name = "no-doubt", .dies_of = "I1", .ha = &no_doubt},
	{.name = "no-fence", .dies_of = "I7", .ha = &no_fence},
	{.name = "commit-at-once", .dies_of = "I1", .commit_at_once = true},
	{.name = "lease-lost", .dies_of = "I4", .lease_lost = true},
	{.name = "count-lost", .dies_of = "I6", .count_lost = true},
	{.name = "own-skipped", .dies_of = "I10", .own_skipped = true},
};

const struct mutant *mutant_at(size_t i)
{
	return i < ARRAY_LEN(mutants) ? &mutants[i] : NULL;
}

const struct mutant *mutant_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(mutants); i++)
		if (strcmp(mutants[i].name, name) == 0)
			return &mutants[i];
	return NULL;
}
