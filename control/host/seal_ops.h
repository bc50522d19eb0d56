#pragma once
/*
 * The sealing that ha asks for (struct ha_seal_ops), over control/crypto: HKDF-SHA-256 from the
 * cluster key, AES-256-GCM.
 *
 * Life: seal_ops_init() .. seal_ops_fini(). Owns a copy of the cluster key. Thread: the loop.
 */
#include "base/secret.h"
#include "crypto/crypto.h"
#include "ha/step.h"

struct seal_ctx {
	struct crypto *crypto; /* lent */
	struct secret *cluster_key;
};

int seal_ops_init(struct seal_ctx *s, struct crypto *c, struct view cluster_key,
	struct ha_seal_ops *out) MUST_CHECK;
void seal_ops_fini(struct seal_ctx *s);
