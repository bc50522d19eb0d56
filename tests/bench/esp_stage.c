#include "esp_stage.h"

#include <string.h>
#include <x86intrin.h>

#include "node/node.h"

static struct {
	bool on;
	enum stage now;
	uint64_t since;
	struct stage_sums sums;
	struct suite copy;
	const struct suite *real;
} watch;

const char *stage_name(enum stage s)
{
	static const char *const names[] = {
#define X(id, name, what) [STAGE_##id] = (name),
		STAGE_LIST(X)
#undef X
	};

	return names[s];
}

void stage_begin(void)
{
	memset(&watch.sums, 0, sizeof watch.sums);
	watch.now = STAGE_TX;
	watch.since = __rdtsc();
	watch.on = true;
}

void stage_end(struct stage_sums *out)
{
	stage_to(STAGE_TX);
	watch.on = false;
	*out = watch.sums;
}

void stage_to(enum stage s)
{
	uint64_t t;

	if (!watch.on)
		return;
	t = __rdtsc();
	watch.sums.cycles[watch.now] += t - watch.since;
	watch.since = t;
	watch.now = s;
}

static void seal(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	(void)s;
	stage_to(STAGE_CRYPTO);
	watch.real->seal(watch.real, e, v, n);
	stage_to(STAGE_FINISH);
}

static void open(const struct suite *s, struct suite_engine *e, struct suite_op *v, uint32_t n)
{
	(void)s;
	stage_to(STAGE_CRYPTO);
	watch.real->open(watch.real, e, v, n);
	stage_to(STAGE_FINISH);
}

const struct suite *stage_suite(const struct suite *s)
{
	watch.real = s;
	watch.copy = *s;
	watch.copy.seal = seal;
	watch.copy.open = open;
	return &watch.copy;
}

/* ---------------------------------------------------------------- the steps */

#define WATCHED(node, before, after)                                                               \
	void __real_##node(struct worker *w);                                                      \
	void __wrap_##node(struct worker *w);                                                      \
                                                                                                   \
	void __wrap_##node(struct worker *w)                                                       \
	{                                                                                          \
		stage_to(before);                                                                  \
		__real_##node(w);                                                                  \
		stage_to(after);                                                                   \
	}

WATCHED(node_esp_in, STAGE_ADMIT, STAGE_TX)
WATCHED(node_route, STAGE_ROUTE, STAGE_TX)
WATCHED(node_spd_out, STAGE_LOOKUP, STAGE_ROUTE)
WATCHED(node_esp_out, STAGE_ADMIT, STAGE_TX)
