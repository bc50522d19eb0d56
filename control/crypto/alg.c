#include "crypto/alg.h"

#include "base/cleanup.h"

#define SALT_GCM 4
#define IV_GCM	 8
#define BLOCK	 16

// clang-format off
#define GCM(bits, text) \
	{.name = (text), .type = ALG_ENCR, .id = ALG_AES_GCM_16, .key_bits = (bits), \
	 .key_len = (bits) / 8 + SALT_GCM, .salt_len = SALT_GCM, .iv_len = IV_GCM, .block = 1, \
	 .icv_len = 16}
#define CBC(bits, text) \
	{.name = (text), .type = ALG_ENCR, .id = ALG_AES_CBC, .key_bits = (bits), \
	 .key_len = (bits) / 8, .iv_len = BLOCK, .block = BLOCK}
/* RFC 2405, RFC 2451: no key length attribute */
#define DES(num, octets, text) \
	{.name = (text), .type = ALG_ENCR, .id = (num), .key_len = (octets), .iv_len = 8, .block = 8}
/* RFC 7634 */
#define CHACHA(text) \
	{.name = (text), .type = ALG_ENCR, .id = ALG_CHACHA20_POLY1305, \
	 .key_len = 36, .salt_len = 4, .iv_len = 8, .block = 1, .icv_len = 16}
/* RFC 2410 */
#define NO_CIPHER(num, text) \
	{.name = (text), .type = ALG_ENCR, .id = (num), .esp_only = true, .block = 1}
#define PRF(num, octets, text) \
	{.name = (text), .type = ALG_PRF, .id = (num), .key_len = (octets), .out_len = (octets)}
#define INTEG(num, octets, cut, text) \
	{.name = (text), .type = ALG_INTEG, .id = (num), .key_len = (octets), .out_len = (octets), \
	 .icv_len = (cut)}
#define KE(num, pub, secret, text) \
	{.name = (text), .type = ALG_KE, .id = (num), .pub_len = (pub), .secret_len = (secret)}

static const struct alg rows[] = {
	GCM(128, "aes-gcm-128"),
	GCM(192, "aes-gcm-192"),
	GCM(256, "aes-gcm-256"),
	CBC(128, "aes-cbc-128"),
	CBC(192, "aes-cbc-192"),
	CBC(256, "aes-cbc-256"),
	CHACHA("chacha20-poly1305"),
	DES(ALG_3DES, 24, "3des-cbc"),
	DES(ALG_DES, 8, "des-cbc"),
	NO_CIPHER(ALG_NULL, "null"),
	NO_CIPHER(ALG_NO_ENCR, "ah"),
	PRF(ALG_PRF_MD5, 16, "hmac-md5"),
	PRF(ALG_PRF_SHA1, 20, "hmac-sha1"),
	PRF(ALG_PRF_SHA256, 32, "hmac-sha256"),
	PRF(ALG_PRF_SHA384, 48, "hmac-sha384"),
	PRF(ALG_PRF_SHA512, 64, "hmac-sha512"),
	INTEG(ALG_MD5_96, 16, 12, "hmac-md5-96"),
	INTEG(ALG_SHA1_96, 20, 12, "hmac-sha1-96"),
	INTEG(ALG_SHA256_128, 32, 16, "hmac-sha256-128"),
	INTEG(ALG_SHA384_192, 48, 24, "hmac-sha384-192"),
	INTEG(ALG_SHA512_256, 64, 32, "hmac-sha512-256"),
	KE(ALG_MODP_768, 96, 96, "DH-group-1"),
	KE(ALG_MODP_1024, 128, 128, "DH-group-2"),
	KE(ALG_MODP_1536, 192, 192, "DH-group-5"),
	KE(ALG_MODP_2048, 256, 256, "DH-group-14"),
	KE(ALG_MODP_3072, 384, 384, "DH-group-15"),
	KE(ALG_MODP_4096, 512, 512, "DH-group-16"),
	KE(ALG_ECP_256, 64, 32, "DH-group-19"),
	KE(ALG_ECP_384, 96, 48, "DH-group-20"),
	KE(ALG_ECP_521, 132, 66, "DH-group-21"),
	KE(ALG_MODP_2048_256, 256, 256, "DH-group-24"),
	KE(ALG_CURVE25519, 32, 32, "DH-group-31"),
	KE(ALG_CURVE448, 56, 56, "DH-group-32"),
};

// clang-format on

const struct alg *alg_at(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}

const struct alg *alg_find(uint8_t type, uint16_t id, uint16_t key_bits)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type && rows[i].id == id && rows[i].key_bits == key_bits)
			return &rows[i];
	return NULL;
}
