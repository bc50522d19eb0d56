#include "core/seqno.h"

#include "base/err.h"

enum {
	RATE_WINDOW_MIN_NS = 1000 * 1000, /* a rate over less is a burst, not a rate */
	ASK_AGAIN_NS = 20 * 1000 * 1000,  /* a renewal may be lost with a daemon */
	BLOCKED_NS = 5 * 1000 * 1000,	  /* and is pressing when nothing is left */
};

#define NS_PER_MS UINT64_C(1000000)

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static uint64_t number_end(const struct seqno *s)
{
	return s->esn ? UINT64_MAX : SEQNO_32BIT_END;
}

/* Half way between where it stands and the limit. */
static void ask_at_half(struct seqno *s, uint64_t in_top)
{
	s->ask_at = s->limit >= number_end(s) || s->limit <= s->next
			    ? s->limit
			    : s->next + (s->limit - s->next) / 2;
	if (s->limit >= number_end(s))
		s->ask_at = UINT64_MAX;
	if (s->in_limit == UINT64_MAX)
		s->in_ask_at = UINT64_MAX;
	else
		s->in_ask_at = s->in_limit > in_top ? in_top + (s->in_limit - in_top) / 2 : in_top;
}

static void set_limits(struct seqno *s, uint64_t out, uint64_t in, uint64_t in_top)
{
	s->limit = out < number_end(s) ? out : number_end(s);
	s->in_limit = in;
	ask_at_half(s, in_top);
}

void seqno_init(struct seqno *s, bool esn, bool strict, const struct lease *first)
{
	*s = (struct seqno){.esn = esn, .strict = strict, .lease = *first};
	s->in_ask_at = UINT64_MAX;
}

/* Saturating a + G * n. */
static uint64_t jump(uint64_t a, uint64_t grant, uint64_t n)
{
	uint64_t by, to;

	if (__builtin_mul_overflow(grant, n, &by) || __builtin_add_overflow(a, by, &to))
		return UINT64_MAX;
	return to;
}

/* What a lease of an earlier epoch e permits in epoch E. */
static void enter_by_jump(struct seqno *s, uint64_t epoch, struct replay *in)
{
	uint64_t claims = epoch - s->lease.epoch - 1;
	uint64_t start = jump(s->lease.out_horizon, SEQNO_OUT_GRANT, claims);
	uint64_t in_start = jump(s->lease.in_horizon, SEQNO_IN_GRANT, claims);

	if (start == 0)
		start = 1;
	if (s->next < start)
		s->next = start;
	if (s->strict && in_start > 0)
		replay_raise(in, in_start - 1);
	else
		replay_raise(in, s->lease.in_top);
	set_limits(s, jump(start, SEQNO_OUT_GRANT, 1), jump(in_start, SEQNO_IN_GRANT, 1), in->top);
}

static void begin(struct seqno *s, uint64_t epoch, uint64_t now_ns, const struct replay *in)
{
	s->epoch = epoch;
	s->entered = true;
	s->asked_out = s->next;
	s->asked_in = in->top;
	s->asked_ns = now_ns;
	s->asking = false;
	s->want_out = s->want_in = 0;
}

int seqno_enter(struct seqno *s, uint64_t epoch, uint64_t now_ns, struct replay *in)
{
	if (s->entered && s->epoch == epoch)
		return 0;
	if (s->lease.epoch > epoch || (s->entered && s->epoch > epoch))
		return -ERR_EPOCH;
	if (s->lease.epoch == epoch) {
		if (s->next == 0)
			s->next = 1;
		replay_raise(in, s->lease.in_top);
		set_limits(s, s->lease.out_horizon, s->lease.in_horizon, in->top);
	} else {
		enter_by_jump(s, epoch, in);
	}
	begin(s, epoch, now_ns, in);
	return 0;
}

int seqno_take_over(
	struct seqno *s, const struct seqno_state *state, uint64_t now_ns, struct replay *in)
{
	uint64_t grant = MIN(state->grant, SEQNO_OUT_GRANT);

	if (s->lease.epoch > state->epoch || (s->entered && s->epoch >= state->epoch))
		return -ERR_EPOCH;
	if (s->next < state->out_next)
		s->next = state->out_next;
	begin(s, state->epoch, now_ns, in);
	/* The next owner jumps from the last lease in the log by G for each claim after it. */
	set_limits(s, jump(s->next, grant, 1), jump(in->top, SEQNO_IN_GRANT, 1), in->top);
	return 0;
}

