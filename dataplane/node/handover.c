#include "node/esp.h"

void handover_queue(struct worker *w, struct sa *sa, struct pkt *p)
{
	(void)sa;
	worker_drop(w, p, STAT_DROP_HANDOVER_QUEUE);
}
