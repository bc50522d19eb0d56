/* The total order of epochs (rule 3). */
#include "core.h"

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* The number first: each claim raises it over what its claimant held. Two claims of the same number
 * can only have been made in different rings (within one, the first delivered refuses the other),
 * and a ring's sequence grows at every change of it. */
int ha_epoch_compare(const struct ha_epoch *a, const struct ha_epoch *b)
{
	int d = compare(a->number, b->number);

	if (d == 0)
		d = compare(a->ring_seq, b->ring_seq);
	if (d == 0)
		d = compare(a->ring_node, b->ring_node);
	if (d == 0)
		d = compare(a->owner, b->owner);
	return d;
}

bool ha_epoch_equal(const struct ha_epoch *a, const struct ha_epoch *b)
{
	return ha_epoch_compare(a, b) == 0;
}

struct ha_epoch ha_epoch_of(const Repl__Epoch *e)
{
	return e ? (struct ha_epoch){.number = e->number,
			   .ring_seq = e->ring_seq,
			   .ring_node = e->ring_node,
			   .owner = e->owner}
		 : (struct ha_epoch){0};
}

void ha_epoch_out(const struct ha_epoch *e, Repl__Epoch *out)
{
	repl__epoch__init(out);
	out->number = e->number;
	out->ring_seq = e->ring_seq;
	out->ring_node = e->ring_node;
	out->owner = e->owner;
}
