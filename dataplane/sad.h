#pragma once
/*
 * Security associations, a pair (both directions of a CHILD SA) an entry, found by inbound SPI.
 *
 * Life: sa_new() .. sad_add() by the API thread; after sad_remove() and a grace period, sa_free().
 * Threads: the table is written by the API thread and read by workers under QSBR. What an SA
 * counts and numbers belongs to the worker that owns its bucket; others read only what is marked
 * shared. Hot lines first, cold data behind a pointer.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/outer.h"
#include "core/replay.h"
#include "core/seqno.h"
#include "core/spd.h"
#include "slab.h"
#include "suite.h"

enum {
	SA_TEMPLATE = 56, /* IPv4(20) or IPv6(40), UDP(8), ESP SPI and sequence(8) */
	SA_LINE = 64,
};

enum {
	SA_ESN = 1,
	SA_UDP = 2,
	SA_SEEN_IN = 4,	 /* an inbound packet was authenticated */
	SA_TOLD_SEQ = 8, /* the "number space is running out" event was sent */
	SA_TOLD_SOFT = 16,
	SA_TOLD_HARD = 32,
	SA_LIMITED = 64, /* has a limit of octets */
	SA_FORMED = 128, /* has a form: not ESP in a tunnel */
};

/* As it was installed; replaced as a whole. */
struct sa_cold {
	uint32_t policy_id, spi_out;
	uint32_t selector_id, peer; /* of a peer of a dynamic gateway: parts.h; else 0 */
	uint32_t outside;	    /* id of the interface it was negotiated at */
	_Atomic uint16_t tunnel;    /* slot of the interface its packets come out of; shared */
	struct outer_options outer;
	uint8_t worker;	 /* whose outbound packets it is for (RFC 9611); WORKER_NONE: everyone's, */
	bool own_wanted; /* and then: who sends with it from elsewhere wants one of its own */
	/* Who said so of late: seconds << 16 | workers; shared. */
	_Atomic uint64_t own_asked;
	struct endpoint local, remote;
	struct selectors ts;
	uint64_t order;
	uint64_t soft_bytes, hard_bytes;
	_Atomic uint64_t mtu_until_ns; /* a learned one is forgotten then; 0: none is */
	struct selector selectors[];
};

struct sa_counters {
	uint64_t packets_in, bytes_in, packets_out, bytes_out;
	uint64_t replay_errors, auth_errors, decrypt_errors, selector_errors;
	uint64_t last_in_ns, last_out_ns, moved_ns;
};

struct sa {
	/* line 0: inbound, and what both directions need */
	uint32_t spi_in;
	uint32_t salt_in, salt_out; /* as in memory */
	uint16_t bucket;
	uint8_t rg, flags;
	const struct suite *suite;
	const void *key_in;
	_Atomic(struct sa_cold *) cold; /* shared */
	struct replay in;
	/* line 1, 2: numbers */
	_Alignas(64) struct seqno out;
	struct lease granted; /* the API thread's: all it ever told the owner */
	/* line 3: outbound; changed by orders only, up to n */
	_Alignas(64) const void *key_out;
	uint8_t overhead;	  /* octets of outer headers, without ESP */
	_Atomic bool outbound;	  /* shared: may send */
	_Atomic uint8_t instance; /* shared: whose routes lead to the peer */
	_Atomic uint16_t mtu;	  /* shared: of outer packets, configured or learned */
	struct outer_rules outer;
	uint8_t tmpl[SA_TEMPLATE]; /* outer headers ready to copy; they say where packets go */
	struct sa_counters n;
	/* Behind it lie both expanded keys, wiped with the SA, and the window's words. */
	uint32_t size; /* of the whole */
	struct slab *home;
	struct sa_form *form; /* NULL: ESP in a tunnel; see form.h */
};

_Static_assert(sizeof(struct sa) <= 7 * 64, "SA state fits seven lines");
_Static_assert(offsetof(struct sa, out) == 64, "inbound state is one line");

/* In one piece of `home`, which outlives it. */
struct sa *sa_new(struct slab *home, const struct suite *suite, uint32_t window);
void sa_free(struct sa *sa);
/* The same SA once more, while the thread that owns `old` may be at work with it still: numbers
 * begin beyond what that one can reach in `epoch`, the window at the highest number seen. `nth` is
 * the revocation it is made for. Takes `cold` over when it succeeds. */
struct sa *sa_clone(const struct sa *old, struct sa_cold *cold, uint64_t epoch, uint32_t nth);
struct sa_cold *sa_cold_new(uint32_t n_selectors);