void lease_add(struct lease *have, const struct lease *l)
{
	if (l->epoch < have->epoch)
		return;
	if (l->epoch > have->epoch) {
		*have = *l;
		return;
	}
	have->out_horizon = MAX(have->out_horizon, l->out_horizon);
	have->in_top = MAX(have->in_top, l->in_top);
	have->in_horizon = MAX(have->in_horizon, l->in_horizon);
}

uint64_t seqno_bound(const struct lease *granted, uint64_t epoch)
{
	uint64_t claims = epoch > granted->epoch ? epoch - granted->epoch : 0;

	return MAX(jump(granted->out_horizon, SEQNO_OUT_GRANT, claims), UINT64_C(1));
}

void seqno_clone(
	struct seqno *s, bool esn, bool strict, const struct lease *granted, uint64_t epoch)
{
	seqno_init(s, esn, strict, granted);
	s->next = seqno_bound(granted, epoch);
}

void seqno_grant(struct seqno *s, const struct lease *l, struct replay *in)
{
	if (l->epoch < s->lease.epoch)
		return;
	if (l->epoch > s->lease.epoch) {
		/* What earlier owners may have used stays used, even if we never sent before. */
		if (!s->entered || s->epoch < l->epoch)
			s->next = MAX(s->next, s->lease.out_horizon);
		s->lease = *l;
	} else { /* renewals of one owner only grow */
		lease_add(&s->lease, l);
	}
	if (!s->entered || l->epoch > s->epoch)
		return;
	if (l->epoch < s->epoch) { /* of our predecessor, after we started: move beyond it too */
		enter_by_jump(s, s->epoch, in);
		return;
	}
	s->asking = false;
	set_limits(s, MAX(s->limit, s->lease.out_horizon), MAX(s->in_limit, s->lease.in_horizon),
		in->top);
}

/* Twice what is used while a renewal is under way at worst, twice again because it is asked for
 * at half; never less than the floor nor more than the cap. */
static uint64_t lease_size(uint64_t used, uint64_t elapsed_ns, uint64_t hold_ns, uint64_t floor)
{
	uint64_t ms = elapsed_ns / NS_PER_MS;
	uint64_t per_s = used * 1000 / (ms ? ms : 1);
	uint64_t hold_ms = hold_ns / NS_PER_MS;

	return clamp(4 * per_s * hold_ms / 1000, 2 * floor, SEQNO_CAP);
}

/* Asked already: not again before an answer can have come. */
static bool ask_is_early(const struct seqno *s, uint64_t elapsed_ns)
{
	return s->asking && elapsed_ns < (s->next < s->limit ? ASK_AGAIN_NS : BLOCKED_NS);
}

bool seqno_want(
	struct seqno *s, uint64_t in_top, uint64_t now_ns, uint64_t hold_ns, struct lease *want)
{
	uint64_t elapsed = now_ns - s->asked_ns, out, in;

	if (!s->entered || !seqno_is_due(s, in_top) || ask_is_early(s, elapsed))
		return false;
	elapsed = MAX(elapsed, (uint64_t)RATE_WINDOW_MIN_NS);
	out = lease_size(s->next - s->asked_out, elapsed, hold_ns, SEQNO_OUT_FLOOR);
	in = lease_size(
		in_top > s->asked_in ? in_top - s->asked_in : 0, elapsed, hold_ns, SEQNO_IN_FLOOR);
	/* The last one written is what a successor reads, and an earlier one may be granted yet:
	 * none may say less than the one before. */
	out = MIN(s->next + out, number_end(s));
	out = MAX(s->limit, out);
	s->want_out = MAX(s->want_out, out);
	in = MAX(s->in_limit, in_top + in);
	s->want_in = MAX(s->want_in, in);
	*want = (struct lease){
		.epoch = s->epoch,
		.out_horizon = s->want_out,
		.in_top = in_top,
		.in_horizon = s->want_in,
	};
	s->asked_out = s->next;
	s->asked_in = in_top;
	s->asked_ns = now_ns;
	s->asking = true;
	ask_at_half(s, in_top);
	return true;
}
