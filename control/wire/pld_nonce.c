#include "wire/pld_nonce.h"

#include "base/err.h"

static bool is_nonce_len(size_t n)
{
	return n >= NONCE_MIN && n <= NONCE_MAX;
}

int pld_nonce_parse(struct view body, struct view *out)
{
	if (!is_nonce_len(body.n))
		return -ERR_VALUE;
	*out = body;
	return 0;
}

void pld_nonce_emit(struct emit *e, struct view nonce)
{
	if (!is_nonce_len(nonce.n))
		e->bad = true;
	emit_view(e, nonce);
}