/* As IKE gives them: encryption keys (AEAD: with salt) and integrity keys, of the right lengths. */
struct sa_keys {
	struct view encr_in, encr_out, integ_in, integ_out;
};

/* Expands the keys of both directions. */
void sa_key(struct sa *sa, struct suite_engine *e, const struct sa_keys *k);
/* Same suite and same keys? */
bool sa_same_keys(const struct sa *a, const struct sa *b);
/* Writes the outer headers from the cold endpoints and options, and forgets what was learned of the
 * way. Owner's thread once it is in use. */
void sa_template(struct sa *sa, uint32_t spi_out);

/* Flags are the owner's; others may read them at any time. */
static inline void sa_flag(struct sa *sa, uint8_t flag)
{
	__atomic_store_n(&sa->flags, sa->flags | flag, __ATOMIC_RELAXED);
}

static inline struct sa_cold *sa_cold(const struct sa *sa)
{
	return atomic_load_explicit(&sa->cold, memory_order_acquire);
}

/* In UDP 4500, so that the peer may move; multipath encapsulation has nothing to do with NATs. */
static inline bool sa_is_natt(const struct sa *sa)
{
	return (sa->flags & SA_UDP) && sa_cold(sa)->outer.udp_port == 0;
}

/* Memory that will be wanted, fetched ahead. First these, then (they lead there) cold and key. No
 * branch depends on what is still under way: mispredicted, it would wait for it. */
static inline void sa_fetch_in(const struct sa *sa)
{
	__builtin_prefetch(&sa->spi_in);
	__builtin_prefetch(&sa->out);
	__builtin_prefetch(&sa->n);
	__builtin_prefetch(&sa->n.last_in_ns);
}

static inline void sa_fetch_out(const struct sa *sa)
{
	__builtin_prefetch(&sa->spi_in);
	__builtin_prefetch(&sa->out);
	__builtin_prefetch(&sa->key_out);
	__builtin_prefetch(&sa->n);
	__builtin_prefetch(&sa->n.last_in_ns);
}

static inline void sa_fetch_cold(const struct sa *sa)
{
	const uint8_t *c = (const uint8_t *)sa_cold(sa);

	for (uint32_t i = 0; i < sizeof(struct sa_cold) + 2 * sizeof(struct selector); i += SA_LINE)
		__builtin_prefetch(c + i);
}

/* For a packet of `len` octets. */
static inline void sa_fetch_key(const struct sa *sa, const void *key, uint32_t len)
{
	const struct suite *s = sa->suite;
	const uint8_t *k = key, *end = k + s->expanded;
	uint32_t front = suite_key_front(s), back = suite_key_back(s, len);

	for (uint32_t i = 0; i < front; i += SA_LINE)
		__builtin_prefetch(k + i);
	for (uint32_t i = 1; i <= back; i += SA_LINE)
		__builtin_prefetch(end - i);
}

struct sad_slot {
	_Atomic uint32_t spi; /* 0 = never used */
	_Atomic(struct sa *) sa;
};

struct sad_table {
	uint32_t shift, mask;
	struct sad_slot slots[];
};

struct sad {
	struct slab memory; /* of SAs */
	_Atomic(struct sad_table *) table;
	uint32_t n_live, n_used; /* used counts tombstones too */
};

/* Spreads SPIs that differ in high or low bits alike; SPIs are our own choice, never a peer's. */
static inline uint32_t sad_hash(const struct sad_table *t, uint32_t spi)
{
	return (spi * 0x9e3779b1u) >> t->shift;
}

int sad_init(struct sad *s) MUST_CHECK;
void sad_fini(struct sad *s);
/* API thread. When the table had to grow, *retired is the old one, to be freed after a grace
 * period. -ERR_EXISTS when the SPI is there. */
int sad_add(struct sad *s, struct sa *sa, struct sad_table **retired) MUST_CHECK;
struct sa *sad_remove(struct sad *s, uint32_t spi);
/* In place of the one with the same SPI, which it returns. */
struct sa *sad_replace(struct sad *s, struct sa *sa);

/* Fetches what sad_find() will look at. */
static inline void sad_fetch(const struct sad *s, uint32_t spi)
{
	const struct sad_table *t = atomic_load_explicit(&s->table, memory_order_acquire);

	__builtin_prefetch(&t->slots[sad_hash(t, spi) & t->mask]);
}

/* Any thread that is online in QSBR. */
struct sa *sad_find(const struct sad *s, uint32_t spi);
/* API thread: the i-th slot's SA or NULL; false behind the last. */
bool sad_at(const struct sad *s, uint32_t i, struct sa **sa);
