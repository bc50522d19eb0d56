#include "ike/fsm.h"

#include "base/err.h"
#include "ike/engine.h"
#include "ike/rx.h"
#include "ike/schedule.h"

const char *sa_trigger_text(enum sa_trigger on)
{
	switch (on) {
#define X(name, text)                                                                              \
	case name:                                                                                 \
		return text;
		TRIGGER_LIST(X)
#undef X
	case TRIGGER_END:
	default:
		return "?";
	}
}

static const struct ike_rule *rule_find(const struct ike_sa *sa, const struct cause *cause)
{
	struct ike_rules rules = v2_rules();

	for (size_t i = 0; i < rules.n; i++) {
		const struct ike_rule *r = &rules.v[i];

		if (r->on == cause->on && (r->from == sa->state || r->from == SA_ANY))
			return r;
	}
	return NULL;
}

static int rule_run(
	struct ike *ike, struct ike_sa *sa, const struct ike_rule *r, const struct cause *cause)
{
	uint32_t seen = cause->rx ? cause->rx->chain->seen : 0;

	if (cause->rx && cause->on != ON_ERROR && (seen & r->need) != r->need)
		return -ERR_SYNTAX;
	return r->act ? r->act(ike, sa, cause) : 0;
}

static void state_enter(struct ike *ike, struct ike_sa *sa, const struct ike_rule *r)
{
	enum sa_state to = r->to == SA_SAME ? sa->state : r->to;

	if (to != sa->state)
		sa_debug(ike, sa, "ike.state", "from=%s to=%s story=\"%s\"",
			sa_state_text(sa->state), sa_state_text(to), r->story);
	if (to == sa->state) {
		sched_work(ike, sa);
		return;
	}
	sa->state = to;
	if (to != SA_GONE)
		sched_entered(ike, sa);
}

int fsm_fire(struct ike *ike, struct ike_sa *sa, const struct cause *cause)
{
	const struct ike_rule *r;
	int rc;

	if (sa->state == SA_GONE)
		return -ERR_WRONG_STATE;
	r = rule_find(sa, cause);
	if (!r) {
		sa_debug(ike, sa, "ike.unexpected", "state=%s on=\"%s\"", sa_state_text(sa->state),
			sa_trigger_text(cause->on));
		ike->stats.rx_unexpected += cause->rx != NULL;
		return -ERR_WRONG_STATE;
	}
	rc = rule_run(ike, sa, r, cause);
	if (rc == 0) {
		state_enter(ike, sa, r);
	} else if (rc < 0) {
		sa_debug(ike, sa, "ike.rule.failed", "story=\"%s\" reason=\"%s\"", r->story,
			err_text(rc));
		if (cause->on != ON_ERROR)
			(void)fsm_fire(ike, sa,
				&(struct cause){.on = ON_ERROR,
					.rx = cause->rx,
					.failed = cause->on,
					.rc = rc});
	}
	return rc;
}
