#include "pair.h"

#include <stdio.h>

#include "ike/negotiate.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"
#include "wire/pld_notify.h"
#include "wire/writer.h"

uint32_t pair_policy(struct pair *p, int node)
{
	(void)p;
	(void)node;
	return model_policy_id("V", "T1");
}

void pair_acquire(struct pair *p, int node)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = pair_policy(p, node);
	assert_int_equal(pair_feed(p, node, &ev), 0);
}

static struct endpoint end_of(const char *text, uint8_t *protocol)
{
	struct endpoint e = {0};
	char addr[64];
	unsigned proto, port;

	assert_int_equal(sscanf(text, "%63s %u:%u", addr, &proto, &port), 3);
	assert_int_equal(addr_parse(addr, &e.addr), 0);
	e.port = (uint16_t)port;
	*protocol = (uint8_t)proto;
	return e;
}

void pair_acquire_packet(
	struct pair *p, int node, uint32_t policy_id, const char *from, const char *to)
{
	struct ike_event ev = {.type = IKE_EV_ACQUIRE};

	ev.acquire.policy_id = policy_id;
	ev.acquire.source = end_of(from, &ev.acquire.protocol);
	ev.acquire.destination = end_of(to, &ev.acquire.protocol);
	assert_int_equal(pair_feed(p, node, &ev), 0);
}

unsigned pair_operate(
	struct pair *p, int node, enum ike_operation op, const struct ike_filter *filter)
{
	struct ike_event ev = {.type = IKE_EV_OPERATOR};

	ev.operator_.op = op;
	ev.operator_.request = 1;
	if (filter)
		ev.operator_.filter = *filter;
	p->node[node].operated = 0;
	assert_int_equal(pair_feed(p, node, &ev), 0);
	return p->node[node].operated;
}

struct pair *pair_up_of(const struct pair_side *a, const struct pair_side *b)
{
	struct pair *p = pair_of(a, b);

	pair_acquire(p, 0);
	pair_settle(p);
	pair_check_up(p, 0, 1);
	return p;
}

struct pair *pair_up(const char *pfs)
{
	struct pair_side a = side_a, b = side_b;

	a.pfs = b.pfs = pfs;
	return pair_up_of(&a, &b);
}

void pair_reconfigure(struct pair *p, int node, const struct pair_side *side)
{
	struct ike_event ev = {.type = IKE_EV_CONFIG};

	ev.model = pair_model(side);
	assert_int_equal(pair_feed(p, node, &ev), 0);
	model_free(ev.model);
}

struct ike_sa *pair_sa(struct pair *p, int node)
{
	struct ike_sa *sa, *next, *found = NULL;

	HASH_ITER(hh, p->node[node].ike->sas, sa, next)
	if (sa->state == SA_UP)
		found = sa;
	return found;
}

unsigned pair_sas(struct pair *p, int node, enum sa_state state)
{
	struct ike_sa *sa, *next;
	unsigned n = 0;

	HASH_ITER(hh, p->node[node].ike->sas, sa, next)
	n += sa->state == state;
	return n;
}

unsigned pair_open_sas(struct pair *p, int node)
{
	return HASH_COUNT(p->node[node].ike->sas) - pair_sas(p, node, SA_CLOSED) -
	       pair_sas(p, node, SA_REFUSED);
}

struct child *pair_child(struct pair *p, int node)
{
	struct child *c, *next, *found = NULL;

	HASH_ITER(hh, p->node[node].ike->children, c, next)
	if (c->state == CHILD_UP && (!found || c->order > found->order))
		found = c;
	return found;
}

unsigned pair_children(struct pair *p, int node)
{
	return HASH_COUNT(p->node[node].ike->children);
}

bool pair_said(struct pair *p, int node, const char *text)
{
	return strstr(p->node[node].said, text) != NULL;
}

static unsigned sad_count(const struct pair_node *n)
{
	unsigned k = 0;

	for (const struct pair_child *c = n->sad; c; c = c->next)
		k++;
	return k;
}

