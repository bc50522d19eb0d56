#include "wire/pld_eap.h"

#include "base/cursor.h"
#include "base/err.h"

#define EAP_HEADER_LEN 4

static bool has_type(uint8_t code)
{
	return code == EAP_REQUEST || code == EAP_RESPONSE;
}

int pld_eap_parse(struct view body, struct pld_eap *out)
{
	struct cur c = cur_of(body);
	struct pld_eap eap = {.raw = body};
	uint16_t length;

	eap.code = cur_u8(&c);
	eap.identifier = cur_u8(&c);
	length = cur_be16(&c);
	if (!cur_ok(&c) || length != body.n)
		return -ERR_TRUNCATED;
	if (has_type(eap.code)) {
		eap.type = cur_u8(&c);
		eap.data = cur_rest(&c);
		if (!cur_done(&c))
			return -ERR_TRUNCATED;
	} else if ((eap.code != EAP_SUCCESS && eap.code != EAP_FAILURE) ||
		   length != EAP_HEADER_LEN) {
		return -ERR_VALUE;
	}
	*out = eap;
	return 0;
}

void pld_eap_emit(struct emit *e, const struct pld_eap *eap)
{
	size_t start = e->n, mark;

	emit_u8(e, eap->code);
	emit_u8(e, eap->identifier);
	mark = emit_len16(e);
	if (has_type(eap->code)) {
		emit_u8(e, eap->type);
		emit_view(e, eap->data);
	}
	emit_patch16(e, mark, e->n - start);
}
