#include "wire/pld_certreq.h"

#include "base/cursor.h"
#include "base/err.h"
#include "wire/iana.h"

int pld_certreq_parse(struct view body, struct pld_certreq *out)
{
	struct cur c = cur_of(body);
	struct pld_certreq req;

	req.encoding = cur_u8(&c);
	req.authorities = cur_rest(&c);
	if (!cur_done(&c))
		return -ERR_TRUNCATED;
	if (req.encoding == CERT_X509_SIGNATURE && req.authorities.n % CERTREQ_DIGEST_LEN != 0)
		return -ERR_VALUE;
	*out = req;
	return 0;
}

bool pld_certreq_digest(const struct pld_certreq *req, size_t i, struct view *out)
{
	if (i >= req->authorities.n / CERTREQ_DIGEST_LEN)
		return false;
	*out = view_of(req->authorities.p + i * CERTREQ_DIGEST_LEN, CERTREQ_DIGEST_LEN);
	return true;
}

void pld_certreq_emit(struct emit *e, const struct pld_certreq *req)
{
	emit_u8(e, req->encoding);
	emit_view(e, req->authorities);
}
