#include "ike/ticket.h"

#include "base/cursor.h"
#include "base/emit.h"
#include "base/err.h"
#include "crypto/hkdf.h"
#include "crypto/seal.h"
#include "ike/engine.h"

#define VERSION	  1
#define SALT_LEN  16
#define HEAD_LEN  (1 + SALT_LEN)
#define CHECK_LEN 16

/* Sealed, all numbers in network order:
 *
 *   | expires, Unix ms (8) | SPI (8) | encr (2) | key bits (2) | integ (2) | prf (2) | D-H (2) |
 *   | what the pre-shared key is known by (16) |
 *   | length (1), gateway | ID type (1) | length (2), identity | length (1), SK_d |
 */

static int key_of(struct ike *ike, struct view salt, uint8_t key[SEAL_KEY_LEN])
{
	const struct hkdf_in in = {.key = view_of_array(ike->cfg.ticket_key),
		.salt = salt,
		.info = view_of_literal("tandem IKE ticket")};

	return hkdf_sha256(ike->cfg.crypto, &in, key, SEAL_KEY_LEN);
}

static struct view secret_of(const struct gateway *gw)
{
	const struct model_ike_policy *p = gw->model->policy;

	return p->psk.n != 0 ? p->psk : p->seeded_psk;
}

/* Says whether the key is still the same; says nothing of it. */
static int psk_check(
	struct ike *ike, const struct gateway *gw, struct view salt, uint8_t out[CHECK_LEN])
{
	const struct hkdf_in in = {.key = secret_of(gw),
		.salt = salt,
		.info = view_of_literal("tandem IKE ticket credential")};

	return hkdf_sha256(ike->cfg.crypto, &in, out, CHECK_LEN);
}

static bool is_for(const struct gateway *gw)
{
	return gw && gw->model->resumption_s != 0 && gw->model->policy && secret_of(gw).n != 0 &&
	       !gw->model->policy->local_certificate && gw->model->policy->ppk.n == 0;
}

static int text_write(struct ike *ike, const struct ike_sa *sa, uint32_t lifetime_s,
	struct view salt, struct emit *e)
{
	const struct ike_suite *s = &sa->suite;
	struct view name = view_of_text(sa->gw->model->name), id = blob_view(&sa->remote_id.data),
		    sk_d = sa_key(sa, SK_D);
	uint8_t check[CHECK_LEN];
	int rc = psk_check(ike, sa->gw, salt, check);

	if (rc < 0)
		return rc;
	emit_be64(e, ike->wall_ms + lifetime_s * UINT64_C(1000));
	emit_be64(e, sa->spi_local);
	emit_be16(e, s->encr->id);
	emit_be16(e, s->encr->key_bits);
	emit_be16(e, s->integ ? s->integ->id : 0);
	emit_be16(e, s->prf->id);
	emit_be16(e, s->dh->id);
	emit_bytes(e, check, sizeof check);
	emit_u8(e, (uint8_t)name.n);
	emit_bytes(e, name.p, name.n);
	emit_u8(e, sa->remote_id.type);
	emit_be16(e, (uint16_t)id.n);
	emit_bytes(e, id.p, id.n);
	emit_u8(e, (uint8_t)sk_d.n);
	emit_bytes(e, sk_d.p, sk_d.n);
	return name.n > 255 || id.n > 512 || sk_d.n > 255 ? -ERR_LIMIT : 0;
}

