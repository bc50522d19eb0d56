#include "sad.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/secret.h"
#include "core/ip6.h"
#include "form.h"
#include "stats.h"

enum { SAD_FIRST_BITS = 10 };

struct sa_cold *sa_cold_new(uint32_t n_selectors)
{
	return calloc(1, sizeof(struct sa_cold) + n_selectors * sizeof(struct selector));
}

static uint32_t lines(uint32_t n)
{
	return (n + 63) & ~63u;
}

/* Of both directions, each on lines of its own; behind the SA. */
static uint32_t keys_size(const struct suite *s)
{
	return 2 * lines(s->expanded);
}

static uint8_t *keys_of(struct sa *sa)
{
	return (uint8_t *)sa + lines(sizeof *sa);
}

struct sa *sa_new(struct slab *home, const struct suite *suite, uint32_t window)
{
	uint32_t words = lines(sizeof(struct sa)) + keys_size(suite);
	uint32_t size = words + replay_words(window) * (uint32_t)sizeof(uint64_t);
	struct sa *sa = slab_get(home, size);

	if (!sa)
		return NULL;
	sa->suite = suite;
	sa->home = home;
	sa->size = size;
	sa->key_in = keys_of(sa);
	sa->key_out = keys_of(sa) + lines(suite->expanded);
	replay_init(
		&sa->in, window, size > words ? (uint64_t *)(void *)((uint8_t *)sa + words) : NULL);
	return sa;
}

void sa_free(struct sa *sa)
{
	if (!sa)
		return;
	secret_wipe(keys_of(sa), keys_size(sa->suite));
	form_free(sa->form);
	free(atomic_load(&sa->cold));
	slab_put(sa->home, sa, sa->size);
}

static void counters_copy(struct sa_counters *to, const struct sa_counters *from)
{
	to->packets_in = count_get(&from->packets_in);
	to->bytes_in = count_get(&from->bytes_in);
	to->packets_out = count_get(&from->packets_out);
	to->bytes_out = count_get(&from->bytes_out);
	to->replay_errors = count_get(&from->replay_errors);
	to->auth_errors = count_get(&from->auth_errors);
	to->decrypt_errors = count_get(&from->decrypt_errors);
	to->selector_errors = count_get(&from->selector_errors);
	to->last_in_ns = count_get(&from->last_in_ns);
	to->last_out_ns = count_get(&from->last_out_ns);
}

struct sa *sa_clone(const struct sa *old, struct sa_cold *cold, uint64_t epoch, uint32_t nth)
{
	struct sa *sa = sa_new(old->home, old->suite, old->in.window);

	if (!sa)
		return NULL;
	sa->spi_in = old->spi_in;
	sa->salt_in = old->salt_in;
	sa->salt_out = old->salt_out;
	sa->bucket = old->bucket;
	sa->rg = old->rg;
	sa->flags = __atomic_load_n(&old->flags, __ATOMIC_RELAXED);
	atomic_init(&sa->cold, cold);
	replay_raise(&sa->in, replay_top(&old->in));
	sa->form = form_ref(old->form);
	seqno_clone(&sa->out, old->out.esn, old->out.strict, &old->granted, epoch);
	sa->out.cloned = nth;
	sa->granted = old->granted;
	memcpy((uint8_t *)sa + offsetof(struct sa, key_out),
		(const uint8_t *)old + offsetof(struct sa, key_out),
		offsetof(struct sa, n) - offsetof(struct sa, key_out));
	memcpy(keys_of(sa), old->key_in, keys_size(old->suite));
	sa->key_in = keys_of(sa);
	sa->key_out = keys_of(sa) + lines(old->suite->expanded);
	atomic_init(&sa->outbound, atomic_load(&old->outbound));
	counters_copy(&sa->n, &old->n);
	return sa;
}

void sa_key(struct sa *sa, struct suite_engine *e, const struct sa_keys *k)
{
	const struct suite *s = sa->suite;

	s->expand(s, e, k->encr_in, k->integ_in, keys_of(sa));
	s->expand(s, e, k->encr_out, k->integ_out, keys_of(sa) + lines(s->expanded));
	if (!suite_is_aead(s))
		return;
	memcpy(&sa->salt_in, k->encr_in.p + k->encr_in.n - SUITE_SALT, SUITE_SALT);
	memcpy(&sa->salt_out, k->encr_out.p + k->encr_out.n - SUITE_SALT, SUITE_SALT);
}

bool sa_same_keys(const struct sa *a, const struct sa *b)
{
	return a->suite == b->suite && a->salt_in == b->salt_in && a->salt_out == b->salt_out &&
	       view_equal_ct(view_of(a->key_in, keys_size(a->suite)),
		       view_of(b->key_in, keys_size(b->suite))) &&
	       form_same(a->form, b->form);
}

/* Returns its length. */
static uint32_t outer_put(uint8_t *p, const struct sa *sa, uint8_t proto)
{
	const struct sa_cold *c = sa_cold(sa);
	struct ipaddr src = ipaddr_of(&c->local.addr), dst = ipaddr_of(&c->remote.addr);

	if (!ipaddr_is_v4(dst)) {
		ip6_put(p, &(struct ip6_make){
				   .src = src, .dst = dst, .next = proto, .hops = sa->outer.ttl});
		return IP6_HDR;
	}
	ip4_put(p, &(struct ip4_make){
			   .src = ipaddr_to_v4(src),
			   .dst = ipaddr_to_v4(dst),
			   .ttl = sa->outer.ttl,
			   .proto = proto,
		   });
	return IP4_HDR;
}

