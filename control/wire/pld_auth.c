#include "wire/pld_auth.h"

#include "base/cursor.h"
#include "base/err.h"

int pld_auth_parse(struct view body, struct pld_auth *out)
{
	struct cur c = cur_of(body);
	struct pld_auth auth;

	auth.method = cur_u8(&c);
	(void)cur_take(&c, 3); /* RESERVED: must be ignored on receipt */
	auth.data = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (auth.data.n == 0)
		return -ERR_VALUE;
	*out = auth;
	return 0;
}

void pld_auth_emit(struct emit *e, const struct pld_auth *auth)
{
	emit_u8(e, auth->method);
	emit_zero(e, 3);
	emit_view(e, auth->data);
}
