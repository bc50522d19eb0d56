/*
 * What a packet costs that nobody has proved anything with (I9): computations, memory, words and
 * answers are counted for every kind of it, a few hundred of each. And nobody learns from the work
 * behind a refusal which identities there are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/emit.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/prf.h"
#include "ike/negotiate.h"
#include "pair.h"
#include "wire/pld_ke.h"
#include "wire/pld_nonce.h"
#include "wire/pld_notify.h"
#include "wire/writer.h"

struct work {
	unsigned prfs, opened, hashed, allocs;
};

static struct work done;

int __real_prf(struct crypto *c, uint16_t id, struct view key, struct views parts, uint8_t *out);
int __wrap_prf(struct crypto *c, uint16_t id, struct view key, struct views parts, uint8_t *out);
int __real_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out);
int __wrap_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out);
int __real_hash(struct crypto *c, enum hash_id id, struct views parts, uint8_t *out);
int __wrap_hash(struct crypto *c, enum hash_id id, struct views parts, uint8_t *out);
int __real_aead_open(
	struct crypto *c, const struct aead *a, const struct aead_io *io, const uint8_t *icv);
int __wrap_aead_open(
	struct crypto *c, const struct aead *a, const struct aead_io *io, const uint8_t *icv);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

int __wrap_prf(struct crypto *c, uint16_t id, struct view key, struct views parts, uint8_t *out)
{
	done.prfs++;
	return __real_prf(c, id, key, parts, out);
}

int __wrap_auth_psk(struct crypto *c, uint16_t prf_id, struct view psk, const struct auth_octets *o,
	uint8_t *out)
{
	done.prfs++;
	return __real_auth_psk(c, prf_id, psk, o, out);
}

int __wrap_hash(struct crypto *c, enum hash_id id, struct views parts, uint8_t *out)
{
	done.hashed++;
	return __real_hash(c, id, parts, out);
}

int __wrap_aead_open(
	struct crypto *c, const struct aead *a, const struct aead_io *io, const uint8_t *icv)
{
	done.opened++;
	return __real_aead_open(c, a, io, icv);
}

void *__wrap_malloc(size_t n)
{
	done.allocs++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	done.allocs++;
	return __real_calloc(n, size);
}

/* ---------------------------------------------------------------- packets of strangers */

enum { PACKETS = 300, STRANGER = 0xc0000201 /* the address of the good peer, forged */ };

struct forged {
	uint64_t spi_i, spi_r;
	uint8_t exchange, flags;
	uint32_t mid;
	uint8_t octets[3000];
	size_t n;
};

static uint64_t spi_of(struct pair *p, enum sa_state state, bool ours)
{
	const struct ike_sa *sa, *next;

	map_foreach (p->node[1].ike->sas, sa, next)
		if (sa->state == state)
			return ours ? sa->spi_local : sa->spi_remote;
	return 0;
}

static void begin(struct forged *f, struct writer *w)
{
	const struct ike_header h = {.spi_i = f->spi_i,
		.spi_r = f->spi_r,
		.exchange = f->exchange,
		.flags = f->flags,
		.mid = f->mid};

	writer_begin(w, f->octets, sizeof f->octets, &h);
}

static void finish(struct forged *f, struct writer *w)
{
	struct view message;

	assert_int_equal(writer_end(w, &message), 0);
	f->n = message.n;
}

/* A body of that payload which says nothing that could be true. */
static void junk(struct forged *f, uint8_t type, size_t n)
{
	static const uint8_t zeros[2600];
	struct writer w;

	begin(f, &w);
	writer_add(&w, type, view_of(zeros, n));
	finish(f, &w);
}

static void garbage(struct pair *p, struct forged *f, unsigned i)
{
	(void)p;
	f->n = i * 7 % 1500;
	for (size_t k = 0; k < f->n; k++)
		f->octets[k] = (uint8_t)(i * 31 + k * 17);
}

static void opening_payloads(struct pair *p, struct writer *w, unsigned i)
{
	uint8_t value[32] = {9}, nonce[32] = {(uint8_t)i, (uint8_t)(i >> 8)};
	const struct pld_ke ke = {31, view_of_array(value)};

	writer_open(w, PLD_SA);
	assert_int_equal(
		offer_ike(&w->e, p->node[1].model->gateways[0].policy, (struct view){0}, true), 0);
	writer_close(w);
	writer_open(w, PLD_KE);
	pld_ke_emit(&w->e, &ke);
	writer_close(w);
	writer_open(w, PLD_NONCE);
	pld_nonce_emit(&w->e, view_of_array(nonce));
	writer_close(w);
}

