#include "node/node.h"

enum gate gate_rg(const struct worker *w, uint8_t rg, uint8_t *node)
{
	const struct rg_view *v = rg_view(w->sh, rg);

	if (rg_view_acts(v, w->now_ns))
		return GATE_ACT;
	*node = v->owner;
	return v->owner != RG_OWNER_NONE && v->role == RG_ROLE_STANDBY ? GATE_FORWARD : GATE_DROP;
}

struct rg_handover *gate_handover(const struct worker *w, uint8_t rg)
{
	return atomic_load_explicit(&w->sh->rgs[rg].handover, memory_order_acquire);
}

enum gate gate_sa(const struct worker *w, const struct sa *sa, uint8_t *node)
{
	struct rg_handover *h = gate_handover(w, sa->rg);

	if (__builtin_expect(h != NULL, 0)) {
		switch (atomic_load(&h->mode[sa->bucket])) {
		case BUCKET_FROZEN:
			return GATE_QUEUE;
		case BUCKET_FORWARD:
			*node = atomic_load(&h->node);
			return GATE_FORWARD;
		case BUCKET_ACTIVE:
			return w->now_ns < atomic_load(&h->deadline_ns) ? GATE_ACT : GATE_DROP;
		default:
			break;
		}
	}
	return gate_rg(w, sa->rg, node);
}

uint64_t gate_epoch(const struct worker *w, const struct sa *sa)
{
	const struct rg_view *v = rg_view(w->sh, sa->rg);
	struct rg_handover *h = gate_handover(w, sa->rg);

	if (h && atomic_load(&h->epoch) > v->epoch &&
		atomic_load(&h->mode[sa->bucket]) == BUCKET_ACTIVE)
		return atomic_load(&h->epoch);
	return v->epoch;
}
