#include "node/node.h"

enum { IKE_HDR = 28 };

void node_punt(struct worker *w, struct pkt *p)
{
	if (p->len < IKE_HDR) {
		worker_drop(w, p, STAT_DROP_IKE_SHORT);
		return;
	}
	p->kind = PKT_IKE;
	if (!ring_put(&w->punt, &p)) {
		worker_drop(w, p, STAT_DROP_IKE_QUEUE);
		return;
	}
	worker_count(w, STAT_IKE_RX);
	worker_wake_api(w);
}