static void opening_of(struct pair *p, struct forged *f, unsigned i, uint64_t spi)
{
	struct writer w;

	*f = (struct forged){
		.spi_i = spi, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
	begin(f, &w);
	opening_payloads(p, &w, i);
	finish(f, &w);
}

static void opening(struct pair *p, struct forged *f, unsigned i)
{
	opening_of(p, f, i, 1000 + i);
}

static void same_opening(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	opening_of(p, f, 0, 7);
}

static void false_cookie(struct pair *p, struct forged *f, unsigned i)
{
	static const uint8_t cookie[64];
	const struct pld_notify n = {.type = N_COOKIE, .data = view_of_array(cookie)};
	struct writer w;

	*f = (struct forged){
		.spi_i = 1 + i, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
	begin(f, &w);
	writer_open(&w, PLD_NOTIFY);
	pld_notify_emit(&w.e, &n);
	writer_close(&w);
	opening_payloads(p, &w, i);
	finish(f, &w);
}

/* As many payloads as there may be, and one more. */
static void full_opening(struct pair *p, struct forged *f, unsigned i)
{
	struct writer w;

	*f = (struct forged){
		.spi_i = 1 + i, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
	begin(f, &w);
	opening_payloads(p, &w, i);
	for (unsigned k = 0; k < 100; k++)
		writer_add(&w, PLD_VENDOR, view_of_literal("x"));
	finish(f, &w);
}

static void resumption(struct pair *p, struct forged *f, unsigned i)
{
	static const uint8_t ticket[800] = {1};
	const struct pld_notify n = {.type = N_TICKET_OPAQUE, .data = view_of_array(ticket)};
	uint8_t nonce[32] = {(uint8_t)i};
	struct writer w;

	(void)p;
	*f = (struct forged){.spi_i = 1 + i,
		.exchange = EXCHANGE_IKE_SESSION_RESUME,
		.flags = IKE_FLAG_INITIATOR};
	begin(f, &w);
	writer_open(&w, PLD_NONCE);
	pld_nonce_emit(&w.e, view_of_array(nonce));
	writer_close(&w);
	writer_open(&w, PLD_NOTIFY);
	pld_notify_emit(&w.e, &n);
	writer_close(&w);
	finish(f, &w);
}

static void unknown_spi(struct pair *p, struct forged *f, unsigned i)
{
	(void)p;
	*f = (struct forged){.spi_i = i,
		.spi_r = 99 + i,
		.exchange = EXCHANGE_INFORMATIONAL,
		.flags = IKE_FLAG_INITIATOR};
	junk(f, PLD_SK, 60);
}

static void to_sa(struct pair *p, struct forged *f, enum sa_state state, uint8_t exchange)
{
	*f = (struct forged){.spi_i = spi_of(p, state, false),
		.spi_r = spi_of(p, state, true),
		.exchange = exchange,
		.flags = IKE_FLAG_INITIATOR};
	assert_true(f->spi_r != 0);
}

static void forged_auth(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_HALF_OPEN, EXCHANGE_IKE_AUTH);
	f->mid = 1;
	junk(f, PLD_SK, 2000);
}

static void forged_intermediate(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_HALF_OPEN, EXCHANGE_IKE_INTERMEDIATE);
	f->mid = 1;
	junk(f, PLD_SK, 2000);
}

static void forged_request(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_UP, EXCHANGE_CREATE_CHILD_SA);
	f->mid = pair_sa(p, 1)->next_rx;
	junk(f, PLD_SK, 1400);
}

static void old_request(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_UP, EXCHANGE_IKE_AUTH);
	f->mid = pair_sa(p, 1)->next_rx - 1;
	junk(f, PLD_SK, 1400);
}

static void wrong_window(struct pair *p, struct forged *f, unsigned i)
{
	to_sa(p, f, SA_UP, EXCHANGE_INFORMATIONAL);
	f->mid = 5000 + i;
	junk(f, PLD_SK, 1400);
}