int ticket_seal(struct ike *ike, const struct ike_sa *sa, uint32_t lifetime_s,
	uint8_t out[TICKET_MAX], size_t *n)
{
	struct emit e = emit_to(out + HEAD_LEN, TICKET_MAX - HEAD_LEN - SEAL_TAG_LEN);
	const uint8_t nonce[SEAL_NONCE_LEN] = {0};
	struct view salt = view_of(out + 1, SALT_LEN), text;
	uint8_t key[SEAL_KEY_LEN];
	auto_seal seal = NULL;
	int rc;

	if (!is_for(sa->gw) || !sa->suite.dh)
		return -ERR_UNSUPPORTED;
	out[0] = VERSION;
	env_random(&ike->cfg.env, out + 1, SALT_LEN);
	rc = text_write(ike, sa, lifetime_s, salt, &e);
	if (rc == 0)
		rc = emit_done(&e, &text);
	if (rc == 0)
		rc = key_of(ike, salt, key);
	if (rc == 0)
		rc = seal_new(ike->cfg.crypto, view_of_array(key), &seal);
	if (rc == 0)
		rc = seal_wrap(seal, nonce, view_of(out, HEAD_LEN), text, out + HEAD_LEN);
	secret_wipe(key, sizeof key);
	if (rc == 0)
		*n = HEAD_LEN + text.n + SEAL_TAG_LEN;
	return rc;
}

static int unseal(struct ike *ike, struct view sealed, uint8_t room[TICKET_MAX], struct view *out)
{
	const uint8_t nonce[SEAL_NONCE_LEN] = {0};
	uint8_t key[SEAL_KEY_LEN];
	auto_seal seal = NULL;
	struct view body;
	int rc;

	if (sealed.n < HEAD_LEN + SEAL_TAG_LEN || sealed.n > TICKET_MAX || sealed.p[0] != VERSION)
		return -ERR_AUTH;
	body = view_of(sealed.p + HEAD_LEN, sealed.n - HEAD_LEN);
	rc = key_of(ike, view_of(sealed.p + 1, SALT_LEN), key);
	if (rc == 0)
		rc = seal_new(ike->cfg.crypto, view_of_array(key), &seal);
	if (rc == 0)
		rc = seal_unwrap(seal, nonce, view_of(sealed.p, HEAD_LEN), body, room);
	secret_wipe(key, sizeof key);
	if (rc < 0)
		return rc;
	*out = view_of(room, body.n - SEAL_TAG_LEN);
	return 0;
}

static bool suite_read(struct cur *c, struct ike_suite *s)
{
	uint16_t encr = cur_be16(c), bits = cur_be16(c), integ = cur_be16(c);

	s->encr = alg_find(ALG_ENCR, encr, bits);
	s->integ = integ ? alg_find(ALG_INTEG, integ, 0) : NULL;
	s->prf = alg_find(ALG_PRF, cur_be16(c), 0);
	s->dh = alg_find(ALG_KE, cur_be16(c), 0);
	return s->encr && s->prf && s->dh && (!integ || s->integ);
}

static struct gateway *gateway_named(struct ike *ike, struct view name)
{
	char text[256];

	if (name.n == 0 || name.n >= sizeof text)
		return NULL;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return gateway_find(ike, text);
}

int ticket_open(struct ike *ike, struct view sealed, uint8_t room[TICKET_MAX], struct ticket *out)
{
	struct ticket t = {0};
	struct view text, check;
	uint8_t now[CHECK_LEN];
	struct cur c;
	uint64_t expires;
	bool known;
	int rc = unseal(ike, sealed, room, &text);

	if (rc < 0)
		return rc;
	c = cur_of(text);
	expires = cur_be64(&c);
	t.sa = cur_be64(&c);
	known = suite_read(&c, &t.suite);
	check = cur_take(&c, CHECK_LEN);
	t.gw = gateway_named(ike, cur_take(&c, cur_u8(&c)));
	t.peer_type = cur_u8(&c);
	t.peer = cur_take(&c, cur_be16(&c));
	t.sk_d = cur_take(&c, cur_u8(&c));
	if (!cur_done(&c))
		return -ERR_AUTH;
	if (expires <= ike->wall_ms)
		return -ERR_LIMIT;
	if (!known || !is_for(t.gw) || !ike_suite_allowed(t.gw->model->policy, &t.suite) ||
		psk_check(ike, t.gw, view_of(sealed.p + 1, SALT_LEN), now) < 0 ||
		!view_equal_ct(check, view_of_array(now)))
		return -ERR_NOT_FOUND;
	*out = t;
	return 0;
}
