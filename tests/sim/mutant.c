/* Rules broken on purpose: each must be noticed (tests/sim/mutants.sh, meson suite sim). */
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
	{.name = "release-at-delivery", .ha = &release_at_delivery},
	{.name = "constant-iv", .constant_iv = true},
	{.name = "stale-acks", .ha = &stale_acks},
	{.name = "constant-jump", .constant_jump = true},
	{.name = "no-deadline", .ha = &no_deadline, .no_dp_deadline = true},
	{.name = "answer-first", .answer_first = true},
	{.name = "claim-unheard", .ha = &claim_unheard},
	{.name = "reuse-epoch", .ha = &reuse_epoch},
	{.name = "synced-unchecked", .ha = &synced_unchecked},
	{.name = "no-doubt", .ha = &no_doubt},
	{.name = "no-fence", .ha = &no_fence},
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