static void forged_answer(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_UP, EXCHANGE_INFORMATIONAL);
	f->flags |= IKE_FLAG_RESPONSE;
	f->mid = pair_sa(p, 1)->next_tx;
	junk(f, PLD_SK, 1400);
}

static void forged_fragment(struct pair *p, struct forged *f, unsigned i)
{
	to_sa(p, f, SA_UP, EXCHANGE_CREATE_CHILD_SA);
	f->mid = pair_sa(p, 1)->next_rx;
	junk(f, PLD_SKF, 1000);
	f->octets[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 1] = (uint8_t)(1 + i % 32);
	f->octets[IKE_HEADER_LEN + PAYLOAD_HEADER_LEN + 3] = 32;
}

static void in_clear(struct pair *p, struct forged *f, unsigned i)
{
	(void)i;
	to_sa(p, f, SA_UP, EXCHANGE_INFORMATIONAL);
	f->mid = pair_sa(p, 1)->next_rx;
	junk(f, PLD_DELETE, 8);
}

static void says_unknown_spi(struct pair *p, struct forged *f, unsigned i)
{
	const struct pld_notify n = {.type = N_INVALID_IKE_SPI};
	struct writer w;

	(void)i;
	to_sa(p, f, SA_UP, EXCHANGE_INFORMATIONAL);
	f->flags |= IKE_FLAG_RESPONSE;
	begin(f, &w);
	writer_open(&w, PLD_NOTIFY);
	pld_notify_emit(&w.e, &n);
	writer_close(&w);
	finish(f, &w);
}

/* ---------------------------------------------------------------- and what they may cost */

/* A tenth of each, for one packet; of all of them: words, records, key exchanges. */
static const struct kind {
	const char *name;
	void (*make)(struct pair *p, struct forged *f, unsigned i);
	struct work most;
	unsigned said, jobs;
	bool answered;
} kinds[] = {
	{"garbage", garbage, {0, 0, 0, 0}, 2, 0, false},
	{"an opening", opening, {0, 0, 10, 100}, 40, PACKETS, true},
	{"the same opening again", same_opening, {0, 0, 10, 1}, 4, 1, true},
	{"an opening with a false cookie", false_cookie, {0, 0, 10, 100}, 40, PACKETS, true},
	{"an opening of 100 payloads", full_opening, {0, 0, 0, 0}, 2, 0, false},
	{"a resumption with a false ticket", resumption, {0, 0, 10, 40}, 40, 0, true},
	{"an unknown SPI", unknown_spi, {0, 0, 0, 10}, 4, 0, true},
	{"a forged IKE_AUTH", forged_auth, {0, 1, 0, 1}, 4, 0, false},
	{"a forged IKE_INTERMEDIATE", forged_intermediate, {0, 1, 0, 1}, 4, 0, false},
	{"a forged request", forged_request, {0, 10, 0, 1}, 2, 0, false},
	{"a forged request, answered before", old_request, {0, 0, 10, 1}, 2, 0, false},
	{"outside of the window", wrong_window, {0, 0, 0, 0}, 2, 0, false},
	{"a forged answer", forged_answer, {0, 0, 0, 0}, 2, 0, false},
	{"a forged fragment", forged_fragment, {0, 10, 0, 1}, 2, 0, false},
	{"a delete in clear", in_clear, {0, 0, 0, 0}, 2, 0, false},
	{"INVALID_IKE_SPI in clear", says_unknown_spi, {0, 0, 0, 10}, 4, 0, false},
};

/* But for those that only a debugger sees. */
static unsigned lines(const struct pair *p, size_t from)
{
	const char *at = p->node[1].said + from;
	unsigned n = 0;

	for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
		n += strncmp(at, "ike.state ", 10) != 0;
	return n;
}

static unsigned records(const struct pair *p)
{
	unsigned n = 0;

	for (const struct pair_record *r = p->node[1].log; r; r = r->next)
		n++;
	return n;
}

static bool nothing_passes(struct pair *p, struct packet *k)
{
	(void)p;
	(void)k;
	return false;
}

/* Node 1 with an IKE SA of node 0's, and one that node 2 has left half-open. */
static struct pair *beset(void)
{
	struct pair_side b = side_b;
	struct pair *p;

