/*
 * Any octets as a replicated record: refused whole, or an object that can live and end.
 * Input: 'I' or 'C', then the body. A child's IKE SA is restored beside it.
 *
 * Twin of: record.c record_read.c
 */
#include "world.h"

/* In protobuf the last of two values counts: the body becomes one of a child of that IKE SA. */
static void add_lineage(struct blob *body, uint64_t lineage)
{
	uint8_t field[9] = {3 << 3 | 1};

	for (size_t i = 0; i < 8; i++)
		field[1 + i] = (uint8_t)(lineage >> 8 * i);
	if (blob_append(body, view_of_array(field)) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_blob body = {0};
	const struct ike_stats *s;
	struct pair *p;
	struct ike *ike;

	if (size == 0)
		return 0;
	p = world_restoring();
	ike = p->node[WORLD_HEIR].ike;
	s = ike_show_stats(ike);
	if (blob_append(&body, view_of(data + 1, size - 1)) < 0)
		abort();
	if (data[0] == 'C')
		add_lineage(&body, world_restore_parent(p));
	world_restore(p, view_of(data, 1), blob_view(&body));
	world_restored(p);
	if (s->restore_failed > 1 || HASH_COUNT(ike->sas) > s->restored_sas ||
		HASH_COUNT(ike->children) > s->restored_children)
		abort();
	world_live(p);
	pair_free(p);
	return 0;
}
