#pragma once
/*
 * Asymmetric work under way on one machine: a thread pool that takes some time.
 *
 * Key exchange is done for real. Signatures are not: what stands for one is a digest of what it
 * covers, and what stands for a certificate says so; a wrong one is refused as a real one would be.
 *
 * Life: zeroed .. kexes_fini(). A job is taken out by its id when its time has come; what is left
 * when a process dies is freed.
 */
#include "ike/event.h"
#include "ike/effect.h"
#include "ike/proof.h"

enum { KEXES = 64 };

struct cert_ref;

struct kexes {
	struct ike_effect v[KEXES]; /* KEX, SIGN, TRUST */
	size_t n;
};

/* What stands for the certificate of a peer. */
void kex_ref(uint32_t p, struct cert_ref *out);
/* Takes the job out of the effect. Returns its id. */
uint64_t kexes_add(struct kexes *k, struct ike_effect *e);
/* Does it: *ev gives it back. False: not there any more. revoked: peers who are, a bit each. */
bool kexes_do(
	struct kexes *k, uint64_t id, struct crypto *c, uint32_t revoked, struct ike_event *ev);
void kexes_fini(struct kexes *k);

/* Certificates of everybody. */
extern const struct ike_credentials sim_credentials;
