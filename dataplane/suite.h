#pragma once
/*
 * One small interface per ESP transform: a suite says its shape and works on a burst of packets.
 *
 * Suites are const tables; the engine (multi-buffer state of ipsec-mb) belongs to one worker. An
 * expanded key is SA memory, written once at install and then only read.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/esp.h"

enum { SUITE_ENCR_AES_CBC = 12, SUITE_ENCR_AES_GCM16 = 20, SUITE_SALT = 4, SUITE_AAD_MAX = 12 };

struct suite_engine;

/* One packet: `data` is worked on in place. Nonce and AAD as the suite's RFC builds them. */
struct suite_op {
	const void *key;
	uint8_t *data;
	uint32_t len;
	uint8_t aad_len;
	bool ok; /* open: authentic */
	uint8_t nonce[12];
	uint8_t aad[SUITE_AAD_MAX];
	uint8_t *icv; /* seal writes it, open compares */
};

struct suite {
	const char *name;
	uint16_t encr, key_bits, integ;
	uint16_t key_len; /* of the encryption key as IKE gives it, salt included */
	struct esp_shape shape;
	uint32_t expanded; /* octets of one direction's key */
	void (*expand)(struct suite_engine *e, const uint8_t *key, void *expanded);
	void (*seal)(struct suite_engine *e, struct suite_op *ops, uint32_t n);
	void (*open)(struct suite_engine *e, struct suite_op *ops, uint32_t n);
};

/* NULL when it is not supported. */
const struct suite *suite_find(uint32_t encr, uint32_t key_bits, uint32_t integ);
struct suite_engine *suite_engine_new(void);
void suite_engine_free(struct suite_engine *e);
