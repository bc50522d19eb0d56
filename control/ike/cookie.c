#include "ike/cookie.h"

#include "base/emit.h"
#include "base/err.h"
#include "crypto/hash.h"

void cookie_init(struct cookie_jar *j, const struct env *env, uint64_t now_ms)
{
	env_random(env, j->secret, sizeof j->secret);
	env_random(env, &j->version, sizeof j->version);
	j->since_ms = now_ms;
}

void cookie_rotate(struct cookie_jar *j, const struct env *env, uint64_t now_ms)
{
	if (now_ms - j->since_ms < COOKIE_ROTATE_MS)
		return;
	j->version++;
	env_random(env, j->secret[j->version & 1], sizeof j->secret[0]);
	/* After a pause the one before is as old as the pause. */
	if (now_ms - j->since_ms >= 2 * COOKIE_ROTATE_MS)
		env_random(env, j->secret[~j->version & 1], sizeof j->secret[0]);
	j->since_ms = now_ms;
}

static int cookie_compute(const struct cookie_jar *j, struct crypto *c, uint8_t version,
	const struct cookie_of *of, uint8_t out[COOKIE_LEN])
{
	uint8_t spi[8], mac[HASH_MAX];
	struct emit e = emit_to(spi, sizeof spi);
	int rc;

	emit_be64(&e, of->spi_i);
	rc = hmac(c, HASH_SHA256, view_of_array(j->secret[version & 1]),
		VIEWS(of->nonce, addr_view(&of->from), view_of_array(spi)), mac);
	if (rc < 0)
		return rc;
	out[0] = version;
	memcpy(out + 1, mac, COOKIE_LEN - 1);
	return 0;
}

int cookie_make(const struct cookie_jar *j, struct crypto *c, const struct cookie_of *of,
	uint8_t out[COOKIE_LEN])
{
	return cookie_compute(j, c, j->version, of, out);
}

bool cookie_check(const struct cookie_jar *j, struct crypto *c, const struct cookie_of *of,
	struct view cookie)
{
	uint8_t want[COOKIE_LEN];

	if (cookie.n != COOKIE_LEN)
		return false;
	if (cookie.p[0] != j->version && cookie.p[0] != (uint8_t)(j->version - 1))
		return false;
	if (cookie_compute(j, c, cookie.p[0], of, want) < 0)
		return false;
	return view_equal_ct(view_of_array(want), cookie);
}