void sa_template(struct sa *sa, uint32_t spi_out)
{
	const struct sa_cold *c = sa_cold(sa);
	const struct outer_options *o = &c->outer;
	bool udp = sa->flags & SA_UDP;
	uint8_t *p = sa->tmpl;

	sa->outer = outer_rules_of(o);
	atomic_store(&sa->mtu, o->mtu ? o->mtu : OUTER_MTU_NONE);
	p += outer_put(p, sa, udp ? IP_UDP : suite_is_ah(sa->suite) ? IP_AH : IP_ESP);
	sa->overhead = (uint8_t)(p - sa->tmpl + (udp ? ESP_UDP_HDR : 0));
	if (udp) { /* RFC 3948 2.1: the checksum is zero; over IPv6 it comes later */
		store_be16(p, o->udp_port ? 0 : c->local.port); /* multipath: by packet */
		store_be16(p + 2, o->udp_port ? o->udp_port : c->remote.port);
		store_be32(p + 4, 0);
		p += ESP_UDP_HDR;
	}
	store_be32(p, spi_out);
	store_be32(p + 4, 0);
}

static struct sad_table *table_new(uint32_t bits)
{
	struct sad_table *t = big_new(sizeof *t + sizeof(struct sad_slot) * ((size_t)1 << bits));

	if (t) {
		t->shift = 32 - bits;
		t->mask = (1u << bits) - 1;
	}
	return t;
}

int sad_init(struct sad *s)
{
	struct sad_table *t = table_new(SAD_FIRST_BITS);

	if (!t)
		return -ERR_NOMEM;
	s->memory = (struct slab){0};
	atomic_init(&s->table, t);
	s->n_live = s->n_used = 0;
	return 0;
}

void sad_fini(struct sad *s)
{
	struct sad_table *t = atomic_load(&s->table);

	if (!t)
		return;
	for (uint32_t i = 0; i <= t->mask; i++)
		sa_free(atomic_load(&t->slots[i].sa));
	free(t);
	atomic_store(&s->table, NULL);
	slab_fini(&s->memory);
}

/* The slot of this SPI, or the empty one where it would be. */
static struct sad_slot *slot_find(struct sad_table *t, uint32_t spi)
{
	for (uint32_t i = sad_hash(t, spi);; i++) {
		struct sad_slot *slot = &t->slots[i & t->mask];
		uint32_t have = atomic_load_explicit(&slot->spi, memory_order_acquire);

		if (have == spi || have == 0)
			return slot;
	}
}

struct sa *sad_find(const struct sad *s, uint32_t spi)
{
	struct sad_table *t = atomic_load_explicit(&s->table, memory_order_acquire);

	for (uint32_t i = sad_hash(t, spi);; i++) {
		struct sad_slot *slot = &t->slots[i & t->mask];
		uint32_t have = atomic_load_explicit(&slot->spi, memory_order_acquire);

		if (have == spi) /* a tombstone holds NULL */
			return atomic_load_explicit(&slot->sa, memory_order_acquire);
		if (have == 0)
			return NULL;
	}
}

static int table_rebuild(struct sad *s, struct sad_table **retired)
{
	struct sad_table *old = atomic_load(&s->table), *t;
	uint32_t bits = SAD_FIRST_BITS;

	while ((1u << bits) < 4 * (s->n_live + 1))
		bits++;
	t = table_new(bits);
	if (!t)
		return -ERR_NOMEM;
	for (uint32_t i = 0; i <= old->mask; i++) {
		struct sa *sa = atomic_load(&old->slots[i].sa);

		if (sa) {
			struct sad_slot *slot = slot_find(t, sa->spi_in);

			atomic_store(&slot->sa, sa);
			atomic_store(&slot->spi, sa->spi_in);
		}
	}
	s->n_used = s->n_live;
	atomic_store_explicit(&s->table, t, memory_order_release);
	*retired = old;
	return 0;
}

int sad_add(struct sad *s, struct sa *sa, struct sad_table **retired)
{
	struct sad_table *t = atomic_load(&s->table);
	struct sad_slot *slot;

	*retired = NULL;
	if (2 * (s->n_used + 1) > t->mask) { /* at most half full: short probes */
		int rc = table_rebuild(s, retired);

		if (rc < 0)
			return rc;
		t = atomic_load(&s->table);
	}
	slot = slot_find(t, sa->spi_in);
	if (atomic_load(&slot->sa))
		return -ERR_EXISTS;
	if (atomic_load(&slot->spi) == 0)
		s->n_used++;
	atomic_store_explicit(&slot->sa, sa, memory_order_release);
	atomic_store_explicit(&slot->spi, sa->spi_in, memory_order_release);
	s->n_live++;
	return 0;
}

struct sa *sad_remove(struct sad *s, uint32_t spi)
{
	struct sad_slot *slot = slot_find(atomic_load(&s->table), spi);
	struct sa *sa = atomic_exchange(&slot->sa, NULL);

	if (sa)
		s->n_live--;
	return sa;
}

struct sa *sad_replace(struct sad *s, struct sa *sa)
{
	struct sad_slot *slot = slot_find(atomic_load(&s->table), sa->spi_in);

	return atomic_exchange(&slot->sa, sa);
}

bool sad_at(const struct sad *s, uint32_t i, struct sa **sa)
{
	struct sad_table *t = atomic_load(&s->table);

	if (i > t->mask)
		return false;
	*sa = atomic_load(&t->slots[i].sa);
	return true;
}
