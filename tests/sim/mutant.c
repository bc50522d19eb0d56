/* Rules broken on purpose: each must be noticed, for its own reason (sim --mutants). */
#include <stdlib.h>
#include <string.h>

#include "ha/policy.h"
#include "ike/sa.h"
#include "record.pb-c.h"
#include "world.h"

static const struct ha_policy release_at_delivery = {.release_at_delivery = true};
static const struct ha_policy stale_acks = {.stale_acks_count = true};
static const struct ha_policy no_deadline = {.no_deadline = true};
static const struct ha_policy claim_unheard = {.claim_unheard = true};
static const struct ha_policy reuse_epoch = {.reuse_epoch = true};
static const struct ha_policy synced_unchecked = {.synced_unchecked = true};
static const struct ha_policy no_doubt = {.no_doubt = true};
static const struct ha_policy no_fence = {.no_fence = true};
static const struct ha_policy leave_at_once = {.leave_at_once = true};

static const struct mutant mutants[] = {
	{.name = "release-at-delivery", .dies_of = "I1", .ha = &release_at_delivery},
	{.name = "constant-iv", .dies_of = "I3", .constant_iv = true},
	{.name = "constant-ike-iv", .dies_of = "I3", .constant_ike_iv = true},
	{.name = "stale-acks", .dies_of = "I1", .ha = &stale_acks},
	{.name = "constant-jump", .dies_of = "I4", .constant_jump = true},
	{.name = "no-deadline", .dies_of = "I7", .ha = &no_deadline, .no_dp_deadline = true},
	{.name = "answer-first", .dies_of = "I10", .answer_first = true},
	{.name = "claim-unheard", .dies_of = "I7", .ha = &claim_unheard},
	{.name = "reuse-epoch", .dies_of = "I4", .ha = &reuse_epoch},
	{.name = "synced-unchecked", .dies_of = "I1", .ha = &synced_unchecked},
	{.name = "no-doubt", .dies_of = "I1", .ha = &no_doubt},
	{.name = "no-fence", .dies_of = "I7", .ha = &no_fence},
	{.name = "commit-at-once", .dies_of = "I1", .commit_at_once = true},
	{.name = "lease-lost", .dies_of = "I4", .lease_lost = true},
	{.name = "count-lost", .dies_of = "I6", .count_lost = true},
	{.name = "spoke-lost", .dies_of = "I6", .spoke_lost = true, .themed = true},
	{.name = "move-lost", .dies_of = "I8", .move_lost = true, .themed = true},
	{.name = "delete-anew", .dies_of = "I2", .delete_anew = true, .themed = true},
	{.name = "ticket-keys", .dies_of = "I10", .ticket_keys = true, .themed = true},
	{.name = "lists-forgotten", .dies_of = "I6", .lists_forgotten = true, .themed = true},
	{.name = "worker-lost", .dies_of = "I6", .worker_lost = true},
	{.name = "leave-at-once", .dies_of = "I10", .ha = &leave_at_once, .leaving = true},
	{.name = "own-skipped", .dies_of = "I10", .own_skipped = true},
};

/* ---------------------------------------------------------------- records read wrongly */

static void spoil_sa(const struct mutant *m, Rec__IkeSa *s)
{
	if (m->count_lost)
		s->rekeys = 0; /* REA-006 */
	if (m->spoke_lost)
		s->peer = 0;
	if (m->delete_anew && s->outstanding && s->state == SA_CLOSING) {
		s->state = SA_UP;
		s->closing = true;
		s->next_send_id = s->outstanding->message_id;
		rec__outstanding__free_unpacked(s->outstanding, NULL);
		s->outstanding = NULL;
	}
}

/* 198.51.x.y: the place is x (theme.h). */
static void spoil_endpoint(const struct mutant *m, Rec__Endpoint *e)
{
	if (m->move_lost && e && e->address.len == 4 && e->address.data[0] == 198)
		e->address.data[2] = 100;
}

static struct view packed(size_t n, struct blob *room)
{
	room->p = malloc(n + 1);
	if (!room->p)
		abort();
	room->n = n;
	return blob_view(room);
}

struct view mutant_record(
	const struct world *w, struct view key, struct view body, struct blob *room)
{
	struct view out = body;

	if (key.n && key.p[0] == 'I') {
		Rec__IkeSa *s = rec__ike_sa__unpack(NULL, body.n, body.p);

		if (!s)
			return body;
		spoil_sa(w->mutant, s);
		spoil_endpoint(w->mutant, s->remote);
		out = packed(rec__ike_sa__get_packed_size(s), room);
		(void)rec__ike_sa__pack(s, room->p);
		rec__ike_sa__free_unpacked(s, NULL);
	} else if (key.n && key.p[0] == 'C' && (w->mutant->move_lost || w->mutant->worker_lost)) {
		Rec__ChildSa *c = rec__child_sa__unpack(NULL, body.n, body.p);

		if (!c)
			return body;
		spoil_endpoint(w->mutant, c->remote);
		if (w->mutant->worker_lost)
			c->worker_hint = 0;
		out = packed(rec__child_sa__get_packed_size(c), room);
		(void)rec__child_sa__pack(c, room->p);
		rec__child_sa__free_unpacked(c, NULL);
	}
	return out;
}

/* ---------------------------------------------------------------- finding */

const struct mutant *mutant_at(size_t i)
{
	return i < ARRAY_LEN(mutants) ? &mutants[i] : NULL;
}

const struct mutant *mutant_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(mutants); i++)
		if (strcmp(mutants[i].name, name) == 0)
			return &mutants[i];
	return NULL;
}
