#include "wire/pld_cert.h"

#include "base/cursor.h"
#include "base/err.h"

int pld_cert_parse(struct view body, struct pld_cert *out)
{
	struct cur c = cur_of(body);
	struct pld_cert cert;

	cert.encoding = cur_u8(&c);
	cert.data = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (cert.data.n == 0)
		return -ERR_VALUE;
	*out = cert;
	return 0;
}

void pld_cert_emit(struct emit *e, const struct pld_cert *cert)
{
	emit_u8(e, cert->encoding);
	emit_view(e, cert->data);
}
