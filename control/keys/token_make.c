/*
 * A new pair in a token: it never leaves it (CKA_SENSITIVE, not CKA_EXTRACTABLE).
 */
#include "keys/token_own.h"

static int exists(struct ck_function_list *f, ck_session_handle_t session, const struct key_uri *u)
{
	ck_object_handle_t object;
	int rc = token_find(f, session, u, CKO_PRIVATE_KEY, &object);

	return rc == -ERR_NOT_FOUND ? 0 : rc == 0 || rc == -ERR_VALUE ? -ERR_EXISTS : rc;
}

/* DER of the curve's name (RFC 5480 2.1.1.1). */
static struct view curve_of(uint32_t bits)
{
	static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
	static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

	return bits == 256   ? view_of_array(p256)
	       : bits == 384 ? view_of_array(p384)
			     : view_of_array(p521);
}

int token_key_make(const struct token_modules *m, const struct key_uri *u, struct view pin,
	bool ecdsa, uint32_t bits)
{
	struct key_uri name = *u;
	unsigned char yes = 1, no = 0, exponent[] = {1, 0, 1}, curve[16];
	unsigned long size = bits;
	struct view oid = curve_of(bits);
	/* Both halves have the URI's name; an absent part is an empty attribute. */
	struct ck_attribute public[] = {{CKA_LABEL, name.object, strlen(name.object)},
		{CKA_ID, name.id, name.id_n}, {CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1},
		{CKA_EC_PARAMS, curve, oid.n}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
	struct ck_attribute private[] = {{CKA_LABEL, name.object, strlen(name.object)},
		{CKA_ID, name.id, name.id_n}, {CKA_TOKEN, &yes, 1}, {CKA_SIGN, &yes, 1},
		{CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
	struct ck_mechanism how = {
		.mechanism = ecdsa ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN};
	unsigned long n_public = 5;
	ck_object_handle_t made[2];
	ck_session_handle_t session;
	struct ck_function_list *f;
	int rc;

	memcpy(curve, oid.p, oid.n);
	if (!ecdsa) {
		public[4] = (struct ck_attribute){CKA_MODULUS_BITS, &size, sizeof size};
		n_public = 6;
	}
	rc = token_session(m, u, pin, &f, &session);
	if (rc < 0)
		return rc;
	rc = exists(f, session, u);
	if (rc == 0)
		rc = token_err(f->C_GenerateKeyPair(session, &how, public, n_public, private,
			ARRAY_LEN(private), &made[0], &made[1]));
	(void)f->C_CloseSession(session);
	return rc;
}
