#include <stdlib.h>

#include "pair.h"
#include "record.pb-c.h"

void pair_sad_delete(struct pair_node *node, uint32_t spi_in)
{
	struct pair_child **at = &node->sad, *c;

	while (*at && (*at)->spi_in != spi_in)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return;
	*at = c->next;
	free(c);
}

static struct view octets_view(const ProtobufCBinaryData *b)
{
	return view_of(b->data, b->len);
}

/* One of both may be empty. */
static void keys_put(uint8_t *out, struct view encr, struct view integ)
{
	if (encr.n)
		memcpy(out, encr.p, encr.n);
	if (integ.n)
		memcpy(out + encr.n, integ.p, integ.n);
}

void pair_sad_install(struct pair *p, int n, const struct ike_fx_install *i)
{
	const struct ike_child_install *in = &i->child;
	struct pair_node *node = &p->node[n];
	struct pair_child *c = calloc(1, sizeof *c), *was = node->sad;
	struct task *t;

	assert_non_null(c);
	while (was && was->spi_in != in->spi_in)
		was = was->next;
	/* The same again: what differs is taken over, what it knows stays. */
	if (was)
		*c = (struct pair_child){.live = was->live,
			.seen = was->seen,
			.stamp = was->stamp,
			.outbound = was->outbound};
	pair_sad_delete(node, in->spi_in);
	c->worker_hint = in->worker_hint;
	c->own_wanted = in->own_wanted;
	c->spi_in = in->spi_in;
	c->spi_out = in->spi_out;
	c->policy_id = in->policy_id;
	c->selector_id = in->selector_id;
	c->peer = in->peer;
	c->local = in->local;
	c->remote = in->remote;
	c->udp_encap = in->udp_encap;
	c->udp_port = in->outer.udp_port;
	if (c->udp_port) {
		assert_int_equal(in->outer.udp_key.n, sizeof c->udp_key);
		memcpy(c->udp_key, in->outer.udp_key.p, sizeof c->udp_key);
	}
	c->outbound |= in->outbound;
	c->esn = in->esn;
	c->order = in->order;
	c->key_n = in->encr_key_in.n + in->integ_key_in.n;
	assert_in_range(c->key_n, 1, sizeof c->key_in);
	keys_put(c->key_in, in->encr_key_in, in->integ_key_in);
	keys_put(c->key_out, in->encr_key_out, in->integ_key_out);
	c->n_local_ts = MIN(in->n_local_ts, 8u);
	c->n_remote_ts = MIN(in->n_remote_ts, 8u);
	memcpy(c->local_ts, in->local_ts, c->n_local_ts * sizeof c->local_ts[0]);
	memcpy(c->remote_ts, in->remote_ts, c->n_remote_ts * sizeof c->remote_ts[0]);
	node->installs++;
	if (node->install_rc == 0) {
		c->next = node->sad;
		node->sad = c;
	} else {
		free(c);
	}
	t = pair_task_add(p, TASK_INSTALLED, n);
	t->ticket = i->ticket;
	t->spi = in->spi_in;
}

void pair_sad_update(struct pair_node *node, const struct ike_fx_update *u)
{
	for (struct pair_child *c = node->sad; c; c = c->next) {
		if (c->spi_in != u->spi_in)
			continue;
		if (u->moved)
			c->remote = u->remote;
		else
			c->outbound = u->outbound;
	}
}

/* The dataplane of the successor holds what the log says, as a standby's does. */
void pair_sad_restore(struct pair_node *to, const struct pair_record *r)
{
	Rec__ChildSa *s = rec__child_sa__unpack(NULL, r->body.n, r->body.p);
	struct pair_child *c = calloc(1, sizeof *c);

	assert_non_null(s);
	assert_non_null(c);
	c->spi_in = s->spi_in;
	c->spi_out = s->spi_out;
	c->policy_id = s->policy_id;
	c->selector_id = s->selector_id;
	c->peer = s->peer;
	c->worker_hint = (uint8_t)s->worker_hint;
	c->own_wanted = s->own_wanted;
	c->outbound = s->outbound;
	c->order = s->order;
	c->udp_encap = s->udp_encap;
	assert_int_equal(addr_from_view(octets_view(&s->local->address), &c->local.addr), 0);
	assert_int_equal(addr_from_view(octets_view(&s->remote->address), &c->remote.addr), 0);
	c->local.port = (uint16_t)s->local->port;
	c->remote.port = (uint16_t)s->remote->port;
	c->live = true;
	c->key_n = s->encr_key_in.len + s->integ_key_in.len;
	keys_put(c->key_in, octets_view(&s->encr_key_in), octets_view(&s->integ_key_in));
	keys_put(c->key_out, octets_view(&s->encr_key_out), octets_view(&s->integ_key_out));
	c->next = to->sad;
	to->sad = c;
	rec__child_sa__free_unpacked(s, NULL);
}
