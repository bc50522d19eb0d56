#include "config/algorithm.h"

#include <stdlib.h>

#define ENCR_DES	       2
#define ENCR_3DES	       3
#define ENCR_NULL	       11
#define ENCR_AES_CBC	       12
#define ENCR_AES_GCM_16	       20
#define ENCR_CHACHA20_POLY1305 28
#define INTEG_MD5	       1
#define ML_KEM_512	       35
#define ML_KEM_1024	       37
#define INTEG_SHA256_96	       65280

// clang-format off
static const struct algorithm_cipher ciphers[] = {
	{"des-cbc", ENCR_DES, 0, false, true},
	{"3des-cbc", ENCR_3DES, 0, false, true},
	{"aes-128-cbc", ENCR_AES_CBC, 128, false, false},
	{"aes-192-cbc", ENCR_AES_CBC, 192, false, false},
	{"aes-256-cbc", ENCR_AES_CBC, 256, false, false},
	{"aes-128-gcm", ENCR_AES_GCM_16, 128, true, false},
	{"aes-192-gcm", ENCR_AES_GCM_16, 192, true, false},
	{"aes-256-gcm", ENCR_AES_GCM_16, 256, true, false},
	{"chacha20-poly1305", ENCR_CHACHA20_POLY1305, 0, true, false},
};

static const struct algorithm_hash ike_hashes[] = {
	{"md5", 1, 1, true},
	{"sha1", 2, 2, true},
	{"sha-256", 12, 5, false},
	{"sha-384", 13, 6, false},
	{"sha-512", 14, 7, false},
};

/* hmac-sha-256-96 is the truncation of an early draft; it has no number of its own: 65280 is from
 * the registry's private range and never goes on the wire. */
static const struct algorithm_hash esp_hashes[] = {
	{"hmac-md5-96", 1, 0, true},
	{"hmac-sha1-96", 2, 0, true},
	{"hmac-sha-256-128", 12, 0, false},
	{"hmac-sha-256-96", INTEG_SHA256_96, 0, true},
	{"hmac-sha-384", 13, 0, false},
	{"hmac-sha-512", 14, 0, false},
};

#define PSK MODEL_AUTH_PSK
#define EC256 MODEL_AUTH_ECDSA_256
#define EC384 MODEL_AUTH_ECDSA_384

const struct algorithm_set_row algorithm_sets[] = {
	{"basic", PSK, "group1", "des-cbc", "sha1", NULL, NULL},
	{"basic", PSK, "group1", "des-cbc", "md5", NULL, NULL},
	{"basic", PSK, NULL, NULL, NULL, "des-cbc", "hmac-sha1-96"},
	{"basic", PSK, NULL, NULL, NULL, "des-cbc", "hmac-md5-96"},
	{"compatible", PSK, "group2", "3des-cbc", "sha1", NULL, NULL},
	{"compatible", PSK, "group2", "3des-cbc", "md5", NULL, NULL},
	{"compatible", PSK, "group2", "des-cbc", "sha1", NULL, NULL},
	{"compatible", PSK, "group2", "des-cbc", "md5", NULL, NULL},
	{"compatible", PSK, NULL, NULL, NULL, "3des-cbc", "hmac-sha1-96"},
	{"compatible", PSK, NULL, NULL, NULL, "3des-cbc", "hmac-md5-96"},
	{"compatible", PSK, NULL, NULL, NULL, "des-cbc", "hmac-sha1-96"},
	{"compatible", PSK, NULL, NULL, NULL, "des-cbc", "hmac-md5-96"},
	{"standard", PSK, "group2", "3des-cbc", "sha1", NULL, NULL},
	{"standard", PSK, "group2", "aes-128-cbc", "sha1", NULL, NULL},
	{"standard", PSK, NULL, NULL, NULL, "3des-cbc", "hmac-sha1-96"},
	{"standard", PSK, NULL, NULL, NULL, "aes-128-cbc", "hmac-sha1-96"},
	/* RFC 4308 2.1 */
	{"vpn-a", PSK, "group2", "3des-cbc", "sha1", NULL, NULL},
	{"vpn-a", PSK, NULL, NULL, NULL, "3des-cbc", "hmac-sha1-96"},
	{"suiteb-gcm-128", EC256, "group19", "aes-128-cbc", "sha-256", "aes-128-gcm", NULL},
	{"suiteb-gcm-256", EC384, "group20", "aes-256-cbc", "sha-384", "aes-256-gcm", NULL},
	{"prime-128", EC256, "group19", "aes-128-gcm", "sha-256", "aes-128-gcm", NULL},
	{"prime-256", EC384, "group20", "aes-256-gcm", "sha-384", "aes-256-gcm", NULL},
};
// clang-format on

const size_t algorithm_sets_n = ARRAY_LEN(algorithm_sets);

const struct algorithm_cipher *algorithm_cipher(const char *word)
{
	for (size_t i = 0; word && i < ARRAY_LEN(ciphers); i++)
		if (strcmp(ciphers[i].word, word) == 0)
			return &ciphers[i];
	return NULL;
}

static const struct algorithm_hash *hash_find(
	const struct algorithm_hash *all, size_t n, const char *word)
{
	for (size_t i = 0; word && i < n; i++)
		if (strcmp(all[i].word, word) == 0)
			return &all[i];
	return NULL;
}

const struct algorithm_hash *algorithm_ike_hash(const char *word)
{
	return hash_find(ike_hashes, ARRAY_LEN(ike_hashes), word);
}

const struct algorithm_hash *algorithm_esp_hash(const char *word)
{
	return hash_find(esp_hashes, ARRAY_LEN(esp_hashes), word);
}

size_t algorithm_hash_key_len(uint16_t integ)
{
	switch (integ) { /* RFC 2403, RFC 2404, RFC 4868 */
	case 1:
		return 16;
	case 2:
		return 20;
	case 13:
		return 48;
	case 14:
		return 64;
	default:
		return 32;
	}
}

size_t algorithm_cipher_key_len(const struct algorithm_cipher *c)
{
	if (c->aead)
		return 0;
	return c->encr == ENCR_DES ? 8 : c->encr == ENCR_3DES ? 24 : c->key_bits / 8;
}

uint16_t algorithm_dh(const char *word)
{
	return word && strncmp(word, "group", 5) == 0 ? (uint16_t)strtoul(word + 5, NULL, 10) : 0;
}

bool algorithm_encr_is_weak(uint16_t encr)
{
	return encr == ENCR_DES || encr == ENCR_3DES;
}

bool algorithm_integ_is_weak(uint16_t integ)
{
	return integ == INTEG_MD5;
}

bool algorithm_dh_is_weak(uint16_t dh)
{
	return dh == 1 || dh == 2 || dh == 5 || dh == 24;
}

bool algorithm_dh_is_supported(uint16_t dh)
{
	return dh < ML_KEM_512 || dh > ML_KEM_1024;
}

bool algorithm_esp_hash_is_supported(uint16_t integ)
{
	return integ != INTEG_SHA256_96;
}

uint16_t algorithm_set_pfs(const char *set)
{
	if (strcmp(set, "standard") == 0)
		return 2;
	for (size_t i = 0; i < algorithm_sets_n; i++)
		if (strcmp(algorithm_sets[i].set, set) == 0 && algorithm_sets[i].ike_cipher &&
			algorithm_sets[i].esp_cipher)
			return algorithm_dh(algorithm_sets[i].dh);
	return 0;
}

bool algorithm_set_needs_v2(const char *set)
{
	return strncmp(set, "prime-", 6) == 0;
}