void pair_check_mirrored(struct pair *p, int a, int b)
{
	const struct pair_node *na = &p->node[a], *nb = &p->node[b];

	assert_int_equal(sad_count(na), sad_count(nb));
	assert_int_equal(sad_count(na), pair_children(p, a));
	assert_int_equal(sad_count(nb), pair_children(p, b));
	for (const struct pair_child *x = na->sad; x; x = x->next) {
		const struct pair_child *y = nb->sad;

		assert_non_null(child_find(na->ike, x->spi_in));
		while (y && y->spi_in != x->spi_out)
			y = y->next;
		if (!y) {
			fail_msg("child %08x is not at the other end", x->spi_in);
			return;
		}
		assert_int_equal(y->spi_out, x->spi_in);
		assert_int_equal(x->key_n, y->key_n);
		assert_memory_equal(x->key_in, y->key_out, x->key_n);
		assert_memory_equal(x->key_out, y->key_in, x->key_n);
		assert_memory_not_equal(x->key_in, x->key_out, x->key_n);
	}
}

void pair_check_agreed(struct pair *p, int a, int b)
{
	struct ike_sa *x, *next, *y;

	assert_int_equal(pair_open_sas(p, a), pair_open_sas(p, b));
	HASH_ITER(hh, p->node[a].ike->sas, x, next)
	{
		if (x->state == SA_CLOSED || x->state == SA_REFUSED)
			continue;
		assert_int_equal(x->state, SA_UP);
		y = sa_find(p->node[b].ike, x->spi_remote);
		if (!y || y->state != SA_UP) {
			fail_msg("an IKE SA is not at the other end");
			return;
		}
		assert_true(x->has_children == y->has_children);
		assert_null(x->out);
		assert_null(y->out);
	}
	pair_check_mirrored(p, a, b);
}

void pair_check_up(struct pair *p, int a, int b)
{
	struct ike_sa *x, *y;

	assert_int_equal(pair_open_sas(p, a), 1);
	assert_int_equal(pair_open_sas(p, b), 1);
	x = pair_sa(p, a);
	y = pair_sa(p, b);
	if (!x || !y) {
		fail_msg("no IKE SA is up");
		return;
	}
	assert_true(x->spi_local == y->spi_remote && x->spi_remote == y->spi_local);
	assert_true(x->initiator != y->initiator);
	assert_int_equal(x->next_tx, y->next_rx);
	assert_int_equal(x->next_rx, y->next_tx);
	assert_int_equal(pair_children(p, a), 1);
	assert_int_equal(pair_children(p, b), 1);
	pair_check_mirrored(p, a, b);
	assert_true(x->has_children && y->has_children);
}

struct ike_header packet_header(const struct packet *k)
{
	struct ike_header h = {0};

	(void)!ike_header_parse(view_of(k->octets, k->n), &h);
	return h;
}

void pair_check_rekeys(struct pair *p)
{
	(void)pair_operate(p, 1, IKE_OP_REKEY_IKE, NULL);
	pair_pass(p, 1000);
	(void)pair_operate(p, 0, IKE_OP_REKEY_CHILD, NULL);
	pair_pass(p, 60000);
	pair_check_up(p, 0, 1);
}

void pair_stranger(struct pair *p, uint64_t spi, struct view cookie, struct packet *k)
{
	uint8_t room[1024], nonce[32] = {9};
	struct ike_header h = {
		.spi_i = spi, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
	const struct pld_ke ke = {31, view_of_array(nonce)};
	const struct pld_notify n = {.type = N_COOKIE, .data = cookie};
	struct writer w;
	struct view message;

	writer_begin(&w, room, sizeof room, &h);
	if (cookie.n != 0) {
		writer_open(&w, PLD_NOTIFY);
		pld_notify_emit(&w.e, &n);
		writer_close(&w);
	}
	writer_open(&w, PLD_SA);
	assert_int_equal(
		offer_ike(&w.e, p->node[1].model->gateways[0].policy, (struct view){0}, true), 0);
	writer_close(&w);
	writer_open(&w, PLD_KE);
	pld_ke_emit(&w.e, &ke);
	writer_close(&w);
	writer_open(&w, PLD_NONCE);
	pld_nonce_emit(&w.e, view_of_array(nonce));
	writer_close(&w);
	assert_int_equal(writer_end(&w, &message), 0);
	k->from = (struct endpoint){p->node[0].addr, 500};
	k->to = (struct endpoint){p->node[1].addr, 500};
	memcpy(k->octets, message.p, message.n);
	k->n = message.n;
}
