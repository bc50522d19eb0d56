#include "wire/iana.h"

#define TEXT_CASE(name, number, text, reference)                                                   \
	case number:                                                                               \
		return text;

#define TEXT_FUNCTION(fn, type, LIST)                                                              \
	const char *fn(type number)                                                                \
	{                                                                                          \
		switch (number) {                                                                  \
			LIST(TEXT_CASE)                                                            \
		default:                                                                           \
			return "?";                                                                \
		}                                                                                  \
	}

#define KNOWN_CASE(name, number, text, reference)                                                  \
	case number:                                                                               \
		return true;

bool payload_is_known(uint8_t type)
{
	switch (type) {
		PAYLOAD_LIST(KNOWN_CASE)
	default:
		return false;
	}
}

TEXT_FUNCTION(exchange_text, uint8_t, EXCHANGE_LIST)
TEXT_FUNCTION(payload_text, uint8_t, PAYLOAD_LIST)
TEXT_FUNCTION(protocol_text, uint8_t, PROTOCOL_LIST)
TEXT_FUNCTION(transform_type_text, uint8_t, TRANSFORM_TYPE_LIST)
TEXT_FUNCTION(id_type_text, uint8_t, ID_LIST)
TEXT_FUNCTION(cert_encoding_text, uint8_t, CERT_ENCODING_LIST)
TEXT_FUNCTION(auth_method_text, uint8_t, AUTH_METHOD_LIST)
TEXT_FUNCTION(notify_text, uint16_t, NOTIFY_LIST)
TEXT_FUNCTION(ts_type_text, uint8_t, TS_TYPE_LIST)
TEXT_FUNCTION(cp_type_text, uint8_t, CP_TYPE_LIST)
TEXT_FUNCTION(cp_attr_text, uint16_t, CP_ATTR_LIST)
TEXT_FUNCTION(eap_code_text, uint8_t, EAP_CODE_LIST)

static TEXT_FUNCTION(encr_text, uint16_t, ENCR_LIST) static TEXT_FUNCTION(
	prf_text, uint16_t, PRF_LIST) static TEXT_FUNCTION(integ_text, uint16_t,
	INTEG_LIST) static TEXT_FUNCTION(ke_group_text, uint16_t,
	KE_GROUP_LIST) static TEXT_FUNCTION(esn_text, uint16_t, ESN_LIST)

	const char *transform_text(uint8_t type, uint16_t id)
{
	switch (type) {
	case TRANSFORM_ENCR:
		return encr_text(id);
	case TRANSFORM_PRF:
		return prf_text(id);
	case TRANSFORM_INTEG:
		return integ_text(id);
	case TRANSFORM_KE:
		return ke_group_text(id);
	case TRANSFORM_ESN:
		return esn_text(id);
	default:
		return "?";
	}
}
