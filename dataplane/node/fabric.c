#include "node/node.h"

void node_forward(struct worker *w, struct pkt *p, uint8_t node)
{
	(void)node;
	worker_drop(w, p, STAT_DROP_FABRIC_PEER);
}

void node_fabric(struct worker *w, struct pkt *p)
{
	worker_drop(w, p, STAT_DROP_FABRIC);
}
