#pragma once
/*
 * Key exchange: one ephemeral key pair, from its generation to the shared secret.
 *
 * Life: kex_generate() or kex_import() .. kex_free(). Owned by one holder at a time, who may hand
 * it to another thread (the thread pool) and back; nothing here touches the handle's scratch
 * contexts, so one `struct crypto` serves all threads. The private half is never printed; it
 * leaves only through kex_export(), for a sealed replication record.
 *
 * Public values are as on the wire: MODP left-padded to the modulus (RFC 7296 3.4), ECP x and y
 * (RFC 5903 7), curve25519 32 octets, curve448 56 (RFC 8031 3.1).
 */
#include "base/secret.h"
#include "crypto/alg.h"
#include "crypto/crypto.h"

struct kex;

#define auto_kex struct kex *CLEANUP(kex_cleanup)

/* -ERR_UNSUPPORTED: a group we do not have. */
int kex_generate(const struct crypto *c, uint16_t group, struct kex **out) MUST_CHECK;
uint16_t kex_group(const struct kex *k);
/* Our public value; borrowed from the handle. */
struct view kex_public(const struct kex *k);
/*
 * The shared secret: MODP padded to the modulus (RFC 7296 2.14), ECP the x coordinate, curve25519
 * 32 octets. -ERR_VALUE: the peer's value has the wrong length, is not on the curve, is not in
 * 2..p-2 (RFC 6989 2.1), is outside group 24's subgroup (RFC 6989 2.2), or yields the all-zero
 * secret (RFC 8031 2). Does not change k.
 */
int kex_derive(const struct crypto *c, const struct kex *k, struct view peer_public,
	struct secret **out) MUST_CHECK;
/*
 * The answering side in one go: what it sends is kex_public(*kex). A group of public values makes a
 * pair and derives; a key encapsulation mechanism, whose answer depends on the question, would
 * encapsulate here and decapsulate in kex_derive() (ADR 0034). Errors as of kex_derive().
 */
int kex_respond(const struct crypto *c, uint16_t group, struct view peer_public, struct kex **kex,
	struct secret **shared) MUST_CHECK;
/* The pair as octets (private half, then public value), and a handle from them again. They are
 * for our own sealed records: the halves are not checked against each other. */
int kex_export(const struct kex *k, struct secret **out) MUST_CHECK;
int kex_import(
	const struct crypto *c, uint16_t group, struct view exported, struct kex **out) MUST_CHECK;
void kex_free(struct kex *k);
void kex_cleanup(struct kex **k);
