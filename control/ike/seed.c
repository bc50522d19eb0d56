#include "ike/seed.h"

#include "base/emit.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/hash.h"

#define ID_MAX	   512
#define LABEL_TEXT "tandem seeded pre-shared key"

static int written(uint8_t id_type, struct view id, struct emit *e)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (id_type == ID_IPV4_ADDR || id_type == ID_IPV6_ADDR) {
		if (addr_from_view(id, &a) < 0)
			return -ERR_VALUE;
		emit_view(e, view_of_text(addr_text(&a, text)));
		return 0;
	}
	for (size_t i = 0; i < id.n; i++) {
		uint8_t c = id.p[i];

		if (id_type != ID_DER_ASN1_DN && c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + 32);
		emit_u8(e, c);
	}
	return 0;
}

int seed_key(struct crypto *c, struct view seed, uint8_t id_type, struct view id,
	uint8_t out[SEED_KEY_LEN])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t room[ID_MAX], mac[HASH_SHA256_LEN];
	struct emit e = emit_to(room, sizeof room);
	struct view name;
	int rc = written(id_type, id, &e);

	if (rc == 0)
		rc = emit_done(&e, &name);
	/* The label ends with its terminating zero. */
	if (rc == 0)
		rc = hmac(c, HASH_SHA256, seed, VIEWS(view_of(LABEL_TEXT, sizeof LABEL_TEXT), name),
			mac);
	for (size_t i = 0; rc == 0 && i < sizeof mac; i++) {
		out[2 * i] = (uint8_t)digits[mac[i] >> 4];
		out[2 * i + 1] = (uint8_t)digits[mac[i] & 0xf];
	}
	secret_wipe(mac, sizeof mac);
	return rc;
}

uint8_t seed_id_type(const char *text, struct addr *addr)
{
	if (addr_parse(text, addr) == 0)
		return addr->family == 6 ? ID_IPV6_ADDR : ID_IPV4_ADDR;
	return strchr(text, '@') ? ID_RFC822_ADDR : ID_FQDN;
}
