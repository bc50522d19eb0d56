#pragma once
/*
 * Keys that DES must not be used with. Pure functions, any thread.
 */
#include "base/view.h"

#define DES_KEY_LEN 8

/* FIPS 74 3.6: keys with which encrypting twice is the identity, or nearly so; parity aside. */
bool des_key_is_weak(const uint8_t key[DES_KEY_LEN]);
/* Parity aside. */
bool des_keys_equal(const uint8_t a[DES_KEY_LEN], const uint8_t b[DES_KEY_LEN]);
/* A derived key of DES (8 octets) or 3DES (24): weak parts, or parts that make it single DES
 * (RFC 2405 2.3, RFC 2451 2.2). */
bool des_derived_is_weak(struct view key);
