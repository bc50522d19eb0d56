#include "core/rg.h"

#include "base/err.h"

int rg_set(struct rg_state *s, const struct rg_state *want)
{
	if (want->epoch < s->epoch)
		return -ERR_EPOCH;
	if (want->role == RG_ROLE_ACTIVE && s->fenced && want->epoch <= s->fenced_epoch)
		return -ERR_EPOCH;
	if (want->epoch == s->epoch && s->role == RG_ROLE_ACTIVE && want->role == RG_ROLE_ACTIVE &&
		want->deadline_ns < s->deadline_ns) {
		s->owner = want->owner;
		return 0; /* a late message must not shorten a renewal */
	}
	s->role = want->role;
	s->owner = want->owner;
	s->epoch = want->epoch;
	s->deadline_ns = want->deadline_ns;
	return 0;
}

int rg_extend(struct rg_state *s, uint64_t epoch, uint64_t deadline_ns)
{
	if (s->role != RG_ROLE_ACTIVE || epoch != s->epoch)
		return -ERR_EPOCH;
	if (deadline_ns > s->deadline_ns)
		s->deadline_ns = deadline_ns;
	return 0;
}

bool rg_fence(struct rg_state *s, uint64_t epoch)
{
	if (s->role == RG_ROLE_ACTIVE && s->epoch > epoch)
		return false;
	if (!s->fenced || epoch > s->fenced_epoch)
		s->fenced_epoch = epoch;
	s->fenced = true;
	s->role = RG_ROLE_STANDBY;
	return true;
}