	b.extra = "set security ike gateway G session-resumption lifetime 3600\n";
	p = pair_up_of(&side_a, &b);
	p->unchecked = true;
	pair_start(p, 2, &side_a);
	pair_acquire(p, 2);
	while (pair_sas(p, 1, SA_HALF_OPEN) == 0 && pair_step(p))
		;
	pair_kill(p, 2);
	assert_int_equal(pair_sas(p, 1, SA_HALF_OPEN), 1);
	p->wire = nothing_passes;
	return p;
}

static void feed(struct pair *p, const struct forged *f)
{
	struct ike_event ev = {.type = IKE_EV_DATAGRAM};

	ev.datagram = (struct ike_ev_datagram){.interface_id = 7,
		.local = {p->node[1].addr, 500},
		.remote = {addr_of_v4(STRANGER), 500},
		.octets = view_of(f->octets, f->n)};
	assert_int_equal(pair_feed(p, 1, &ev), 0);
}

/* Of the engine alone: what the harness keeps for the wire is not its doing. */
static struct work cost(struct pair *p, const struct kind *k, unsigned *sent)
{
	struct work sum = {0};
	struct forged f = {0};

	*sent = p->node[1].sent;
	for (unsigned i = 0; i < PACKETS; i++) {
		k->make(p, &f, i);
		done = (struct work){0};
		feed(p, &f);
		sum.prfs += done.prfs;
		sum.opened += done.opened;
		sum.hashed += done.hashed;
		sum.allocs += done.allocs;
	}
	*sent = p->node[1].sent - *sent;
	return sum;
}

static void within(const char *name, const char *what, unsigned found, unsigned tenths)
{
	if (found * 10 > tenths * PACKETS)
		fail_msg("%s: %u %s for %u packets", name, found, what, PACKETS);
}

static void every_kind_is_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		struct pair *p = beset();
		size_t said = p->node[1].said_n;
		unsigned kept = records(p), jobs = pair_waiting(p), sent;
		struct work w = cost(p, k, &sent);

		jobs = pair_waiting(p) - jobs - sent;
		print_message("# %-36s prf %3u open %3u hash %3u alloc %4u sent %3u jobs %3u\n",
			k->name, w.prfs, w.opened, w.hashed, w.allocs, sent, jobs);
		within(k->name, "computations of the PRF", w.prfs, k->most.prfs);
		within(k->name, "envelopes opened", w.opened, k->most.opened);
		within(k->name, "hashes", w.hashed, k->most.hashed);
		within(k->name, "allocations", w.allocs, k->most.allocs);
		assert_in_range(lines(p, said), 0, k->said);
		assert_in_range(jobs, 0, k->jobs);
		/* an answer for each at most; nothing is told to the other nodes */
		assert_in_range(sent, 0, k->answered ? PACKETS : 0);
		assert_int_equal(records(p), kept);
		/* and it passes: the good peer's SA stands, nothing else is left */
		pair_pass(p, 61000);
		assert_non_null(pair_sa(p, 1));
		assert_int_equal(pair_open_sas(p, 1), 1);
		pair_free(p);
	}
}

/* ---------------------------------------------------------------- who is there */

/* What the responder does from IKE_AUTH to its refusal. */
static struct work refusal(const struct pair_side *a)
{
	struct pair *p = pair_of(a, &side_b);
	struct work w = {0};

	pair_acquire(p, 0);
	while (p->node[1].ike->stats.auth_failed == 0 && pair_waiting(p) != 0) {
		int node = pair_task_at(p, p->first);

		done = (struct work){0};
		(void)pair_step(p);
		if (node == 1)
			w = done;
	}
	assert_int_equal(p->node[1].ike->stats.auth_failed, 1);
	pair_free(p);
	return w;
}

static void refusals_are_the_same_work(void **state)
{
	struct pair_side key = side_a, id = side_a;
	struct work w, other;

	(void)state;
	key.psk = "not the right one";
	id.extra = "set security ike gateway G local-identity hostname nobody.example\n";
	w = refusal(&key);
	other = refusal(&id);
	assert_true(w.prfs != 0);
	assert_int_equal(w.prfs, other.prfs);
	assert_int_equal(w.opened, other.opened);
	assert_int_equal(w.hashed, other.hashed);
	assert_int_equal(w.allocs, other.allocs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_bounded),
		cmocka_unit_test(refusals_are_the_same_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
